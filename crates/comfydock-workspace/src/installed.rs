//! What was unpacked into `custom_nodes` from the Comfy registry, file by file, so that a later look
//! tells the user's changes from the pack's own files: `.comfydock/packs/FOLDER.json`.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_core::plan::reach::Release;
use comfydock_store::{file, hash};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::environment::Environment;

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The pack's id in the registry.
    pub registry_id: String,
    /// Its version.
    pub version: String,
    /// The identity of the zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Its files by path, `/` between folders.
    pub files: BTreeMap<String, Stamp>,
}

/// A file as it was put there. A file with this size and time is taken as unchanged without reading
/// it, as git does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since the epoch.
    pub modified: i128,
    /// Its identity.
    pub sha256: Sha256,
}

impl Record {
    /// Measures what was unpacked into `folder`: these files of it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of(release: Release, folder: &Path, files: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let mut stamps = BTreeMap::new();
        for name in files {
            let path = folder.join(&name);
            let about = fs::metadata(&path).map_err(file::Error::at("inspect", &path))?;
            let (digests, _) = hash::full(&path, |_| {})?;
            stamps.insert(name, Stamp { size: about.len(), modified: modified(&about), sha256: digests.sha256 });
        }
        let Release { id, version, sha256 } = release;
        Ok(Self { registry_id: id, version, sha256, files: stamps })
    }

    /// Where the record of a folder lies.
    pub fn place(environment: &Environment, name: &str) -> PathBuf {
        environment.home().join("packs").join(format!("{name}.json"))
    }

    /// The record of a folder, when it came from the registry.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(environment: &Environment, name: &str) -> Result<Option<Self>, Error> {
        let text = file::find_text(&Self::place(environment, name))?;
        // One that cannot be read vouches for nothing: the folder counts as the user's.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// What to write.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The release it is of.
    pub fn release(&self) -> Release {
        Release { id: self.registry_id.clone(), version: self.version.clone(), sha256: self.sha256.clone() }
    }

    /// The pack's own files that are changed or gone in a folder. Files that were added are not the
    /// pack's.
    pub fn changed(&self, folder: &Path) -> Vec<String> {
        let differs = |(name, stamp): &(&String, &Stamp)| {
            let path = folder.join(name);
            let Ok(about) = fs::metadata(&path) else { return true };
            if about.len() != stamp.size {
                return true;
            }
            modified(&about) != stamp.modified
                && !hash::full(&path, |_| {}).is_ok_and(|(found, _)| found.sha256 == stamp.sha256)
        };
        self.files.iter().filter(differs).map(|(name, _)| name.clone()).collect()
    }

    /// What lies in the folder beside the pack's own files; a folder that holds none of them is one
    /// entry.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn added(&self, folder: &Path) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        self.visit(folder, "", &mut found)?;
        Ok(found)
    }

    fn visit(&self, folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), Error> {
        let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in listed.map_err(file::Error::at("read", folder))? {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let inside = format!("{name}/");
            let holds = self.files.range(inside.clone()..).next().is_some_and(|(path, _)| path.starts_with(&inside));
            if is_folder && holds {
                self.visit(&entry.path(), &inside, found)?;
            } else if !self.files.contains_key(&name) {
                found.push(name);
            }
        }
        Ok(())
    }
}

fn modified(about: &Metadata) -> i128 {
    i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec())
}
