//! One kept version: its files and what is known of it (formats.md, Cached node packs).

use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_store::file;
use serde::{Deserialize, Serialize};

use super::unpack;
use crate::Error;

/// The shape of `metadata.json`; others are passed over.
const SCHEMA: u32 = 1;

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackFile {
    /// Its name in the zip, `/` between segments.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Of its content.
    pub sha256: Sha256,
    /// Whether it may be run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
}

/// `metadata.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Metadata {
    schema: u32,
    registry_id: RegistryId,
    version: Version,
    sha256: Sha256,
    zip_size: u64,
    fetched_at: String,
    #[serde(default)]
    dependencies: Vec<String>,
    files: Vec<PackFile>,
}

/// A version of a pack that is kept here, unpacked.
#[derive(Debug, Clone)]
pub struct Stored {
    folder: PathBuf,
    metadata: Metadata,
}

impl Stored {
    /// Reads an entry; none if it is not one, or its metadata cannot be trusted.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let text = file::find_text(&folder.join("metadata.json")).ok()??;
        let metadata: Metadata = serde_json::from_str(&text).ok().filter(|kept: &Metadata| kept.schema == SCHEMA)?;
        // Somebody may have edited it; what is copied from here must stay below its folder.
        let sound = metadata.files.iter().all(|file| unpack::name_fault(&file.path).is_none());
        sound.then(|| Self { folder: folder.to_owned(), metadata })
    }

    /// Writes the metadata of an entry that is being made.
    pub(super) fn write(
        folder: &Path,
        (id, version): (RegistryId, Version),
        (sha256, zip_size): (Sha256, u64),
        dependencies: Vec<String>,
        files: Vec<PackFile>,
    ) -> Result<(), Error> {
        let fetched_at = jiff::Timestamp::now().to_string();
        let metadata =
            Metadata { schema: SCHEMA, registry_id: id, version, sha256, zip_size, fetched_at, dependencies, files };
        let mut text = serde_json::to_vec_pretty(&metadata).unwrap_or_default();
        text.push(b'\n');
        Ok(file::write(&folder.join("metadata.json"), &text)?)
    }

    /// The pack's id.
    pub fn id(&self) -> &RegistryId {
        &self.metadata.registry_id
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.metadata.version
    }

    /// Of the zip: what a lock records.
    pub fn sha256(&self) -> &Sha256 {
        &self.metadata.sha256
    }

    /// Bytes of the zip.
    pub fn zip_size(&self) -> u64 {
        self.metadata.zip_size
    }

    /// When it was fetched, RFC 3339.
    pub fn fetched_at(&self) -> &str {
        &self.metadata.fetched_at
    }

    /// Python requirements that the registry has for this version. Its `requirements.txt`, if it has one,
    /// may say more.
    pub fn dependencies(&self) -> &[String] {
        &self.metadata.dependencies
    }

    /// Its files, in the zip's order.
    pub fn files(&self) -> &[PackFile] {
        &self.metadata.files
    }

    /// Where the files lie. Nothing may be written there.
    pub fn content(&self) -> PathBuf {
        self.folder.join("content")
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}
