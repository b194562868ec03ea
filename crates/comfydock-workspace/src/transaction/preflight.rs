//! Looking before the leap: after the commit point a refused rename would leave the environment
//! between two states, so everything that can be known before is asked before.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::journal::Step;
use crate::Error;

/// Plays the steps through against the disk as it is now.
///
/// # Errors
/// The first step that could not be taken, and why. Nothing has changed.
pub(super) fn check(steps: &[Step]) -> Result<(), Error> {
    let mut taken_away: Vec<&Path> = Vec::new();
    let mut put: Vec<&Path> = Vec::new();
    for step in steps {
        let Step::Rename { from, to, device, inode } = step else { continue };
        let Ok(about) = fs::symlink_metadata(from) else {
            return Err(refused(from, "has been moved or removed by another program"));
        };
        if (about.dev(), about.ino()) != (*device, *inode) {
            return Err(refused(from, "has been replaced by another program"));
        }
        let arrives_inside = put.iter().any(|place| to.starts_with(place));
        let leaves_with = taken_away.iter().any(|place| to.starts_with(place));
        if let Ok(there) = fs::symlink_metadata(to)
            && !leaves_with
            && !arrives_inside
            && (about.is_dir() || there.is_dir())
        {
            return Err(refused(to, "is in the way"));
        }
        if !arrives_inside && !leaves_with {
            check_folder(&nearest(to), *device)?;
        }
        check_folder(&nearest(from), *device)?;
        taken_away.push(from);
        put.push(to);
    }
    Ok(())
}

/// The nearest folder above `path` that exists, links followed.
fn nearest(path: &Path) -> PathBuf {
    path.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn check_folder(folder: &Path, device: u64) -> Result<(), Error> {
    let about = fs::metadata(folder).map_err(comfydock_store::file::Error::at("inspect", folder))?;
    if !about.is_dir() {
        return Err(refused(folder, "is no folder"));
    }
    if about.dev() != device {
        return Err(refused(folder, "is on another file system than what is to be put there"));
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|_| refused(folder, "cannot be written"))
}

fn refused(path: &Path, why: &str) -> Error {
    Error::refused(
        format!("`{}` {why}; nothing was changed", path.display()),
        "put that right, then run the command again",
    )
}
