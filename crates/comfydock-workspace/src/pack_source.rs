//! Which files of a node pack's folder travel: what its git tracks, and what its `.gitignore` does not keep
//! out. What is made anew wherever the pack is used never does (decision 24).

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use comfydock_core::foreign::FILE_LIMIT;
use comfydock_core::name::NodeName;
use comfydock_core::path::TreePath;
use comfydock_git::checkout;
use comfydock_git::repository::SourceFile;
use comfydock_store::file;
use ignore::WalkBuilder;

use crate::Error;
use crate::environment::Environment;
use crate::installed::Record;

/// Why a link does not travel.
pub const LINK: &str = "it is a symbolic link";

/// The files of a pack that travel.
#[derive(Debug, Clone)]
pub struct PackSource {
    /// The pack's folder.
    pub folder: PathBuf,
    /// Its files, in the order of their paths.
    pub files: Vec<SourceFile>,
    /// Files that do not travel although nobody wants them kept out, with the reason.
    pub left_out: Vec<(String, &'static str)>,
}

impl PackSource {
    /// Looks through a pack of an environment.
    ///
    /// # Errors
    /// When its folder cannot be read, or git fails on it.
    pub fn of(environment: &Environment, name: &NodeName) -> Result<Self, Error> {
        let folder = environment.custom_nodes().join(name.as_str());
        // What is tracked travels even if it is ignored, as git has it; a copy that came with an
        // environment has its own files noted instead.
        let tracked = if folder.join(".git").exists() {
            checkout::tracked(&folder)?
        } else {
            Record::find(environment, name.as_str())?
                .map(|record| record.files.into_keys().collect())
                .unwrap_or_default()
        };
        Self::look(folder, tracked)
    }

    fn look(folder: PathBuf, tracked: Vec<String>) -> Result<Self, Error> {
        let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
        let walk = WalkBuilder::new(&folder)
            .standard_filters(false)
            .git_ignore(true)
            .require_git(false)
            .filter_entry(|entry| entry.depth() == 0 || !is_made_anew(&entry.file_name().to_string_lossy()))
            .build();
        for entry in walk {
            let entry = entry.map_err(|error| file::Error::at("read", &folder)(std::io::Error::other(error)))?;
            if entry.file_type().is_some_and(|kind| !kind.is_dir()) {
                let path = entry.path().strip_prefix(&folder).unwrap_or(entry.path());
                found.insert(path.to_string_lossy().into_owned(), entry.into_path());
            }
        }
        for path in tracked.into_iter().filter(|path| !path.split('/').any(is_made_anew)) {
            let place = folder.join(&path);
            if place.symlink_metadata().is_ok_and(|about| !about.is_dir()) {
                found.insert(path, place);
            }
        }
        let mut source = Self { folder, files: Vec::new(), left_out: Vec::new() };
        for (path, place) in found {
            source.take(path, &place)?;
        }
        Ok(source)
    }

    fn take(&mut self, path: String, place: &Path) -> Result<(), Error> {
        let about = place.symlink_metadata().map_err(file::Error::at("inspect", place))?;
        let why = if about.is_symlink() { Some(LINK) } else { why_not(path.as_bytes(), about.len()) };
        match why {
            Some(why) => self.left_out.push((path, why)),
            None if !about.is_file() => {}
            None => {
                let executable = about.permissions().mode() & 0o100 != 0;
                self.files.push(SourceFile { path, executable, size: about.len() });
            }
        }
        Ok(())
    }

    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Whether what has this name is made anew wherever the pack is used.
pub fn is_made_anew(name: &str) -> bool {
    matches!(name, ".git" | "__pycache__" | ".venv" | "node_modules" | ".mypy_cache" | ".pytest_cache")
        || name.ends_with(".pyc")
        || name.ends_with(".egg-info")
}

/// Why a file does not travel, if it does not.
pub fn why_not(path: &[u8], size: u64) -> Option<&'static str> {
    if !std::str::from_utf8(path).is_ok_and(|path| TreePath::parse(path).is_ok()) {
        Some("its name cannot be had on every system")
    } else if size > FILE_LIMIT {
        Some("it is too large for a history")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tracked_or_not_ignored_travels() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ".gitignore",
            "__init__.py",
            "web/a.js",
            "out/result.png",
            "out/kept.txt",
            ".env",
            "a.pyc",
            "__pycache__/a",
            "node_modules/x/y.js",
            "mine.egg-info/PKG-INFO",
            "deep/.gitignore",
            "deep/secret.txt",
            "deep/open.txt",
        ];
        for name in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        std::fs::write(folder.path().join(".gitignore"), "out/\n.env\n").unwrap();
        std::fs::write(folder.path().join("deep/.gitignore"), "secret.txt\n").unwrap();
        std::fs::set_permissions(folder.path().join("web/a.js"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("a.js", folder.path().join("web/link")).unwrap();
        let tracked = vec!["out/kept.txt".to_owned(), "gone.py".to_owned(), "__pycache__/a".to_owned()];
        let source = PackSource::look(folder.path().to_owned(), tracked).unwrap();
        let names: Vec<&str> = source.files.iter().map(|file| file.path.as_str()).collect();
        let expected = [".gitignore", "__init__.py", "deep/.gitignore", "deep/open.txt", "out/kept.txt", "web/a.js"];
        assert_eq!(names, expected);
        assert_eq!(source.files.iter().filter(|file| file.executable).count(), 1);
        assert_eq!(source.left_out, [("web/link".to_owned(), LINK)]);
    }
}
