//! Whether a complete part is the file that is wanted.

use std::path::Path;

use comfydock_store::hash::{self, Digests};

use super::Kind;
use super::source::Errand;

/// Holds the bytes against everything that is known of the file: size and SHA-256; without SHA-256 the
/// source's own word for it, the quick hash, and what its kind of file says of its length. What the
/// source says of itself can only speak against it: a server that has another file says that file's hash.
///
/// # Errors
/// Why it is another file, as a clause.
pub(super) fn verify(errand: &Errand<'_>, part: &Path, digests: &Digests) -> Result<(), String> {
    if let Some(size) = errand.size().filter(|size| *size != digests.size) {
        return Err(format!("its file has {} bytes, not {size}", digests.size));
    }
    if let Some(sha256) = errand.sha256().or(errand.declared.as_ref()).filter(|sha256| digests.sha256 != **sha256) {
        return Err(format!(
            "it serves another file (SHA-256 {}…, not {}…)",
            digests.sha256.short(12),
            sha256.short(12)
        ));
    }
    if errand.sha256().is_some() {
        return Ok(());
    }
    if let Some(quick) = &errand.wanted.quick {
        let (found, _) = hash::quick(part).map_err(|error| error.to_string())?;
        return if found == *quick { Ok(()) } else { Err("it serves another file (its samples differ)".to_owned()) };
    }
    let name = errand.wanted.target.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let told = super::format::holds_together(&name, part, digests.size)?;
    // A hash of all bytes says that these are all.
    let told = told || errand.engine.kind != Kind::Model;
    if !told && errand.size().is_none() && errand.declared.is_none() {
        return Err("nobody says how long the file is, so it cannot be known whether all of it came".to_owned());
    }
    Ok(())
}
