//! What is kept, for whoever decides that it may go.

use std::path::{Path, PathBuf};

use comfydock_store::lock::Lock;

use super::{Store, Stored};
use crate::Error;

impl Store {
    /// Every entry: where it is, the pack's id in lower case, its version.
    pub fn list(&self) -> Vec<(PathBuf, String, String)> {
        let listed = std::fs::read_dir(self.entries()).into_iter().flatten().flatten();
        let read = |path: PathBuf| {
            let stored = Stored::read(&path)?;
            Some((path, stored.id().key(), stored.version().to_string()))
        };
        listed.map(|entry| entry.path()).filter_map(read).collect()
    }

    /// Keeps others from making an entry anew, while it is removed.
    ///
    /// # Errors
    /// When the lock cannot be taken.
    pub fn lock_entry(&self, path: &Path) -> Result<Option<Lock>, Error> {
        Stored::read(path).map(|stored| self.lock(stored.id(), stored.version())).transpose()
    }
}
