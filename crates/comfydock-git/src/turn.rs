//! Whose turn it is to change a mirror or the references of remotes, and what those left whose turn ended
//! badly.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::program::Error;

/// The file that is locked. Git knows nothing of it.
const FILE: &str = "comfydock-turn";

/// The right to change a repository that several processes share. It ends with this process and with
/// every git that holds it too: one may outlive the comfydock that started it.
pub(crate) struct Turn(File);

impl Turn {
    /// Waits for it, then removes what killed gits left: one lock file of theirs would refuse every later
    /// fetch.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        Self::take_for(folder, &[""])
    }

    /// As [`Turn::take`], for a repository of which only these folders are changed in turns: what lies
    /// elsewhere may be a running program's.
    ///
    /// # Errors
    /// When a folder cannot be read or written.
    pub(crate) fn take_for(folder: &Path, inside: &[&str]) -> Result<Self, Error> {
        let at = |source| Error::Folder { path: folder.to_owned(), source };
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).open(folder.join(FILE)).map_err(at)?;
        file.lock().map_err(at)?;
        for name in inside {
            sweep(&folder.join(name)).map_err(at)?;
        }
        Ok(Self(file))
    }

    /// For a git to hold.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub(crate) fn file(&self) -> Result<File, Error> {
        self.0.try_clone().map_err(Error::Start)
    }
}

/// Removes lock files and half-written packs. Only what the running git made may lie there, and none runs.
fn sweep(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            // Objects lie two deep and are never locked; packs are written beside them.
            let inside = if name == "objects" { entry.path().join("pack") } else { entry.path() };
            sweep(&inside)?;
        } else if name.ends_with(".lock") || name.starts_with("tmp_") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_gits_left_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = ["HEAD.lock", "config.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x1"];
        let kept = ["HEAD", "refs/heads/main", "objects/pack/pack-1.pack", "objects/ab/cdef"];
        for path in left.iter().chain(&kept) {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        drop(Turn::take(folder.path()).unwrap());
        assert!(left.iter().all(|path| !folder.path().join(path).exists()));
        assert!(kept.iter().all(|path| folder.path().join(path).exists()));
    }

    #[test]
    fn what_lies_elsewhere_is_somebody_elses() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["index.lock", "refs/heads/main.lock", "refs/remotes/origin/main.lock"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        drop(Turn::take_for(folder.path(), &["refs/remotes/origin", "refs/comfydock"]).unwrap());
        assert!(!folder.path().join("refs/remotes/origin/main.lock").exists());
        assert!(folder.path().join("refs/heads/main.lock").exists() && folder.path().join("index.lock").exists());
    }

    #[test]
    fn a_turn_lasts_as_long_as_anyone_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let turn = Turn::take(folder.path()).unwrap();
        let held = turn.file().unwrap();
        drop(turn);
        let other = File::open(folder.path().join(FILE)).unwrap();
        assert!(other.try_lock().is_err(), "a git holds it still");
        drop(held);
        assert!(other.try_lock().is_ok());
    }
}
