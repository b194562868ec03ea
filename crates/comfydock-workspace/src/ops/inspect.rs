//! `comfydock inspect`: what a bundle is and what it would bring, without importing it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use comfydock_core::bundle::Description;
use comfydock_core::manifest::Manifest;
use comfydock_core::oci::{ImageManifest, Reference};
use comfydock_store::file;

use super::Context;
use super::import::{look, open};
use super::registry::Access;
use crate::Error;
use crate::trust::{self, Report};

/// What a bundle is.
pub struct Inspected {
    /// What was looked at, pinned to its bytes where it lies in a registry.
    pub source: String,
    /// What it says of itself.
    pub description: Description,
    /// Its manifest.
    pub manifest: Manifest,
    /// The places that code would come from.
    pub origins: BTreeSet<String>,
    /// Its artifact in the registry.
    pub artifact: Option<ImageManifest>,
    /// Its signatures; none for a file without one beside it.
    pub signatures: Option<Report>,
}

/// Looks at a file: all of it is unpacked into a folder that goes again.
///
/// # Errors
/// When it is no bundle, or breaks a rule for bundles.
pub fn file(path: &Path) -> Result<Inspected, Error> {
    let shown = path.display().to_string();
    let archive = File::open(path).map_err(file::Error::at("open", path))?;
    let aside = tempfile::tempdir().map_err(file::Error::at("make a folder in", &std::env::temp_dir()))?;
    let opened = open(archive, &aside.path().join("bundle"), &shown)?
        .into_bundle(&shown, "`comfydock create NAME --from FILE` takes over what other programs made")?;
    let origins = origins(&opened.manifest, &opened.python_lock()?)?;
    Ok(Inspected {
        source: shown,
        origins,
        signatures: trust::judge_file(path)?,
        artifact: None,
        manifest: opened.manifest,
        description: opened.description,
    })
}

/// Looks at what lies in a registry: only its description, its small layer with the manifest, and its signatures
/// are fetched.
///
/// # Errors
/// When it cannot be reached, or is no bundle.
pub fn published(reference: &Reference, access: &Access, context: &Context<'_>) -> Result<Inspected, Error> {
    let found = look(reference, access, &trust::load()?, context)?;
    let (manifest, lock) = found.manifest(access, context)?;
    Ok(Inspected {
        source: found.reference.to_string(),
        origins: origins(&manifest, &lock)?,
        signatures: Some(found.signatures),
        artifact: Some(found.artifact),
        description: found.description,
        manifest,
    })
}

fn origins(manifest: &Manifest, lock: &[u8]) -> Result<BTreeSet<String>, Error> {
    let mut origins = manifest.code_origins();
    let of_lock = comfydock_core::python_lock::origins(&String::from_utf8_lossy(lock));
    origins.extend(of_lock.map_err(|message| Error::refused(message, "it was not made by `comfydock export`"))?);
    Ok(origins)
}
