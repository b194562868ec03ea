//! Which model a word means.

use std::path::Path;

use comfydock_core::digest::Sha256;
use comfydock_core::manifest::Manifest;
use comfydock_core::plan::library::{Library, Place};

use crate::Error;

/// Digits that make a word the start of a hash.
const FEWEST: usize = 6;

/// A word that may be the start of a hash.
struct Hash(Option<String>);

impl Hash {
    fn of(word: &str) -> Self {
        let digits = word.strip_prefix("sha256:").unwrap_or(word).to_ascii_lowercase();
        let is_hash = digits.len() >= FEWEST && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        Self(is_hash.then_some(digits))
    }

    fn begins(&self, key: &str, sha256: Option<&Sha256>) -> bool {
        let Some(digits) = &self.0 else { return false };
        key.starts_with(digits) || sha256.is_some_and(|sha256| sha256.as_str().starts_with(digits))
    }
}

/// The key of the one model of a manifest that a word means: a hash or its start, a file name.
pub fn manifest_key(manifest: &Manifest, word: &str) -> Option<String> {
    let hash = Hash::of(word);
    let mut fitting = manifest.models.iter().filter(|(key, model)| {
        model.filename == word || model.relative_path.name() == word || hash.begins(key, model.sha256.as_ref())
    });
    match (fitting.next(), fitting.next()) {
        (Some((key, _)), None) => Some(key.clone()),
        _ => None,
    }
}

/// The key of the one model of this machine that a word means.
///
/// # Errors
/// When there is none, or several.
pub fn key_of(library: &Library, word: &str) -> Result<String, Error> {
    let hash = Hash::of(word);
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for (key, model) in library.iter() {
        let by_hash = hash.begins(key, model.sha256.as_ref());
        let named = |place: &&Place| !word.is_empty() && Path::new(&place.relative_path).ends_with(word);
        let mut places = model.places.iter().chain(&model.elsewhere);
        let place = places.find(|place| by_hash || named(place));
        if let Some(place) = place
            && keys.iter().all(|(known, _)| *known != key)
        {
            keys.push((key, &place.relative_path));
        }
    }
    match keys.as_slice() {
        [(key, _)] => Ok((*key).to_owned()),
        [] => Err(Error::refused(
            format!("no model here is called `{word}`"),
            "`comfydock models list` shows those that are",
        )),
        several => Err(Error::Refused {
            message: format!("`{word}` means several models"),
            details: several.iter().map(|(key, path)| format!("{} {path}", &key[..12.min(key.len())])).collect(),
            hint: Some("name one by its hash or its whole path".to_owned()),
        }),
    }
}
