//! Files replaced whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfydock_core::hint::Hint;

/// A file operation that failed: what was tried, where, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", .path.display())]
pub struct Error {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// The path it concerned.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl Error {
    /// An error of `action` on `path`; made to fit `map_err`.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }

    /// Whether the file system was full.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        if self.is_full() {
            let place = crate::space::Space::of(&self.path).ok()?;
            return Some(format!(
                "the file system at `{}` is full ({} bytes free); free some space there and run the command again",
                place.mount_point.display(),
                place.available
            ));
        }
        match self.source.kind() {
            io::ErrorKind::PermissionDenied => Some("check who owns it and whether you may write there".to_owned()),
            io::ErrorKind::ReadOnlyFilesystem => Some("the file system is mounted read-only".to_owned()),
            _ => None,
        }
    }
}

/// Writes `bytes` to `path` so that after a crash it holds the old bytes or the new ones.
///
/// # Errors
/// When the folder does not exist or cannot be written; the old file stays.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_with_mode(path, bytes, 0o644)
}

/// As [`write`], with the permission bits the file shall have (before the umask, except that a
/// mode without group and others is kept as it is).
///
/// # Errors
/// As [`write`].
pub fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mut pending = Pending::begin_with_mode(path, mode)?;
    pending.write_all(bytes).map_err(Error::at("write", path))?;
    pending.finish()
}

/// As [`write_with_mode`], for a file that is not there: what stands at `path` is never replaced. Returns
/// whether it was written.
///
/// # Errors
/// As [`write`].
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<bool, Error> {
    let mut pending = Pending::begin_with_mode(path, mode)?;
    pending.write_all(bytes).map_err(Error::at("write", path))?;
    pending.finish_new()
}

/// A file that is being written and gets its name only when it is whole.
pub struct Pending {
    path: PathBuf,
    temporary: tempfile::NamedTempFile,
}

impl Pending {
    /// Begins beside the place the file will have.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written.
    pub fn begin(path: &Path) -> Result<Self, Error> {
        Self::begin_with_mode(path, 0o644)
    }

    fn begin_with_mode(path: &Path, mode: u32) -> Result<Self, Error> {
        use std::os::unix::fs::PermissionsExt;
        let temporary = tempfile::Builder::new()
            .prefix(".comfydock-")
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(folder_of(path))
            .map_err(Error::at("write", path))?;
        Ok(Self { path: path.to_owned(), temporary })
    }

    /// Makes it durable and gives it its name; a file that has it goes.
    ///
    /// # Errors
    /// When it cannot be made durable or named.
    pub fn finish(self) -> Result<(), Error> {
        let Self { path, temporary } = self;
        temporary.as_file().sync_all().map_err(Error::at("write", &path))?;
        temporary.persist(&path).map_err(|error| Error::at("replace", &path)(error.error))?;
        sync_folder(folder_of(&path))
    }

    /// As [`Pending::finish`], but a file that has the name stays. Returns whether it got the name.
    fn finish_new(self) -> Result<bool, Error> {
        let Self { path, temporary } = self;
        temporary.as_file().sync_all().map_err(Error::at("write", &path))?;
        match temporary.persist_noclobber(&path) {
            Ok(_) => sync_folder(folder_of(&path)).map(|()| true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Error::at("write", &path)(error.error)),
        }
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in `folder` durable.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(Error::at("sync", folder))
}

/// Reads a whole file.
///
/// # Errors
/// When it is not there or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::at("read", path))
}

/// Reads a whole file as text.
///
/// # Errors
/// When it is not there, cannot be read, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::at("read", path))
}

/// Reads a file that may be absent.
///
/// # Errors
/// When it is there and cannot be read.
pub fn find_text(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::at("read", path)(error)),
    }
}

/// Makes a folder and those above it.
///
/// # Errors
/// When something that is no folder is in the way, or the parent cannot be written.
pub fn create_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::at("create", path))
}

/// Removes a file or a whole folder; absent is fine.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Path) -> Result<(), Error> {
    let outcome = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::at("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Whether a symbolic link stands there that leads nowhere: perhaps to a drive that is not mounted now.
pub fn leads_nowhere(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) && !path.exists()
}

/// Renames, refusing to replace what stands at `to`.
///
/// # Errors
/// When `to` exists, `from` does not, or they lie on different file systems.
pub fn rename_new(from: &Path, to: &Path) -> Result<(), Error> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems lack the flag; there the check and the rename are two steps.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if to.symlink_metadata().is_err() => {
            fs::rename(from, to).map_err(Error::at("rename to", to))
        }
        other => other.map_err(|error| Error::at("rename to", to)(error.into())),
    }
}
