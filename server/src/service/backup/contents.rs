//! What a backup says about itself.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::db::snapshot;
use crate::random;
use crate::service::Error;

/// The file that is written last: without it there is no backup.
pub(super) const CONTENTS: &str = "backup.json";
/// Every other file with its SHA-256, as `sha256sum --check` reads it.
pub(super) const SUMS: &str = "SHA256SUMS";
pub(super) const DATABASE: &str = "hub.db";
pub(super) const CONFIGURATION: &str = "hub.toml";
/// The newest layout this program reads.
pub(super) const SCHEMA: u32 = 1;

/// `backup.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) schema: u32,
    /// RFC 3339, in UTC: the moment of the backup.
    pub(super) created_at: String,
    pub(super) hub_version: String,
    /// The version of the database.
    pub(super) migrations: usize,
    pub(super) environments: Vec<Environment>,
    /// How model files came along.
    #[serde(default)]
    pub(super) files: Files,
    /// Model files that were not what they should be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) damaged_files: Vec<String>,
    /// The SHA-256 of `SHA256SUMS`.
    pub(super) sums: String,
}

/// How a backup has the model files that the hub keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Files {
    /// As files of its own
    #[default]
    Copy,
    /// As second names of the hub's own files: at once, on the same disk, and lost with it
    Link,
    /// Not at all: after a restore they are uploaded again
    Leave,
}

/// One environment in a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Environment {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) name: String,
    /// Where main was.
    pub(super) tip: Option<String>,
    pub(super) references: usize,
    /// What was wrong with the repository when it was backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) damaged: Option<String>,
}

#[derive(Deserialize)]
struct Layout {
    schema: u32,
}

impl Contents {
    /// Reads what a backup says about itself and checks that this program can use it.
    pub(super) fn load(backup: &Path) -> Result<Self, Error> {
        let path = backup.join(CONTENTS);
        let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => refused(
                backup,
                "it has no backup.json, which is written last",
                "name the folder of a finished backup; one that was cut off cannot be used",
            ),
            _ => Error::system(format!("cannot read {}", path.display()), error),
        })?;
        let newer = "restore it with a comfydock-hub at least as new as the one that wrote it";
        // Only this number is sure to mean the same in every layout.
        let layout: Layout = serde_json::from_str(&text).map_err(|error| damaged(backup, CONTENTS, error))?;
        if layout.schema > SCHEMA {
            return Err(refused(backup, &format!("its layout is {}, newer than {SCHEMA}", layout.schema), newer));
        }
        let contents: Self = serde_json::from_str(&text).map_err(|error| damaged(backup, CONTENTS, error))?;
        if contents.migrations > snapshot::VERSION {
            let message = format!("its database has version {}, newer than {}", contents.migrations, snapshot::VERSION);
            return Err(refused(backup, &message, newer));
        }
        Ok(contents)
    }
}

pub(super) fn refused(backup: &Path, message: &str, hint: &str) -> Error {
    Error::Invalid {
        message: format!("the backup {} cannot be used: {message}", backup.display()),
        hint: Some(hint.to_owned()),
    }
}

/// A file of the backup is not what it was.
pub(super) fn damaged(backup: &Path, file: &str, problem: impl std::fmt::Display) -> Error {
    refused(backup, &format!("{file} is damaged: {problem}"), "nothing was changed; take another backup")
}

/// Relative paths with the SHA-256 of each.
#[derive(Debug, Default)]
pub(super) struct Sums(pub(super) BTreeMap<PathBuf, String>);

impl Sums {
    pub(super) fn to_text(&self) -> String {
        self.0.iter().map(|(path, sum)| format!("{sum}  {}\n", path.display())).collect()
    }

    /// Reads the list; every path must lie inside the backup.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| {
            let (sum, path) = line.split_once("  ")?;
            let path = PathBuf::from(path);
            let inside = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            (inside && sum.len() == 64).then(|| (path, sum.to_owned()))
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }
}

/// Copies a file and returns the SHA-256 of what was written.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<String> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut source = std::fs::File::open(from)?;
    let mut target = std::fs::File::options().write(true).create_new(true).open(to)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            return Ok(random::hex(&digest.finalize()));
        }
        digest.update(&buffer[..count]);
        std::io::Write::write_all(&mut target, &buffer[..count])?;
    }
}

/// The SHA-256 of bytes.
pub(super) fn sum(bytes: &[u8]) -> String {
    random::hex(&Sha256::digest(bytes))
}

/// The SHA-256 of a file.
pub(super) fn sum_of_file(path: &Path) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(random::hex(&digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}
