//! `trust.toml` beside the user's configuration: whose signatures are believed on this account.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use comfydock_bundle::key::PublicKey;
pub use comfydock_bundle::verify::{Good, Report};
use comfydock_core::hint::Hint as _;
use comfydock_core::trust::{self, Fingerprint, Key, Means, Scope, Trust};
use comfydock_store::file;
use comfydock_store::lock::Lock;

use crate::Error;
use crate::configuration::folder;
use crate::workspace::now;

/// Where the file is.
///
/// # Errors
/// When the user has no home folder.
pub fn path() -> Result<PathBuf, Error> {
    Ok(folder()?.join("trust.toml"))
}

fn refused(error: &trust::Error) -> Error {
    Error::Refused { message: error.to_string(), details: Vec::new(), hint: error.hint() }
}

/// Reads the file; absent is nobody.
///
/// # Errors
/// When it cannot be read to the last key: who is trusted, or no longer, is not to be guessed.
pub fn load() -> Result<Trust, Error> {
    let path = path()?;
    let Some(text) = file::find_text(&path)? else { return Ok(Trust::default()) };
    let named = |reason: String, hint| Error::Refused {
        message: format!("`{}` cannot be used: {reason}", path.display()),
        details: Vec::new(),
        hint,
    };
    let trust = Trust::parse(&text).map_err(|error| named(error.to_string(), error.hint()))?;
    for key in trust.keys() {
        let Some(pem) = &key.public_key else { continue };
        let of = format!("the public_key of {}", key.fingerprint);
        let read = PublicKey::from_pem(pem).map_err(|error| named(format!("{of}: {error}"), None))?;
        if read.fingerprint() != key.fingerprint {
            let hint =
                Some("one of the two was changed by hand; put back what it was, or add the key again".to_owned());
            return Err(named(format!("{of} is that of {}", read.fingerprint()), hint));
        }
    }
    Ok(trust)
}

/// Judges a file by the signature beside it, by whom this account trusts; none where there is no signature.
///
/// # Errors
/// When one of the files cannot be read.
pub fn judge_file(path: &Path) -> Result<Option<Report>, Error> {
    Ok(comfydock_bundle::verify::verify_file(path, &load()?)?)
}

/// Changes the file while no other comfydock does: a revocation must not get lost.
fn change<T>(change: impl FnOnce(&mut Trust) -> Result<T, trust::Error>) -> Result<T, Error> {
    let path = path()?;
    let _lock = Lock::exclusive(&path.with_extension("toml.lock"))?;
    let mut trust = load()?;
    let outcome = change(&mut trust).map_err(|error| refused(&error))?;
    let text = trust.write().map_err(|error| refused(&error))?;
    file::write_with_mode(&path, text.as_bytes(), 0o600)?;
    Ok(outcome)
}

/// Believes a key in these scopes, and remembers how that came about. Returns all that is known of it now.
///
/// # Errors
/// When it was revoked, or the file cannot be written.
pub fn add(key: &PublicKey, scopes: BTreeSet<Scope>, name: Option<String>, means: Means) -> Result<Key, Error> {
    let fingerprint = key.fingerprint();
    let new = Key {
        fingerprint: fingerprint.clone(),
        name,
        scopes,
        added: Some(now()),
        means: Some(means),
        revoked: None,
        public_key: Some(key.to_pem()),
    };
    change(|trust| {
        trust.add(new)?;
        trust.find(&fingerprint).cloned().ok_or_else(|| trust::Error::Unknown(fingerprint.to_string()))
    })
}

/// No longer believes the key that is called so, or has this fingerprint; in one scope, or anywhere.
///
/// # Errors
/// When there is none, it is not believed there, or it was revoked.
pub fn remove(named: &str, scope: Option<&Scope>) -> Result<(Fingerprint, BTreeSet<Scope>), Error> {
    change(|trust| {
        let fingerprint = trust.named(named)?;
        let scopes = trust.remove(&fingerprint, scope)?;
        Ok((fingerprint, scopes))
    })
}

/// Which key is meant by a name or a fingerprint; a fingerprint may be of a key nobody knows.
///
/// # Errors
/// When a name is nobody's.
pub fn meant(named: &str) -> Result<Fingerprint, Error> {
    if let Ok(fingerprint) = named.parse() {
        return Ok(fingerprint);
    }
    load()?.named(named).map_err(|error| refused(&error))
}

/// Revokes a key for good. Returns whether it was not revoked before.
///
/// # Errors
/// When the file cannot be written.
pub fn revoke(fingerprint: &Fingerprint) -> Result<bool, Error> {
    change(|trust| Ok(trust.revoke(fingerprint, &now())))
}
