//! The journal: every step of a transaction, so that anyone can finish it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use comfydock_core::digest::{CommitId, Sha256};
use comfydock_git::repository::{self, BRANCH, Repository};
use comfydock_store::file::{self, Error as FileError};
use serde::{Deserialize, Serialize};

use crate::Error;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) steps: Vec<Step>,
    #[serde(default)]
    pub(super) side_stages: Vec<PathBuf>,
    #[serde(default)]
    pub(super) guarded: Vec<Guarded>,
}

/// A file that was taken away and goes for good only if it is what it was taken for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Guarded {
    /// Where it was put.
    pub(super) at: PathBuf,
    /// What it is expected to be.
    pub(super) sha256: Sha256,
    /// Where it is kept if it is anything else.
    pub(super) keep: PathBuf,
}

impl Journal {
    /// Brings what is not as expected to where it is kept. Returns those places.
    pub(super) fn keep_changed(&self) -> Result<Vec<PathBuf>, Error> {
        let mut kept = Vec::new();
        for guarded in self.guarded.iter().filter(|guarded| guarded.at.symlink_metadata().is_ok()) {
            if comfydock_store::hash::full(&guarded.at, |_| {}).is_ok_and(|(found, _)| found.sha256 == guarded.sha256) {
                continue;
            }
            if let Some(parent) = guarded.keep.parent() {
                file::create_folder(parent)?;
            }
            fs::rename(&guarded.at, &guarded.keep).map_err(FileError::at("keep", &guarded.keep))?;
            kept.push(guarded.keep.clone());
        }
        Ok(kept)
    }

    /// Takes every step that was not taken yet, in order.
    ///
    /// The steps that were taken are a beginning of the list, and its end is the last step whose
    /// result is on disk. Judging each step alone would be wrong: a file that was carried into a
    /// staged folder stands at its old path again once that folder is in place.
    pub(super) fn take_the_rest(&self) -> Result<(), Error> {
        let first = self.steps.iter().rposition(Step::is_taken).map_or(0, |last| last + 1);
        self.steps[first..].iter().try_for_each(Step::take)?;
        self.branches().try_for_each(|(folder, _)| Ok(Repository::open(folder)?.rebuild_index()?))
    }

    /// The repositories whose branch moves, and where each begins.
    fn branches(&self) -> impl Iterator<Item = (&Path, Option<&CommitId>)> {
        self.steps.iter().filter_map(|step| match step {
            Step::Ref { folder, old, .. } => Some((folder.as_path(), old.as_ref())),
            Step::Rename { .. } => None,
        })
    }

    /// Makes sure, before the commit point, that every branch stands where the change began.
    pub(super) fn check_refs(&self) -> Result<(), Error> {
        self.branches().try_for_each(|(folder, old)| {
            let head = Repository::open(folder)?.head()?;
            if head.as_ref() == old { Ok(()) } else { Err(repository::Error::Moved(folder.to_owned()).into()) }
        })
    }

    /// Frees the repositories that a killed process held.
    pub(super) fn break_locks(&self) -> Result<(), Error> {
        self.branches().try_for_each(|(folder, _)| Ok(Repository::open(folder)?.break_locks()?))
    }
}

/// One step. Whether it was taken can be told from the disk alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub(super) enum Step {
    Rename { from: PathBuf, to: PathBuf, device: u64, inode: u64 },
    Ref { folder: PathBuf, old: Option<CommitId>, new: CommitId, why: String },
}

impl Step {
    fn is_taken(&self) -> bool {
        match self {
            Self::Rename { to, inode, .. } => identity(to) == Some(*inode),
            Self::Ref { folder, new, .. } => {
                Repository::open(folder).ok().and_then(|repository| repository.head().ok().flatten()).as_ref()
                    == Some(new)
            }
        }
    }

    pub(super) fn take(&self) -> Result<(), Error> {
        match self {
            Self::Rename { from, to, inode, .. } => rename(from, to, *inode),
            Self::Ref { folder, old, new, why } => move_ref(folder, old.as_ref(), new, why),
        }
    }
}

/// What tells that this is still the thing that was planned. Device numbers may change over a
/// reboot, so they only count before the commit point.
fn identity(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|about| about.ino())
}

fn rename(from: &Path, to: &Path, what: u64) -> Result<(), Error> {
    if identity(from) != Some(what) {
        let lost = io::Error::new(
            io::ErrorKind::NotFound,
            format!("`{}` has been moved or replaced by another program", from.display()),
        );
        return Err(FileError::at("put in place", to)(lost).into());
    }
    if let Some(parent) = to.parent() {
        file::create_folder(parent)?;
    }
    let is_folder = fs::symlink_metadata(from).is_ok_and(|meta| meta.is_dir());
    if is_folder {
        file::rename_new(from, to)?
    } else {
        fs::rename(from, to).map_err(FileError::at("rename to", to))?
    }
    Ok(())
}

fn move_ref(folder: &Path, old: Option<&CommitId>, new: &CommitId, why: &str) -> Result<(), Error> {
    match Repository::open(folder)?.update_ref(BRANCH, old, new, why) {
        // Another program moved the branch after the commit point. Its commit stays; what was put
        // in place shows as uncommitted, and nothing is lost.
        Err(repository::Error::Moved(_)) => Ok(()),
        other => Ok(other?),
    }
}
