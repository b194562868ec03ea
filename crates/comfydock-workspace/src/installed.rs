//! What was put into `custom_nodes` without git, file by file, so that a later look tells the user's changes
//! from the pack's own files: `.comfydock/packs/FOLDER.json`.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use comfydock_core::digest::{CommitId, Sha256};
use comfydock_core::plan::reach::{Folder, Release};
use comfydock_store::{file, hash};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::environment::Environment;

/// What was put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it is.
    #[serde(flatten)]
    pub origin: Origin,
    /// Its files by path, `/` between folders.
    pub files: BTreeMap<String, Stamp>,
}

/// Where files that no git tells anything about come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// They are a release of the Comfy registry.
    Release {
        /// The pack's id in the registry.
        registry_id: String,
        /// Its version.
        version: String,
        /// The identity of the zip.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<Sha256>,
    },
    /// They travelled with the environment and stand for a commit (decision 24).
    Commit {
        /// The pack's repository, as the manifest names it.
        repository: String,
        /// The commit there.
        commit: CommitId,
    },
}

impl From<Release> for Origin {
    fn from(Release { id, version, sha256 }: Release) -> Self {
        Self::Release { registry_id: id, version, sha256 }
    }
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
    /// Measures what was put into `folder`: these files of it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of(origin: Origin, folder: &Path, files: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let mut stamps = BTreeMap::new();
        for name in files {
            let path = folder.join(&name);
            let about = fs::metadata(&path).map_err(file::Error::at("inspect", &path))?;
            let (digests, _) = hash::full(&path, |_| {})?;
            stamps.insert(name, Stamp { size: about.len(), modified: modified(&about), sha256: digests.sha256 });
        }
        Ok(Self { origin, files: stamps })
    }

    /// Where the record of a folder lies.
    pub fn place(environment: &Environment, name: &str) -> PathBuf {
        environment.home().join("packs").join(format!("{name}.json"))
    }

    /// The record of a folder, when it has one.
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

    /// What a look at the folder tells.
    pub fn look(self, folder: &Path) -> Folder {
        let modified = self.changed(folder);
        match self.origin {
            Origin::Release { registry_id: id, version, sha256 } => {
                Folder { release: Some(Release { id, version, sha256 }), modified, ..Folder::default() }
            }
            Origin::Commit { repository, commit } => {
                Folder { commit: Some(commit), url: Some(repository), vendored: true, modified, ..Folder::default() }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_was_put_there() {
        let sha256 = "a".repeat(64);
        let files = format!(r#""files":{{"x.py":{{"size":3,"modified":1760000000123456789,"sha256":"{sha256}"}}}}"#);
        let commit = "1".repeat(40);
        for (text, is) in [
            (
                format!(r#"{{"registry_id":"pack","version":"1.0.0",{files}}}"#),
                Origin::Release { registry_id: "pack".to_owned(), version: "1.0.0".to_owned(), sha256: None },
            ),
            (
                format!(r#"{{"repository":"https://git.example/pack","commit":"{commit}",{files}}}"#),
                Origin::Commit {
                    repository: "https://git.example/pack".to_owned(),
                    commit: CommitId::parse(&commit).unwrap(),
                },
            ),
        ] {
            let record: Record = serde_json::from_str(&text).unwrap();
            assert_eq!(record.origin, is);
            assert_eq!(record.files["x.py"].modified, 1_760_000_000_123_456_789);
            assert_eq!(String::from_utf8(record.text()).unwrap(), text);
        }
    }
}
