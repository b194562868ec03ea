//! Locks that end with their process, whatever happens to it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::file::{Error, create_folder};

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

fn open(path: &Path) -> Result<File, Error> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(Error::at("open", path))
}

impl Lock {
    /// Waits until nobody else holds the lock, then holds it alone.
    ///
    /// # Errors
    /// When the lock file cannot be made or the file system has no locks.
    pub fn exclusive(path: &Path) -> Result<Self, Error> {
        let file = open(path)?;
        file.lock().map_err(Error::at("lock", path))?;
        Ok(Self { _file: file })
    }

    /// Holds the lock alone, or returns `None` when somebody has it.
    ///
    /// # Errors
    /// As [`Lock::exclusive`].
    pub fn try_exclusive(path: &Path) -> Result<Option<Self>, Error> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::at("lock", path)(error)),
        }
    }

    /// Waits until nobody holds the lock alone, then holds it together with others.
    ///
    /// # Errors
    /// As [`Lock::exclusive`].
    pub fn shared(path: &Path) -> Result<Self, Error> {
        let file = open(path)?;
        file.lock_shared().map_err(Error::at("lock", path))?;
        Ok(Self { _file: file })
    }

    /// Holds the lock together with others, or returns `None` when somebody has it alone.
    ///
    /// # Errors
    /// As [`Lock::exclusive`].
    pub fn try_shared(path: &Path) -> Result<Option<Self>, Error> {
        let file = open(path)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::at("lock", path)(error)),
        }
    }
}
