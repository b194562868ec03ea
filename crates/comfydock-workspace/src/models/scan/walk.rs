//! What lies below a models folder: names and stamps, nothing is opened.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use comfydock_core::category;
use comfydock_core::path::{ModelPath, TreePath};
use comfydock_core::sidecar;
use comfydock_store::hash::Stamp;

use crate::models::roots::Root;

/// Folders below folders that are followed: ComfyUI ends where the system does, at forty links.
const DEPTH: usize = 40;

/// What lies below a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Model files, by the path below the folder.
    pub(super) files: Vec<(String, Stamp)>,
    /// Files that may say something of the models beside them.
    pub(super) sidecars: Vec<(String, Stamp)>,
    /// Folders in which Hugging Face's programs keep notes of what they downloaded beside it, by the
    /// path below the folder, with a slash behind it.
    pub(super) noted: Vec<String>,
    /// Folders that were looked through, by the path below the folder, with a slash behind it, and the
    /// devices they are on.
    pub(super) folders: Vec<(String, u64)>,
    /// Folders that could not be read, by the path below the folder, with a slash behind it.
    pub(super) unreadable: Vec<(String, io::Error)>,
    /// Model files whose names are no text.
    pub(super) nameless: Vec<OsString>,
}

/// Looks through a folder. Links are followed, as ComfyUI does, but not to a folder that is being
/// looked through already.
pub(super) fn walk(root: &Root) -> Found {
    let mut found = Found::default();
    Walk { root, found: &mut found, above: Vec::new() }.folder(root.path(), "");
    found
}

struct Walk<'a> {
    root: &'a Root,
    found: &'a mut Found,
    above: Vec<(u64, u64)>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) {
        match self.entries(folder, prefix) {
            Ok(()) => {}
            // It went meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.found.unreadable.push((prefix.to_owned(), error)),
        }
    }

    fn entries(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        let meta = folder.metadata()?;
        let identity = (meta.dev(), meta.ino());
        if self.above.contains(&identity) || self.above.len() == DEPTH {
            return Ok(());
        }
        let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_cached_key(std::fs::DirEntry::file_name);
        self.above.push(identity);
        self.found.folders.push((prefix.to_owned(), meta.dev()));
        for entry in entries {
            let name = entry.file_name();
            if name.as_bytes().starts_with(b".") {
                if name == ".cache" && entry.path().join("huggingface/download").is_dir() {
                    self.found.noted.push(prefix.to_owned());
                }
                continue;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let Some(name) = name.to_str() else {
                if !kind.is_dir() && category::wide_model_extension(&name.to_string_lossy()) {
                    self.found.nameless.push(name);
                }
                continue;
            };
            // One stat a file, below the open folder; another for what a link leads to.
            let meta = if kind.is_dir() {
                None
            } else if kind.is_symlink() {
                entry.path().metadata().ok()
            } else if self.counts(name) || sidecar::is_sidecar(name) {
                entry.metadata().ok()
            } else {
                continue;
            };
            let path = format!("{prefix}{name}");
            if prefix.is_empty() && !self.root.takes_folder(name) {
                continue;
            }
            match meta {
                None if kind.is_dir() => self.folder(&entry.path(), &format!("{path}/")),
                Some(meta) if meta.is_dir() => self.folder(&entry.path(), &format!("{path}/")),
                Some(meta) if meta.is_file() => self.file(path, name, Stamp::of(&meta)),
                _ => {}
            }
        }
        self.above.pop();
        Ok(())
    }

    fn file(&mut self, path: String, name: &str, stamp: Stamp) {
        if sidecar::is_sidecar(name) {
            self.found.sidecars.push((path, stamp));
        } else if self.counts(name) {
            self.found.files.push((path, stamp));
        }
    }

    /// Whether ComfyUI, or some node, lists a file of this name here.
    fn counts(&self, name: &str) -> bool {
        self.root.takes_all_files() || category::wide_model_extension(name)
    }
}

/// Why no manifest could record a path, if none could.
pub(super) fn fault(root: &Root, path: &str) -> Option<&'static str> {
    let place = root.place_path(path);
    if root.takes_all_files() {
        TreePath::parse(&place).err().map(|error| error.reason())
    } else {
        ModelPath::parse(&place).err().map(|error| error.reason())
    }
}
