//! The part of a file while it comes, and what is written down of it.
//!
//! A part is named after the content that is wanted, so that any source can go on with what another
//! began. Beside it a journal says how much of it is surely on disk, which a crash of the machine
//! makes a question, and which server's version it is, for files whose hash nobody knows.

use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_core::source::Source;
use comfydock_store::{claim, file};
use serde::{Deserialize, Serialize};

use crate::workspace::now;

/// The form of the journal.
const SCHEMA: &str = "comfydock.part/1";

/// Which version of a file a server has, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Validator {
    /// `etag`; weak ones and dates do not tell two versions apart surely.
    pub(super) kind: String,
    /// As the server sent it.
    pub(super) value: String,
    /// The host that sent it, with its port: another's words mean nothing.
    pub(super) host: String,
}

/// What is known of a part besides its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) sha256: Option<Sha256>,
    pub(super) size: Option<u64>,
    pub(super) validator: Option<Validator>,
    /// The one source all bytes came from; none when there were several.
    pub(super) source: Option<Source>,
}

/// `.NAME.<16 digits>.part.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    schema: String,
    sha256: Option<Sha256>,
    size: Option<u64>,
    validator: Option<Validator>,
    source: Option<Source>,
    /// Bytes that were on disk for good when this was written.
    durable: u64,
    boot: String,
    updated_at: String,
}

/// A part and its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) path: PathBuf,
}

/// Where the part of a file lies while it comes: any source can go on with what another began.
pub fn part_path(target: &Path, sha256: &Sha256) -> PathBuf {
    with_key(target, sha256.short(16))
}

/// The claim of whoever writes the part with this name: `.NAME.<16 digits>.part`, perhaps with more
/// behind it; a claim's own. None when it is no name that downloads give.
pub fn claim_of(part: &Path) -> Option<PathBuf> {
    let name = part.file_name()?.to_str()?;
    if name.strip_prefix('.').and_then(|name| name.strip_suffix(".part.lock")).is_some_and(|name| !name.is_empty()) {
        return Some(part.to_owned());
    }
    let (before, after) = name.strip_prefix('.')?.rsplit_once(".part")?;
    let (target, digits) = before.rsplit_once('.')?;
    let hex = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let is_part = hex && !target.is_empty() && matches!(after, "" | ".json" | ".new" | ".new.json");
    is_part.then(|| Part::claim(&part.with_file_name(target)))
}

fn with_key(target: &Path, key: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{key}.part"))
}

impl Part {
    /// The part of a file with this SHA-256; for one whose hash nobody knows, of this source's file.
    pub(super) fn of(target: &Path, sha256: Option<&Sha256>, source: Option<&Source>) -> Self {
        let path = match (sha256, source) {
            (Some(sha256), _) => part_path(target, sha256),
            (None, source) => {
                let text = source.map(ToString::to_string).unwrap_or_default();
                with_key(target, comfydock_store::hash::of_bytes(text.as_bytes()).sha256.short(16))
            }
        };
        Self { path }
    }

    /// A second part, for a source that contradicts the first.
    pub(super) fn spare(&self) -> Self {
        Self { path: with_ending(&self.path, ".new") }
    }

    fn journal(&self) -> PathBuf {
        with_ending(&self.path, ".json")
    }

    /// The claim of whoever writes it.
    pub(super) fn claim(target: &Path) -> PathBuf {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        target.with_file_name(format!(".{name}.part.lock"))
    }

    /// What the journal says, and how many bytes of the part can be relied on: after a crash of the
    /// machine only those that were made durable, else all.
    pub(super) fn facts(&self) -> (Facts, Option<u64>) {
        let read = |path: &Path| std::fs::read(path).ok();
        let Some(journal) = read(&self.journal()).and_then(|bytes| serde_json::from_slice::<Journal>(&bytes).ok())
        else {
            return (Facts::default(), None);
        };
        if journal.schema != SCHEMA {
            return (Facts::default(), None);
        }
        let sure = (journal.boot != claim::boot_id()).then_some(journal.durable);
        let facts =
            Facts { sha256: journal.sha256, size: journal.size, validator: journal.validator, source: journal.source };
        (facts, sure)
    }

    /// Writes down that so many bytes are durable. Call it only after they are.
    ///
    /// # Errors
    /// When the journal cannot be written; the part is as good without.
    pub(super) fn note(&self, facts: &Facts, durable: u64) -> Result<(), file::Error> {
        let journal = Journal {
            schema: SCHEMA.to_owned(),
            sha256: facts.sha256.clone(),
            size: facts.size,
            validator: facts.validator.clone(),
            source: facts.source.clone(),
            durable,
            boot: claim::boot_id(),
            updated_at: now(),
        };
        let mut text = serde_json::to_vec(&journal).unwrap_or_default();
        text.push(b'\n');
        file::write(&self.journal(), &text)
    }

    /// Takes the part and its journal away.
    pub(super) fn remove(&self) {
        let _ = file::remove(&self.path);
        let _ = file::remove(&self.journal());
    }

    /// Takes the journal away, whose part has got its name.
    pub(super) fn forget(&self) {
        let _ = file::remove(&self.journal());
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parts_name_says_whose_claim_is_its_own() {
        let target = Path::new("/m/loras/a.b.safetensors");
        let part = Part::of(target, None, None);
        for path in [&part.path, &part.journal(), &part.spare().path, &part.spare().journal()] {
            assert_eq!(claim_of(path), Some(Part::claim(target)), "{path:?}");
        }
        for name in [
            "x.safetensors.0123456789abcdef.part",
            ".x.part",
            ".part.lock",
            ".0123456789abcdef.part",
            ".x.0123456789ABCDEF.part",
            ".x.0123456789abcde.part",
            ".x.0123456789abcdef.partition",
            ".x.0123456789abcdef.part.safetensors",
            "model.part",
        ] {
            assert_eq!(claim_of(Path::new(name)), None, "{name}");
        }
    }
}
