//! Which install scripts were run on a venv generation. The note lies in the generation and goes with it:
//! what a script installed is in no other.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use comfydock_core::digest::Sha256;
use comfydock_store::file;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The note's file in a generation.
const FILE: &str = "install_scripts.json";

/// A script that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ran {
    sha256: Sha256,
    /// The pack's folder: what a script wrote there is not in one that was put in its place.
    folder: String,
}

/// The scripts that were run on a generation, by the key of their pack.
pub(super) struct Note {
    place: PathBuf,
    ran: BTreeMap<String, Ran>,
}

impl Note {
    /// The note of a generation. One that is not there or cannot be read says nothing: then a script
    /// is told of once more.
    pub(super) fn of(generation: &Path) -> Self {
        let place = generation.join(FILE);
        let text = file::find_text(&place).ok().flatten();
        let ran = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { place, ran }
    }

    /// Whether this script of a pack was run with the pack in this folder.
    pub(super) fn has(&self, pack: &str, sha256: &Sha256, folder: &Path) -> bool {
        self.ran.get(pack).is_some_and(|ran| ran.sha256 == *sha256 && Some(&ran.folder) == identity(folder).as_ref())
    }

    /// Whether a script with these bytes was run, of whatever pack.
    pub(super) fn knows(&self, sha256: &Sha256) -> bool {
        self.ran.values().any(|ran| ran.sha256 == *sha256)
    }

    /// The packs whose scripts were run.
    pub(super) fn packs(self) -> Vec<String> {
        self.ran.into_keys().collect()
    }

    /// Notes a script that was run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(&mut self, pack: &str, sha256: Sha256, folder: &Path) -> Result<(), Error> {
        let Some(folder) = identity(folder) else { return Ok(()) };
        self.ran.insert(pack.to_owned(), Ran { sha256, folder });
        let text = serde_json::to_vec_pretty(&self.ran).unwrap_or_default();
        Ok(file::write(&self.place, &text)?)
    }
}

/// Which folder it is, whatever lies in it: its inode, and when that was made where the file system says.
fn identity(folder: &Path) -> Option<String> {
    let about = folder.metadata().ok()?;
    let made = about.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Some(format!("{}-{}", about.ino(), made.map_or(0, |time| time.as_nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_counts_for_its_bytes_and_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let (generation, folder) = (root.path().join("venv"), root.path().join("pack"));
        for made in [&generation, &folder] {
            std::fs::create_dir(made).unwrap();
        }
        let sha256 = |digit: &str| Sha256::parse(&digit.repeat(64)).unwrap();
        assert!(!Note::of(&generation).has("pack", &sha256("1"), &folder));
        Note::of(&generation).add("pack", sha256("1"), &folder).unwrap();
        std::fs::write(folder.join("made.txt"), "by the script").unwrap();
        let note = Note::of(&generation);
        assert!(note.has("pack", &sha256("1"), &folder) && note.knows(&sha256("1")));
        assert!(!note.has("pack", &sha256("2"), &folder) && !note.has("other", &sha256("1"), &folder));
        // Another folder of the name, while the first is still there so that its inode is not taken.
        std::fs::rename(&folder, root.path().join("old")).unwrap();
        std::fs::create_dir(&folder).unwrap();
        assert!(!note.has("pack", &sha256("1"), &folder));
        std::fs::write(generation.join(FILE), "{").unwrap();
        assert!(Note::of(&generation).packs().is_empty());
    }
}
