//! `seen.json` beside the user's configuration: what was last imported from each reference, so that an older
//! version in the place of a newer one is noticed. Only what a believed signature says is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfydock_core::signature::replay::{Age, age};
use comfydock_core::signature::{Claim, Place};
use comfydock_store::file;
use comfydock_store::lock::Lock;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::configuration::folder;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen(BTreeMap<String, Claim>);

fn path() -> Result<PathBuf, Error> {
    Ok(folder()?.join("seen.json"))
}

fn load() -> Result<Seen, Error> {
    let text = file::find_text(&path()?)?.unwrap_or_default();
    // One that cannot be read tells nothing; what is imported next is noted anew.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// What was last imported from there, if what lies there now is older.
///
/// # Errors
/// When the file cannot be read.
pub fn older_than(place: &Place, now: &Claim) -> Result<Option<Claim>, Error> {
    let seen = load()?.0.remove(&place.to_string());
    Ok(seen.filter(|seen| age(seen, now) == Age::Older))
}

/// Notes what was imported.
///
/// # Errors
/// When the file cannot be written.
pub fn note(place: &Place, claim: &Claim) -> Result<(), Error> {
    let path = path()?;
    if let Some(parent) = path.parent() {
        file::create_folder(parent)?;
    }
    let _lock = Lock::exclusive(&path.with_extension("json.lock"))?;
    let mut seen = load()?;
    seen.0.insert(place.to_string(), claim.clone());
    Ok(file::write_with_mode(&path, &serde_json::to_vec_pretty(&seen).unwrap_or_default(), 0o600)?)
}
