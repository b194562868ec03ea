//! The manifests that carry signatures in a registry, for both forms.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{BUNDLE_TYPE, BUNDLE_TYPE_PREFIX, PUBLIC_KEY_ANNOTATION, Refusal, statement};
use crate::digest::Sha256;
use crate::oci::{Descriptor, EMPTY, EMPTY_BYTES, ImageManifest, LARGEST_MANIFEST};

const SIMPLE_SIGNING_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const IMAGE_CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
/// What cosign writes for a time it does not know.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

fn read(bytes: &[u8]) -> Result<ImageManifest, Refusal> {
    const WHAT: &str = "the manifest of a signature";
    Refusal::if_larger(WHAT, bytes, LARGEST_MANIFEST)?;
    serde_json::from_slice(bytes).map_err(|error| Refusal::unreadable(WHAT, error))
}

/// A signature in the form of a sigstore bundle, as a registry lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// The blob that is the bundle.
    pub bundle: Descriptor,
    /// The public key that came along, as PEM.
    pub public_key: Option<String>,
}

/// The manifest that ties a bundle to its subject. It has no time in it: signing again changes nothing. `config`
/// is the descriptor of [`EMPTY_BYTES`].
pub fn referrer(subject: Descriptor, config: Descriptor, bundle: Descriptor, public_key: &str) -> ImageManifest {
    let annotations = BTreeMap::from([
        (PUBLIC_KEY_ANNOTATION.to_owned(), public_key.to_owned()),
        ("dev.sigstore.bundle.content".to_owned(), "dsse-envelope".to_owned()),
        ("dev.sigstore.bundle.predicateType".to_owned(), statement::PREDICATE_TYPE.to_owned()),
    ]);
    ImageManifest { subject: Some(subject), annotations, ..ImageManifest::new(BUNDLE_TYPE, config, vec![bundle]) }
}

/// The descriptor of the empty config, whose digest everybody knows.
pub fn empty_config(digest: &Sha256) -> Descriptor {
    Descriptor::new(EMPTY, digest.clone().into(), EMPTY_BYTES.len() as u64)
}

/// Reads the manifest of a referrer; none if it carries no sigstore bundle.
///
/// # Errors
/// When it is too large or no manifest.
pub fn read_referrer(bytes: &[u8]) -> Result<Option<Referrer>, Refusal> {
    let mut manifest = read(bytes)?;
    let public_key = manifest.annotations.remove(PUBLIC_KEY_ANNOTATION);
    let bundle = manifest.layers.into_iter().next().filter(|layer| layer.media_type.starts_with(BUNDLE_TYPE_PREFIX));
    Ok(bundle.map(|bundle| Referrer { bundle, public_key }))
}

/// A signature of the older form, as the manifest under the tag `sha256-….sig` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The blob that is the payload.
    pub payload: Descriptor,
    /// The signature, in base64.
    pub signature: String,
    /// The public key that came along, as PEM.
    pub public_key: Option<String>,
}

/// The tag under which signatures of the older form lie.
pub fn simple_signing_tag(subject: &Sha256) -> String {
    format!("sha256-{subject}.sig")
}

/// Reads the manifest of the older form: each layer is a signature. Other layers are left out.
///
/// # Errors
/// When it is too large or no manifest.
pub fn read_layers(bytes: &[u8]) -> Result<Vec<Layer>, Refusal> {
    let layers = read(bytes)?.layers.into_iter().filter(|layer| layer.media_type == SIMPLE_SIGNING_TYPE);
    Ok(layers
        .filter_map(|mut payload| {
            let signature = payload.annotations.remove(SIGNATURE_ANNOTATION)?;
            let public_key = payload.annotations.remove(PUBLIC_KEY_ANNOTATION);
            Some(Layer { payload, signature, public_key })
        })
        .collect())
}

/// The layer of the older form for a payload with this SHA-256 and size in bytes.
pub fn layer(payload: &Sha256, size: u64, signature: &str, public_key: &str) -> Descriptor {
    let annotations = BTreeMap::from([
        (PUBLIC_KEY_ANNOTATION.to_owned(), public_key.to_owned()),
        (SIGNATURE_ANNOTATION.to_owned(), signature.to_owned()),
    ]);
    Descriptor { annotations, ..Descriptor::new(SIMPLE_SIGNING_TYPE, payload.clone().into(), size) }
}

/// The layers of a manifest of the older form with one more; none if it is there already. The layers that are
/// there stay as they are.
///
/// # Errors
/// When the manifest that is there is too large or no manifest.
pub fn with_layer(existing: Option<&[u8]>, layer: Descriptor) -> Result<Option<Vec<Descriptor>>, Refusal> {
    let mut layers = match existing {
        Some(bytes) => read(bytes)?.layers,
        None => Vec::new(),
    };
    let signature = |layer: &Descriptor| layer.annotations.get(SIGNATURE_ANNOTATION).cloned();
    if layers.iter().any(|there| there.digest == layer.digest && signature(there) == signature(&layer)) {
        return Ok(None);
    }
    layers.push(layer);
    Ok(Some(layers))
}

#[derive(Serialize)]
struct Config {
    architecture: &'static str,
    created: &'static str,
    history: Vec<History>,
    os: &'static str,
    rootfs: RootFs,
    config: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct History {
    created: &'static str,
}

#[derive(Serialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<String>,
}

/// The config of a manifest of the older form, as cosign writes it: a line per layer.
pub fn write_config(layers: &[Descriptor]) -> String {
    let config = Config {
        architecture: "",
        created: NO_TIME,
        history: layers.iter().map(|_| History { created: NO_TIME }).collect(),
        os: "",
        rootfs: RootFs { kind: "layers", diff_ids: layers.iter().map(|layer| layer.digest.to_string()).collect() },
        config: BTreeMap::new(),
    };
    serde_json::to_string(&config).unwrap_or_default()
}

/// The manifest of the older form, for layers and a config with this SHA-256 and size in bytes.
pub fn older(config: &Sha256, size: u64, layers: Vec<Descriptor>) -> ImageManifest {
    let config = Descriptor::new(IMAGE_CONFIG_TYPE, config.clone().into(), size);
    ImageManifest { artifact_type: None, ..ImageManifest::new("", config, layers) }
}
