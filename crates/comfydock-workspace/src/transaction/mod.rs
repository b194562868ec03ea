//! All or nothing, also after a crash (architecture.md, The transaction).
//!
//! A transaction prepares everything in a folder of its own and then only renames. Without a
//! journal it never happened; with one it is carried to its end, by this process or the next.
//!
//! ```text
//! <home>/txn/<ulid>.lock     held while the process that began it lives
//! <home>/txn/<ulid>/stage/   what will be put in place
//! <home>/txn/<ulid>/trash/   what was in the way and can be had again
//! <home>/txn/<ulid>/journal.json   the commit point
//! <home>/txn/<ulid>/done     every step was taken; only the sweeping is left
//! <home>/trash/<ulid>/       what was in the way and may hold the user's files
//! ```

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use comfydock_core::digest::CommitId;
use comfydock_store::file::{self, Error as FileError};
use comfydock_store::lock::Lock;
use comfydock_store::space::same_file_system;
use rustix::fs::{Access, access};

use crate::Error;

mod journal;
mod preflight;
mod recover;
#[cfg(test)]
mod tests;

use journal::{Guarded, Journal, Step};
pub use recover::recover;

const JOURNAL: &str = "journal.json";
const DONE: &str = "done";
const SIDE_STAGES: &str = "side-stages.json";

/// Makes everything durable that was written to the file system of a folder.
fn sync(folder: &Path) -> Result<(), Error> {
    let handle = fs::File::open(folder).map_err(FileError::at("open", folder))?;
    Ok(rustix::fs::syncfs(&handle).map_err(|error| FileError::at("sync", folder)(error.into()))?)
}

/// The highest folder above `folder`, or itself, that lies on one file system with it and can be written.
/// What is kept or prepared there stays when a folder in between goes.
fn top_of_file_system(folder: &Path) -> &Path {
    let fits = |above: &&Path| same_file_system(above, folder) && access(*above, Access::WRITE_OK).is_ok();
    folder.ancestors().take_while(fits).last().unwrap_or(folder)
}

/// Where transactions with their journal below `home` keep what may hold the user's work and lay in
/// `folder`: each under its id.
pub fn trash_of(home: &Path, folder: &Path) -> PathBuf {
    if same_file_system(home, folder) {
        home.join("trash")
    } else {
        top_of_file_system(folder).join(".comfydock-trash.disabled")
    }
}

/// A change being prepared.
pub struct Transaction {
    home: PathBuf,
    id: String,
    journal: Journal,
    side_stages: Vec<PathBuf>,
    /// Nothing is left to undo: it was committed, or given up.
    settled: bool,
    _lock: Lock,
}

/// What was prepared and not committed goes, whichever way the preparation failed.
impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.settled {
            // What cannot be removed now is removed by the next command.
            let _ = recover::undo(&self.home, &self.id);
        }
    }
}

fn folder(home: &Path) -> PathBuf {
    home.join("txn")
}

impl Transaction {
    /// Begins a transaction below `home`, an environment's or a workspace's folder for such things.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn begin(home: &Path) -> Result<Self, Error> {
        let id = ulid::Ulid::generate().to_string().to_lowercase();
        // The lock comes first: a folder without a held lock is fair game for recovery.
        let lock = Lock::exclusive(&folder(home).join(format!("{id}.lock")))?;
        let transaction = Self {
            home: home.to_owned(),
            id,
            journal: Journal::default(),
            side_stages: Vec::new(),
            settled: false,
            _lock: lock,
        };
        file::create_folder(&transaction.root().join("stage"))?;
        Ok(transaction)
    }

    fn root(&self) -> PathBuf {
        folder(&self.home).join(&self.id)
    }

    /// Where to prepare what shall be renamed to somewhere on the workspace's own file system.
    pub fn stage(&self) -> PathBuf {
        self.root().join("stage")
    }

    /// Where to prepare what shall be renamed into `target`, which may be a mount of its own.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn stage_for(&mut self, target: &Path) -> Result<PathBuf, Error> {
        if same_file_system(&self.stage(), target) {
            return Ok(self.stage());
        }
        // ComfyUI imports whatever lies in custom_nodes unless its name ends in `.disabled`.
        let side = target.join(format!(".comfydock-{}.disabled", self.id));
        if !self.side_stages.contains(&side) {
            self.side_stages.push(side.clone());
            let text = serde_json::to_vec(&self.side_stages).unwrap_or_default();
            file::write(&self.root().join(SIDE_STAGES), &text)?;
            file::create_folder(&side)?;
        }
        Ok(side)
    }

    /// Puts what stands at `from` to `to`; a file or link there is replaced, a folder must not be.
    ///
    /// # Errors
    /// When nothing stands at `from`.
    pub fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Error> {
        let meta = fs::symlink_metadata(from).map_err(FileError::at("inspect", from))?;
        self.journal.steps.push(Step::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
            device: meta.dev(),
            inode: meta.ino(),
        });
        Ok(())
    }

    /// Takes away what can be had again.
    ///
    /// # Errors
    /// When nothing stands at `path`.
    pub fn discard(&mut self, path: &Path) -> Result<(), Error> {
        self.discard_to(path).map(|_| ())
    }

    /// Takes away what can be had again and says where it is until the transaction ends.
    fn discard_to(&mut self, path: &Path) -> Result<PathBuf, Error> {
        // It is the folder's entry that is moved: a link may lead anywhere.
        let parent = path.parent().unwrap_or(path);
        let near = if same_file_system(&self.stage(), parent) {
            self.root()
        } else {
            self.stage_for(top_of_file_system(parent))?
        };
        let to =
            near.join("trash").join(self.journal.steps.len().to_string()).join(path.file_name().unwrap_or_default());
        self.rename(path, &to)?;
        Ok(to)
    }

    /// Takes away a file that can be had again as long as it is what was last seen of it; if it was
    /// saved anew at the last moment, that goes to the trash instead.
    ///
    /// # Errors
    /// When nothing stands at `path`.
    pub fn discard_if_same(&mut self, path: &Path, expected: &[u8]) -> Result<(), Error> {
        let keep = self.trash_for(path);
        let at = self.discard_to(path)?;
        self.journal.guarded.push(Guarded { at, sha256: comfydock_store::hash::of_bytes(expected).sha256, keep });
        Ok(())
    }

    /// Where a thing that may hold the user's work is kept.
    fn trash_for(&self, path: &Path) -> PathBuf {
        trash_of(&self.home, path.parent().unwrap_or(path))
            .join(&self.id)
            .join(self.journal.steps.len().to_string())
            .join(path.file_name().unwrap_or_default())
    }

    /// Takes away what may hold the user's work; it stays in the trash. Returns where.
    ///
    /// # Errors
    /// When nothing stands at `path`.
    pub fn retire(&mut self, path: &Path) -> Result<PathBuf, Error> {
        let to = self.trash_for(path);
        self.rename(path, &to)?;
        Ok(to)
    }

    /// Moves the branch of the repository in `folder`, after all renames, and only from `old`.
    pub fn move_ref(&mut self, folder: &Path, old: Option<&CommitId>, new: &CommitId, why: &str) {
        self.journal.steps.push(Step::Ref {
            folder: folder.to_owned(),
            old: old.cloned(),
            new: new.clone(),
            why: why.to_owned(),
        });
    }

    /// Commits and applies; from the journal on it can no longer fail half-way. Returns what was
    /// saved at the last moment and is kept in the trash.
    ///
    /// # Errors
    /// Before the journal is written nothing has changed. After it an error means that a file
    /// system refused a rename; the next command goes on where this one stopped.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, Error> {
        self.journal.check_refs()?;
        preflight::check(&self.journal.steps)?;
        self.sync_stages()?;
        self.journal.side_stages = self.side_stages.clone();
        let text = serde_json::to_vec_pretty(&self.journal)
            .map_err(std::io::Error::other)
            .map_err(FileError::at("write", &self.root().join(JOURNAL)))?;
        file::write(&self.root().join(JOURNAL), &text)?;
        self.settled = true;
        recover::finish(&self.home, &self.id, &self.journal)
    }

    fn sync_stages(&self) -> Result<(), Error> {
        std::iter::once(&self.root()).chain(&self.side_stages).try_for_each(|stage| sync(stage))
    }

    /// Gives up; nothing has changed.
    ///
    /// # Errors
    /// When the prepared files cannot be removed.
    pub fn abandon(mut self) -> Result<(), Error> {
        self.settled = true;
        recover::undo(&self.home, &self.id)
    }

    /// Goes as a killed process goes.
    #[cfg(test)]
    fn crash(mut self) {
        self.settled = true;
    }
}
