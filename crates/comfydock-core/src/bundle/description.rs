//! `manifest.json`: what a bundle says of itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{DESCRIPTION, content_lines};
use crate::digest::{CommitId, Sha256};
use crate::hint::Hint;
use crate::manifest::Manifest;
use crate::pack_identifier::Version;

/// The newest `schema_version` this program reads and the one it writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFact {
    /// Its path in the bundle.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
}

/// `manifest.json`. In a registry it is the artifact's config, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The version of this format.
    pub schema_version: u32,
    /// When the commit was made that was exported, RFC 3339 in UTC.
    pub timestamp: String,
    /// The program that wrote it.
    pub comfydock_version: String,
    /// What the environment was called where it was exported.
    pub environment_name: String,
    /// The commit that was exported.
    pub environment_commit: CommitId,
    /// The names of the workflows.
    pub workflows: Vec<String>,
    /// Major and minor version of Python.
    pub python_version: String,
    /// The ref of ComfyUI that was asked for.
    pub comfyui_version: String,
    /// The commit it stands for.
    pub comfyui_commit: CommitId,
    /// The platforms that its lock covers, with commas between them.
    pub platform: String,
    /// Models its workflows need.
    pub total_models: usize,
    /// Node packs.
    pub total_nodes: usize,
    /// Every file but this one, in the order of their paths' bytes.
    pub files: Vec<FileFact>,
    /// SHA-256 of [`content_lines`]: the bundle's identity.
    pub content_digest: Sha256,
}

/// A description that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no JSON, or a value has the wrong type.
    #[error("{DESCRIPTION}: {0}")]
    Json(String),
    /// It was written by a newer program.
    #[error("{DESCRIPTION} has schema_version {found}; this comfydock knows up to {SCHEMA_VERSION}")]
    NewerSchema {
        /// The version found.
        found: u64,
    },
    /// It says something else than the files do.
    #[error("{DESCRIPTION} {0}")]
    Disagrees(String),
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NewerSchema { .. } => "it was made by a newer version: update comfydock, then try again".to_owned(),
            Self::Json(_) | Self::Disagrees(_) => {
                "the bundle was changed or damaged after it was made: have it sent again".to_owned()
            }
        })
    }
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// When it cannot be read, or is a newer program's: then nothing else of it is interpreted.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let value: serde_json::Value = serde_json::from_slice(text).map_err(|error| Error::Json(error.to_string()))?;
        match value.get("schema_version").and_then(serde_json::Value::as_u64) {
            Some(found) if found > u64::from(SCHEMA_VERSION) => return Err(Error::NewerSchema { found }),
            Some(1..) => {}
            _ => return Err(Error::Json("has no schema_version".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| Error::Json(error.to_string()))
    }

    /// Whether it was written by a newer program than `ours`; what is no plain version says nothing.
    pub fn is_newer_than(&self, ours: &str) -> bool {
        match (Version::parse(&self.comfydock_version), Version::parse(ours)) {
            (Some(theirs), Some(ours)) => theirs > ours,
            _ => false,
        }
    }

    /// Its text, the same for the same description: keys in order, no space between them (RFC 8785).
    ///
    /// # Panics
    /// Never: it holds nothing that JSON cannot say.
    pub fn text(&self) -> String {
        // A map of `serde_json` keeps its keys in order; the fields of a struct are written as declared.
        let value = serde_json::to_value(self).expect("text and numbers");
        value.to_string()
    }

    /// Holds what it says of the files against the files: their names, sizes and digests, and the content
    /// digest (`digest` of `content_lines`).
    ///
    /// # Errors
    /// The first file that is missing, too much, or another.
    pub fn check_files(&self, found: &[FileFact], digest: &Sha256) -> Result<(), Error> {
        let disagrees = |text: String| Err(Error::Disagrees(text));
        let mut listed: Vec<&FileFact> = self.files.iter().collect();
        listed.sort_by(|one, other| one.path.cmp(&other.path));
        if let Some(twice) = listed.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return disagrees(format!("lists `{}` twice", twice[0].path));
        }
        let mut found: Vec<&FileFact> = found.iter().filter(|file| file.path != DESCRIPTION).collect();
        found.sort_by(|one, other| one.path.cmp(&other.path));
        let lost = |one: &&&FileFact| found.binary_search_by(|file| file.path.cmp(&one.path)).is_err();
        if let Some(lost) = listed.iter().find(lost) {
            return disagrees(format!("lists `{}`, which is not in the bundle", lost.path));
        }
        for file in found {
            match listed.binary_search_by(|one| one.path.cmp(&file.path)).map(|at| listed[at]) {
                Err(_) => return disagrees(format!("does not list `{}`, which is in the bundle", file.path)),
                Ok(said) if said != file => {
                    return disagrees(format!("lists `{}` with another size or SHA-256 than it has", file.path));
                }
                Ok(_) => {}
            }
        }
        let workflows = self.files.iter().filter_map(|file| crate::foreign::workflow_name(&file.path));
        if workflows.collect::<BTreeSet<_>>() != self.workflows.iter().map(String::as_str).collect() {
            return disagrees("names other workflows than its files are".to_owned());
        }
        if *digest != self.content_digest {
            return disagrees("gives another content digest than its files have".to_owned());
        }
        Ok(())
    }

    /// Holds what it says of the environment against the manifest.
    ///
    /// # Errors
    /// The first fact that the manifest tells otherwise.
    pub fn check_manifest(&self, manifest: &Manifest) -> Result<(), Error> {
        let environment = &manifest.environment;
        let facts = [
            ("python_version", &self.python_version, &environment.python_version),
            ("comfyui_version", &self.comfyui_version, &environment.comfyui_version),
        ];
        for (name, said, is) in facts {
            if said != is {
                return Err(Error::Disagrees(format!("gives `{said}` as {name}; pyproject.toml has `{is}`")));
            }
        }
        if self.comfyui_commit != environment.comfyui_commit {
            return Err(Error::Disagrees("gives another comfyui_commit than pyproject.toml".to_owned()));
        }
        if self.total_nodes != manifest.nodes.len() || self.total_models != manifest.models.len() {
            return Err(Error::Disagrees("counts other models or node packs than pyproject.toml has".to_owned()));
        }
        Ok(())
    }

    /// What the content digest is taken over.
    pub fn content_lines(&self) -> Vec<u8> {
        content_lines(&self.files)
    }
}
