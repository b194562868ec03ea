//! A kept version in a folder of its own, and what became of it there.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use comfydock_store::file;
use comfydock_store::hash::Hasher;

use super::{PackFile, Store, Stored, TRACKING, below};
use crate::Error;

/// How a pack's folder differs from what the registry has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files with other bytes, sorted.
    pub modified: Vec<String>,
    /// Files that are not there, sorted.
    pub missing: Vec<String>,
    /// Files and links that the pack does not have, sorted; what Python compiles is no file of anybody's.
    pub added: Vec<String>,
}

impl Changes {
    /// Whether everything is as it came.
    pub fn is_empty(&self) -> bool {
        self.modified.is_empty() && self.missing.is_empty() && self.added.is_empty()
    }
}

impl Store {
    /// Copies a kept version into a folder that is new or empty, with the list of names by which
    /// ComfyUI-Manager knows it for the registry's. The bytes are checked on the way.
    ///
    /// Nothing is linked: packs write into their own folders.
    ///
    /// # Errors
    /// When a kept file was damaged, or the folder cannot be written.
    pub fn copy_into(&self, stored: &Stored, target: &Path) -> Result<(), Error> {
        file::create_folder(target)?;
        let content = stored.content();
        for wanted in stored.files() {
            let (from, to) = (below(&content, &wanted.path), below(target, &wanted.path));
            if let Some(folder) = to.parent() {
                file::create_folder(folder)?;
            }
            copy(wanted, &from, &to).map_err(|error| match error {
                Copy::Here(error) => error.into(),
                Copy::Damaged => Error::refused(
                    format!("the kept copy of {} {} is damaged: {}", stored.id(), stored.version(), wanted.path),
                    format!("remove `{}` and run the command again", stored.folder().display()),
                ),
            })?;
        }
        let mut names: String = stored.files().iter().map(|file| format!("{}\n", file.path)).collect();
        names.truncate(names.trim_end().len());
        let tracking = target.join(TRACKING);
        std::fs::write(&tracking, names).map_err(file::Error::at("write", &tracking))?;
        Ok(())
    }

    /// How a folder differs from a kept version.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn verify(folder: &Path, stored: &Stored) -> Result<Changes, Error> {
        let mut changes = Changes::default();
        for wanted in stored.files() {
            let path = below(folder, &wanted.path);
            match path.symlink_metadata() {
                Err(_) => changes.missing.push(wanted.path.clone()),
                Ok(meta) if !meta.is_file() || meta.len() != wanted.size => changes.modified.push(wanted.path.clone()),
                Ok(_) => {
                    let hashed = hash(&path, |_| Ok(())).map_err(file::Error::at("read", &path))?;
                    if hashed.finish().sha256 != wanted.sha256 {
                        changes.modified.push(wanted.path.clone());
                    }
                }
            }
        }
        let known: std::collections::HashSet<&str> = stored.files().iter().map(|file| file.path.as_str()).collect();
        walk(folder, "", &mut |name| {
            if name != TRACKING && !known.contains(name.as_str()) {
                changes.added.push(name);
            }
        })?;
        changes.modified.sort();
        changes.missing.sort();
        changes.added.sort();
        Ok(changes)
    }
}

/// Why a file was not copied.
enum Copy {
    Damaged,
    Here(file::Error),
}

fn copy(wanted: &PackFile, from: &Path, to: &Path) -> Result<(), Copy> {
    // A link in the cache leads to what was never checked.
    if !from.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(Copy::Damaged);
    }
    let mode = if wanted.executable { 0o755 } else { 0o644 };
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(to);
    let mut target = opened.map_err(|error| Copy::Here(file::Error::at("create", to)(error)))?;
    let hasher = hash(from, |bytes| target.write_all(bytes));
    let digests = hasher.map_err(|error| Copy::Here(file::Error::at("copy to", to)(error)))?.finish();
    if digests.sha256 == wanted.sha256 { Ok(()) } else { Err(Copy::Damaged) }
}

/// Reads a file, hands its bytes on, and hashes them.
fn hash(path: &Path, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<Hasher> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::default();
    let mut block = vec![0; 128 * 1024];
    loop {
        let count = file.read(&mut block)?;
        if count == 0 {
            return Ok(hasher);
        }
        hasher.update(&block[..count]);
        take(&block[..count])?;
    }
}

/// Names every file and link below a folder; links are not followed.
fn walk(folder: &Path, above: &str, take: &mut dyn FnMut(String)) -> Result<(), Error> {
    let listed = std::fs::read_dir(folder).map_err(file::Error::at("read", folder))?;
    for entry in listed.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if above.is_empty() { name.clone() } else { format!("{above}/{name}") };
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && name == "__pycache__" {
            continue;
        }
        if is_folder {
            walk(&entry.path(), &path, take)?;
        } else {
            take(path);
        }
    }
    Ok(())
}
