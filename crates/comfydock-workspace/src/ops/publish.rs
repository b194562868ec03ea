//! `comfydock publish`: a bundle in an OCI registry, signed.

use std::collections::BTreeMap;

use comfydock_bundle::artifact::{self, LayerFile, annotations};
use comfydock_bundle::key::PrivateKey;
use comfydock_bundle::registry::{Place as At, Registry};
use comfydock_bundle::sign::{self, Upload};
use comfydock_core::digest::Sha256;
use comfydock_core::oci::{Descriptor, Digest, IMAGE_MANIFEST, Reference, Tag};
use comfydock_core::signature::manifest::simple_signing_tag;
use comfydock_core::signature::{Claim, Place};
use comfydock_store::file;
use comfydock_store::hash::sha256_of;

use super::Context;
use super::export::Prepared;
use super::registry::{Access, with};
use crate::Error;
use crate::environment::Environment;
use crate::reporter::Event;
use crate::workspace::Workspace;

/// How often a signature of the older form is written before it is given up.
const OLDER_ATTEMPTS: usize = 8;

/// How a bundle is published.
pub struct Options<'a> {
    /// Where; with a tag and without a digest.
    pub reference: &'a Reference,
    /// How the registry is reached.
    pub access: &'a Access,
    /// The key that signs; unsigned without one.
    pub key: Option<&'a PrivateKey>,
    /// Whether it is signed in the older form too, for cosign 2.
    pub older_signature: bool,
    /// Annotations beside those every bundle has.
    pub annotations: BTreeMap<String, String>,
}

/// What was published.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The digest of the artifact's manifest.
    pub digest: Digest,
    /// The identity of its content.
    pub content_digest: Sha256,
    /// Bytes that were sent; what the registry had is not sent again.
    pub sent: u64,
    /// Bytes of the artifact.
    pub size: u64,
    /// The signature that was attached.
    pub signature: Option<Digest>,
}

/// Packs, sends and signs. The tag is moved only when everything it needs is there.
///
/// # Errors
/// When the registry cannot be reached or refuses; nothing that was there before has changed then but blobs that
/// nobody names.
pub fn publish(
    workspace: &Workspace,
    environment: &Environment,
    prepared: &Prepared,
    options: &Options<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let Options { reference, access, key, older_signature, .. } = options;
    let tag = reference.tag().ok_or_else(|| {
        Error::refused(format!("`{reference}` names no version"), "write one behind it, as in oci://HOST/REPOSITORY:v1")
    })?;
    let cache = workspace.cache("publish");
    file::create_folder(&cache)?;
    let folder = tempfile::Builder::new()
        .prefix("layers-")
        .tempdir_in(&cache)
        .map_err(file::Error::at("make a folder in", &cache))?;
    context.reporter.step("Packing layers");
    let layers = prepared.layers(environment, folder.path(), context)?;
    let config = prepared.description().text().into_bytes();
    let mut said = annotations(prepared.description(), tag.as_str());
    said.extend(options.annotations.clone());
    let manifest = artifact::manifest(&config, &layers, said);
    let bytes = manifest.to_bytes();
    let digest = Digest::from(sha256_of(&bytes));
    let labels = labels(&layers);
    let size = layers.iter().map(|layer| layer.descriptor.size).sum::<u64>() + config.len() as u64;
    context.reporter.step(format!("Sending to {reference}"));
    let claim = Claim {
        reference: Some(Place::from(*reference).repository),
        version: Some(tag.to_string()),
        created: Some(prepared.description().timestamp.clone()),
    };
    let (sent, signature) = with(reference, access, &labels, context, |registry| {
        let sent = send(registry, reference, &layers, (&manifest.config, &config), context)?;
        // Signed before the tag says that it is there: whoever follows the tag finds the signature.
        let subject = Descriptor::new(IMAGE_MANIFEST, digest.clone(), bytes.len() as u64);
        registry.push_manifest(reference.repository(), At::Digest(&digest), IMAGE_MANIFEST, &bytes)?;
        let signature = match key {
            Some(key) => Some(attach(registry, reference, key, subject, &claim)?),
            None => None,
        };
        if let (Some(key), true) = (key, older_signature) {
            attach_older(registry, reference, key, &digest, &claim)?;
        }
        registry.push_manifest(reference.repository(), At::Tag(tag), IMAGE_MANIFEST, &bytes)?;
        Ok((sent, signature))
    })?;
    let content_digest = prepared.description().content_digest.clone();
    Ok(Outcome { digest, content_digest, sent, size, signature })
}

fn labels(layers: &[LayerFile]) -> BTreeMap<Digest, String> {
    layers.iter().map(|layer| (layer.descriptor.digest.clone(), layer.layer.title())).collect()
}

/// Sends what the repository does not have, two blobs at a time.
fn send(
    registry: &Registry,
    reference: &Reference,
    layers: &[LayerFile],
    (config, description): (&Descriptor, &[u8]),
    context: &Context<'_>,
) -> Result<u64, Error> {
    let mut sent = registry.push_blob(reference.repository(), config, &|at| from(description, at))?;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let carry = || -> Result<u64, Error> {
        let mut sent = 0;
        while let Some(layer) = layers.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            let label = layer.layer.title();
            let total = Some(layer.descriptor.size);
            context.reporter.report(Event::BytesStart { label: label.clone(), total });
            let outcome = registry.push_blob(reference.repository(), &layer.descriptor, &|at| open_at(layer, at));
            context.reporter.report(Event::BytesEnd { label });
            sent += outcome?;
        }
        Ok(sent)
    };
    let both: Vec<Result<u64, Error>> = std::thread::scope(|scope| {
        let other = scope.spawn(carry);
        let own = carry();
        vec![own, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
    });
    for outcome in both {
        sent += outcome?;
    }
    Ok(sent)
}

fn from(bytes: &[u8], at: u64) -> std::io::Result<Box<dyn std::io::Read + Send>> {
    let start = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    Ok(Box::new(std::io::Cursor::new(bytes[start..].to_vec())))
}

fn open_at(layer: &LayerFile, at: u64) -> std::io::Result<Box<dyn std::io::Read + Send>> {
    use std::io::Seek as _;
    let mut file = std::fs::File::open(&layer.path)?;
    file.seek(std::io::SeekFrom::Start(at))?;
    Ok(Box::new(file))
}

/// Signs in the form of cosign 3: a referrer of the manifest.
fn attach(
    registry: &Registry,
    reference: &Reference,
    key: &PrivateKey,
    subject: Descriptor,
    claim: &Claim,
) -> Result<Digest, Error> {
    let Upload { manifest, blobs } = sign::referrer(key, subject, Some(claim)).map_err(not_signed)?;
    for (descriptor, bytes) in &blobs {
        registry.push_blob(reference.repository(), descriptor, &|at| from(bytes, at))?;
    }
    Ok(registry.attach(reference.repository(), &manifest)?.digest)
}

/// Signs in the form of cosign 2: a layer of the manifest under a tag of its own. There is no compare-and-swap:
/// what another publisher added at the same moment is looked for once more.
fn attach_older(
    registry: &Registry,
    reference: &Reference,
    key: &PrivateKey,
    subject: &Digest,
    claim: &Claim,
) -> Result<(), Error> {
    let place = Place::from(reference);
    let tag = Tag::parse(&simple_signing_tag(subject.sha256()))?;
    for _ in 0..OLDER_ATTEMPTS {
        let existing = registry.find_manifest(reference.repository(), At::Tag(&tag))?;
        let existing = existing.as_ref().map(|manifest| manifest.bytes.as_slice());
        let upload = sign::simple_signing(key, &place, subject.sha256(), Some(claim), existing).map_err(not_signed)?;
        // It is in the list already: that of an earlier run, or the one just written.
        let Some(Upload { manifest, blobs }) = upload else { return Ok(()) };
        for (descriptor, bytes) in &blobs {
            registry.push_blob(reference.repository(), descriptor, &|at| from(bytes, at))?;
        }
        registry.push_manifest(reference.repository(), At::Tag(&tag), IMAGE_MANIFEST, &manifest.to_bytes())?;
    }
    Err(Error::refused(
        format!("the signature under the tag `{tag}` is overwritten by somebody else again and again"),
        "publish again when nobody else does",
    ))
}

/// Why something cannot be signed.
pub(super) fn not_signed(error: impl std::fmt::Display) -> Error {
    Error::refused(format!("it cannot be signed: {error}"), "is it the key that `comfydock key generate` made?")
}
