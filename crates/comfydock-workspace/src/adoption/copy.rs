//! Copying out of an installation. What is copied is the new environment's own: nothing is shared
//! with the original but what a link of the user's leads to.

use std::fs;
use std::path::{Component, Path, PathBuf};

use comfydock_store::file;

use super::packs::is_passing;
use crate::Error;

/// Copies a file or a whole folder to a place that is free. What Python makes anew stays behind, and
/// so does a `.git` that only names another folder: two work trees would share one index.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    if let Some(parent) = to.parent() {
        file::create_folder(parent)?;
    }
    // The one that was named may itself be a link to what is meant.
    let about = fs::metadata(from).map_err(file::Error::at("inspect", from))?;
    if about.is_dir() {
        folder(from, to, 0)?;
        mend_alternates(from, to)
    } else {
        plain(from, to)
    }
}

/// Copies what lies below `from` at these paths to the same paths below `to`. What is there already
/// stays. Returns the paths that were copied.
///
/// # Errors
/// As [`copy`].
pub fn copy_some(from: &Path, to: &Path, paths: &[String]) -> Result<Vec<String>, Error> {
    let mut copied = Vec::new();
    for path in paths {
        let (source, target) = (from.join(path), to.join(path));
        if target.symlink_metadata().is_ok() || source.symlink_metadata().is_err() {
            continue;
        }
        if source.is_symlink() {
            if let Some(parent) = target.parent() {
                file::create_folder(parent)?;
            }
            link(&source, &target)?;
        } else {
            copy(&source, &target)?;
        }
        copied.push(path.clone());
    }
    Ok(copied)
}

fn folder(from: &Path, to: &Path, depth: usize) -> Result<(), Error> {
    fs::create_dir(to).map_err(file::Error::at("create", to))?;
    for (name, path) in super::entries(from)? {
        let about = path.symlink_metadata().map_err(file::Error::at("inspect", &path))?;
        let target = to.join(&name);
        if is_passing(&name) || (depth == 0 && name == ".git" && !about.is_dir()) {
            continue;
        }
        if about.is_symlink() {
            link(&path, &target)?;
        } else if about.is_dir() {
            folder(&path, &target, depth + 1)?;
        } else if about.is_file() {
            plain(&path, &target)?;
        }
    }
    let mode = fs::metadata(from).map_err(file::Error::at("inspect", from))?.permissions();
    fs::set_permissions(to, mode).map_err(file::Error::at("write", to))?;
    Ok(())
}

fn plain(from: &Path, to: &Path) -> Result<(), Error> {
    // Where the file system can, this shares blocks until one side writes.
    fs::copy(from, to).map_err(file::Error::at("copy", from))?;
    Ok(())
}

/// A link leads where it led: one that went out of the folder by a way that starts in it is made whole.
fn link(from: &Path, to: &Path) -> Result<(), Error> {
    let said = fs::read_link(from).map_err(file::Error::at("read", from))?;
    let climbs = said.components().next() == Some(Component::ParentDir);
    let target = if climbs { from.parent().unwrap_or(from).join(&said) } else { said };
    std::os::unix::fs::symlink(&target, to).map_err(file::Error::at("link", to))?;
    Ok(())
}

/// A clone that borrows objects from another says where by a path that may begin at the clone.
fn mend_alternates(from: &Path, to: &Path) -> Result<(), Error> {
    let path = to.join(".git/objects/info/alternates");
    let Some(text) = file::find_text(&path)? else { return Ok(()) };
    let objects = from.join(".git/objects");
    let lines: String = text.lines().map(|line| format!("{}\n", whole(&objects, line).display())).collect();
    Ok(file::write(&path, lines.as_bytes())?)
}

fn whole(objects: &Path, line: &str) -> PathBuf {
    let path = objects.join(line);
    path.canonicalize().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_folder_is_copied_as_it_is_and_shares_nothing() {
        let root = tempfile::tempdir().unwrap();
        let old = root.path().join("old");
        for folder in ["pack/inner", "pack/__pycache__", "elsewhere"] {
            fs::create_dir_all(old.join(folder)).unwrap();
        }
        for (name, text) in [
            ("pack/run.sh", "x"),
            ("pack/inner/a.py", "a"),
            ("pack/__pycache__/a.pyc", "p"),
            ("pack/b.pyc", "p"),
            ("elsewhere/m", "m"),
            ("pack/.git", "gitdir: /x"),
        ] {
            fs::write(old.join(name), text).unwrap();
        }
        fs::set_permissions(old.join("pack/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("inner/a.py", old.join("pack/inside")).unwrap();
        symlink("../elsewhere/m", old.join("pack/outside")).unwrap();
        symlink("/nowhere", old.join("pack/nowhere")).unwrap();
        let new = root.path().join("new/deep/pack");
        copy(&old.join("pack"), &new).unwrap();
        let names: Vec<String> = super::super::entries(&new).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["inner", "inside", "nowhere", "outside", "run.sh"]);
        assert_eq!(fs::read_link(new.join("inside")).unwrap(), Path::new("inner/a.py"));
        assert_eq!(fs::read_to_string(new.join("outside")).unwrap(), "m");
        assert_eq!(fs::metadata(new.join("run.sh")).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(old.join("pack/run.sh")).unwrap().nlink(), 1);
    }

    #[test]
    fn some_of_it_is_copied_where_nothing_stands() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (root.path().join("old"), root.path().join("new"));
        fs::create_dir_all(old.join("ckpt")).unwrap();
        fs::create_dir_all(&new).unwrap();
        for name in ["a.ini", "ckpt/m.bin", "taken"] {
            fs::write(old.join(name), "old").unwrap();
        }
        fs::write(new.join("taken"), "new").unwrap();
        let paths = ["a.ini", "ckpt", "taken", "gone"].map(str::to_owned);
        assert_eq!(copy_some(&old, &new, &paths).unwrap(), ["a.ini", "ckpt"]);
        assert_eq!(fs::read_to_string(new.join("taken")).unwrap(), "new");
        assert_eq!(fs::read_to_string(new.join("ckpt/m.bin")).unwrap(), "old");
    }
}
