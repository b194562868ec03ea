//! A bundle in a registry: what lies there and who signed it, before anything of it is taken.

use std::collections::BTreeMap;
use std::path::Path;

use comfydock_bundle::artifact::{self, LARGEST_DESCRIPTION};
use comfydock_bundle::registry::{Error as Fault, Place as At, Registry};
use comfydock_bundle::unpack::{self, Allowance, Unpacked};
use comfydock_bundle::verify::{Candidate, Report, verify};
use comfydock_core::bundle::{DESCRIPTION, Description, FileFact, Layer};
use comfydock_core::foreign;
use comfydock_core::manifest::Manifest;
use comfydock_core::oci::{Descriptor, Digest, ImageManifest, Reference, Tag};
use comfydock_core::signature::manifest::{read_layers, read_referrer, simple_signing_tag};
use comfydock_core::signature::{MOST_BUNDLE_BYTES, Place};
use comfydock_core::trust::Trust;
use comfydock_store::file;
use comfydock_store::hash::sha256_of;

use super::opened::{Opened, read};
use crate::Error;
use crate::ops::Context;
use crate::ops::registry::{Access, with};
use crate::reporter::Event;
use crate::workspace::{BUNDLES, Workspace};

/// What lies in a registry. Its layers are still there.
pub struct Published {
    /// Where, at exactly these bytes.
    pub reference: Reference,
    /// The artifact's manifest.
    pub artifact: ImageManifest,
    /// What it says of itself.
    pub description: Description,
    /// Its signatures, judged by whom this account trusts.
    pub signatures: Report,
    text: Vec<u8>,
}

/// A signature as it was found.
struct Found {
    payload: Vec<u8>,
    signature: Option<String>,
    public_key: Option<String>,
}

/// Resolves a reference once and looks at what lies there, and at its signatures.
///
/// # Errors
/// When the registry cannot be reached or refuses, or no bundle lies there.
pub fn look(reference: &Reference, access: &Access, trust: &Trust, context: &Context<'_>) -> Result<Published, Error> {
    context.reporter.step(format!("Asking {} about {reference}", reference.host()));
    with(reference, access, &BTreeMap::new(), context, |registry| {
        let manifest = registry.pull_manifest(reference)?;
        let artifact = artifact::read(&manifest.bytes)?;
        let found = signatures(registry, reference, &manifest.digest)?;
        let candidates: Vec<Candidate<'_>> = found.iter().map(Found::candidate).collect();
        let place = Place::from(reference);
        let signatures = verify(&candidates, manifest.digest.sha256(), Some(&place), trust);
        let text = registry.pull_small_blob(reference.repository(), &artifact.config, LARGEST_DESCRIPTION)?;
        let description = Description::parse(&text)?;
        let reference = reference.clone().pinned(manifest.digest);
        Ok(Published { reference, artifact, description, signatures, text })
    })
}

impl Found {
    fn candidate(&self) -> Candidate<'_> {
        let public_key = self.public_key.as_deref();
        match &self.signature {
            None => Candidate::Bundle { bytes: &self.payload, public_key },
            Some(signature) => Candidate::SimpleSigning { payload: &self.payload, signature, public_key },
        }
    }
}

/// Every signature of a manifest, in both forms. What is no signature is passed over, what is too large is taken
/// as an empty one: it is refused by its reader and told.
fn signatures(registry: &Registry, reference: &Reference, subject: &Digest) -> Result<Vec<Found>, Error> {
    let repository = reference.repository();
    let mut found = Vec::new();
    // One that is not there, too large or something else is no signature; that the registry does not answer says
    // nothing about signatures.
    let blob = |descriptor: &Descriptor| match registry.pull_small_blob(repository, descriptor, MOST_BUNDLE_BYTES) {
        Ok(bytes) => Ok(bytes),
        Err(Fault::Unknown { .. } | Fault::Unexpected { .. } | Fault::Different { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    for referrer in registry.referrers(repository, subject)? {
        let Some(manifest) = registry.find_manifest(repository, At::Digest(&referrer.digest))? else { continue };
        if let Ok(Some(carried)) = read_referrer(&manifest.bytes) {
            found.push(Found { payload: blob(&carried.bundle)?, signature: None, public_key: carried.public_key });
        }
    }
    let tag = Tag::parse(&simple_signing_tag(subject.sha256()))?;
    if let Some(manifest) = registry.find_manifest(repository, At::Tag(&tag))? {
        for layer in read_layers(&manifest.bytes).unwrap_or_default() {
            let (signature, public_key) = (Some(layer.signature), layer.public_key);
            found.push(Found { payload: blob(&layer.payload)?, signature, public_key });
        }
    }
    Ok(found)
}

impl Published {
    /// The manifest of the environment and its lock, from the small layer that holds them; nothing else is
    /// fetched.
    ///
    /// # Errors
    /// When the layer cannot be had, or its manifest not be taken.
    pub fn manifest(&self, access: &Access, context: &Context<'_>) -> Result<(Manifest, Vec<u8>), Error> {
        let layers = self.artifact.layers.iter().filter(|layer| layer.media_type == Layer::Lock.media_type());
        let layers: Vec<Descriptor> = layers.cloned().collect();
        let aside = tempfile::tempdir().map_err(file::Error::at("make a folder in", &std::env::temp_dir()))?;
        let folder = aside.path().join("lock");
        self.fetch(aside.path(), &layers, access, context)?;
        unpack_layers(aside.path(), &layers, &folder)?;
        let lock = file::read(&folder.join(foreign::PYTHON_LOCK))?;
        let text = file::read(&folder.join(foreign::MANIFEST))?;
        let manifest = foreign::judge_manifest(&text).map_err(|violation| Error::Refused {
            message: format!("`{}` is refused", self.reference),
            details: vec![violation.to_string()],
            hint: violation.hint,
        })?;
        Ok((manifest, lock))
    }

    /// Brings the layers and unpacks them into `folder`, which is new, as one bundle.
    ///
    /// # Errors
    /// When a layer cannot be brought, or the bundle breaks a rule.
    pub fn bring(
        &self,
        workspace: &Workspace,
        folder: &Path,
        access: &Access,
        context: &Context<'_>,
    ) -> Result<Opened, Error> {
        // What came so far stays there until the whole is unpacked: a run that was broken off goes on.
        let cache = workspace.cache(BUNDLES);
        context.reporter.step(format!("Fetching {}", self.reference));
        self.fetch(&cache, &self.artifact.layers, access, context)?;
        context.reporter.step(format!("Opening {}", self.reference));
        let mut files = unpack_layers(&cache, &self.artifact.layers, folder)?;
        let path = folder.join(DESCRIPTION);
        file::write(&path, &self.text)?;
        let size = self.text.len() as u64;
        let fact = FileFact { path: DESCRIPTION.to_owned(), size, sha256: sha256_of(&self.text) };
        files.push(Unpacked { fact, executable: false });
        read(folder, files, &self.reference.to_string())
    }

    /// Brings layers into `cache`, each under its digest.
    fn fetch(&self, cache: &Path, layers: &[Descriptor], access: &Access, context: &Context<'_>) -> Result<(), Error> {
        file::create_folder(cache)?;
        let names = layers.iter().map(|layer| (layer.digest.clone(), label(layer)));
        with(&self.reference, access, &names.collect(), context, |registry| {
            for layer in layers {
                let (label, total) = (label(layer), Some(layer.size));
                context.reporter.report(Event::BytesStart { label: label.clone(), total });
                let came = registry.pull_blob(self.reference.repository(), layer, &cache.join(layer.digest.hex()));
                context.reporter.report(Event::BytesEnd { label });
                came?;
            }
            Ok(())
        })
    }
}

/// Unpacks layers of `cache` into `folder`, which is new, as one bundle.
fn unpack_layers(cache: &Path, layers: &[Descriptor], folder: &Path) -> Result<Vec<Unpacked>, Error> {
    let (mut allowance, mut files) = (Allowance::default(), Vec::new());
    let unpacked = layers.iter().try_for_each(|layer| {
        let path = cache.join(layer.digest.hex());
        let archive = std::fs::File::open(&path).map_err(file::Error::at("open", &path))?;
        files.extend(unpack::unpack(archive, folder, &mut allowance)?);
        Ok::<(), unpack::Error>(())
    });
    // What a full disk stopped is gone on with; what is refused is not kept.
    if !matches!(unpacked, Err(unpack::Error::File(_))) {
        for layer in layers {
            file::remove(&cache.join(layer.digest.hex()))?;
        }
    }
    unpacked?;
    Ok(files)
}

fn label(layer: &Descriptor) -> String {
    layer.annotations.get(artifact::TITLE).cloned().unwrap_or_else(|| layer.digest.sha256().short(12).to_owned())
}
