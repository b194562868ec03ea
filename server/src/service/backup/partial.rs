//! A backup on its way to its name.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use comfydock_store::file;

use super::contents::CONTENTS;
use crate::data::DataFolder;
use crate::random;
use crate::service::Error;

/// A backup that is not finished: it lies beside its target and goes away with a failure.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    is_finished: bool,
}

impl Partial {
    /// Makes the folder for a backup to `target`, which must be free.
    pub(super) fn make(data: &DataFolder, target: &Path) -> Result<Self, Error> {
        let complain = |message: &str, hint: &str| Error::Invalid {
            message: format!("cannot back up to {}: {message}", target.display()),
            hint: Some(hint.to_owned()),
        };
        let is_free = match target.symlink_metadata() {
            Ok(meta) => meta.is_dir() && std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none()),
            Err(_) => true,
        };
        if !is_free {
            return Err(complain("it exists already", "each backup has a folder of its own; name a new one"));
        }
        let parent = match target.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return Err(complain("it has no name", "name a new folder")),
        };
        let parent = parent
            .canonicalize()
            .map_err(|_| complain("the folder above it does not exist", "make that folder first"))?;
        let Some(name) = target.file_name() else { return Err(complain("it has no name", "name a new folder")) };
        if parent.starts_with(data.root()) {
            return Err(complain("it would lie in the hub's own folder", "what ends the one would end the other"));
        }
        let word = random::secret::<4>().map_err(|error| Error::Interrupted(error.to_string()))?;
        let path = parent.join(format!("{}.partial-{word}", name.to_string_lossy()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| Error::system(format!("cannot make {}", path.display()), error))?;
        Ok(Self { path, is_finished: false })
    }

    /// Makes everything durable, then says that it is whole, then gives it its name.
    pub(super) fn finish(mut self, target: &Path, contents: &[u8]) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::system(format!("cannot finish {}", target.display()), error);
        let folder = std::fs::File::open(&self.path).map_err(failed)?;
        rustix::fs::syncfs(&folder).map_err(|error| failed(error.into()))?;
        file::write_with_mode(&self.path.join(CONTENTS), contents, 0o600)?;
        std::fs::rename(&self.path, target).map_err(failed)?;
        self.is_finished = true;
        if let Some(parent) = self.path.parent() {
            file::sync_folder(parent)?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
