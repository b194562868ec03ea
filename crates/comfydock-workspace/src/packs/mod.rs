//! Node packs of the Comfy registry, kept unpacked in `comfydock_cache/custom_nodes/store/` (decision 73).
//!
//! The registry tells no hash of a zip, so the one that was measured first is what later fetches of
//! the same version are held to: whoever has it recorded hands it in.

mod entry;
mod fetch;
mod install;
mod list;
mod together;
mod unpack;

use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_store::file;

pub use self::entry::{PackFile, Stored};
pub use self::install::Changes;
pub use self::together::Wanted;
use crate::Error;
use crate::workspace::Workspace;

/// What ComfyUI-Manager writes into a pack that came from the registry: the names in the zip.
pub const TRACKING: &str = ".tracking";

/// The kept packs of a workspace.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store of this workspace; it is made when something is kept.
    pub fn open(workspace: &Workspace) -> Self {
        Self { folder: workspace.cache("custom_nodes") }
    }

    /// Where the entries lie.
    fn entries(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// What all entries of a version are called by, and its lock: no other id or version begins so.
    fn stem(id: &RegistryId, version: Version) -> String {
        format!("{}@{version}", id.key())
    }

    /// A kept version: the one with this hash, or the one that was fetched last.
    ///
    /// # Errors
    /// When the store cannot be read. An entry that cannot be read is as good as absent.
    pub fn find(
        &self,
        id: &RegistryId,
        version: Version,
        expected_sha256: Option<&Sha256>,
    ) -> Result<Option<Stored>, Error> {
        let folder = self.entries();
        let prefix = format!("{}-", Self::stem(id, version));
        let listed = match std::fs::read_dir(&folder) {
            Ok(listed) => listed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file::Error::at("read", &folder)(error).into()),
        };
        Ok(listed
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .filter_map(|entry| Stored::read(&entry.path()))
            .filter(|stored| expected_sha256.is_none_or(|wanted| wanted == stored.sha256()))
            .max_by(|one, other| one.fetched_at().cmp(other.fetched_at())))
    }

    /// Throws a kept version away, say because its files were damaged.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(&self, stored: Stored) -> Result<(), Error> {
        let _lock = self.lock(stored.id(), stored.version())?;
        Ok(file::remove(stored.folder())?)
    }

    fn lock(&self, id: &RegistryId, version: Version) -> Result<comfydock_store::lock::Lock, Error> {
        let path = self.folder.join("locks").join(format!("{}.lock", Self::stem(id, version)));
        Ok(comfydock_store::lock::Lock::exclusive(&path)?)
    }

    fn entry(&self, id: &RegistryId, version: Version, sha256: &Sha256) -> PathBuf {
        self.entries().join(format!("{}-{}", Self::stem(id, version), sha256.short(16)))
    }

    fn unfinished(&self, id: &RegistryId, version: Version) -> PathBuf {
        self.entries().join(format!(".part-{}", Self::stem(id, version)))
    }
}

/// The path of a pack's file, whose name was judged when it was unpacked.
fn below(folder: &Path, name: &str) -> PathBuf {
    name.split('/').fold(folder.to_owned(), |path, part| path.join(part))
}
