//! Making signatures, in both forms that cosign knows, and beside a file.
//!
//! The same key and the same content give the same bytes, so that publishing again changes nothing.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfydock_core::digest::Sha256;
use comfydock_core::oci::{Descriptor, EMPTY_BYTES, ImageManifest};
use comfydock_core::signature::{BUNDLE_TYPE, Claim, Place, Refusal, dsse, manifest, simple_signing, statement};
use comfydock_store::{file, hash};

use crate::envelope::{Bundle, Envelope, Material, Named, Signature};
use crate::key::{Error, PrivateKey};

/// What is to be put into a registry: blobs first, then the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The manifest, to be put as [`ImageManifest::to_bytes`] says it.
    pub manifest: ImageManifest,
    /// The blobs it names: the config first, then what was signed.
    pub blobs: Vec<(Descriptor, Vec<u8>)>,
}

/// The sigstore bundle over a SHA-256: the text of `FILE.sigstore.json`, or the blob of a referrer.
///
/// # Errors
/// Never for a key that was made or opened.
pub fn bundle(key: &PrivateKey, subject: &Sha256, claim: Option<&Claim>) -> Result<String, Error> {
    let payload = statement::write(subject, claim);
    let signed = dsse::pre_authentication_encoding(dsse::PAYLOAD_TYPE, payload.as_bytes());
    let bundle = Bundle {
        media_type: BUNDLE_TYPE.to_owned(),
        verification_material: Material::of(Named { hint: Some(key.public()?.hint()) }),
        dsse_envelope: Some(Envelope {
            payload: STANDARD.encode(payload),
            payload_type: dsse::PAYLOAD_TYPE.to_owned(),
            signatures: vec![Signature { sig: STANDARD.encode(key.sign(&signed)) }],
        }),
    };
    serde_json::to_string(&bundle).map_err(|error| Error::NotCosign(error.to_string()))
}

/// The signature of a manifest as a referrer of it, which cosign 3 looks for. `subject` is the manifest's
/// descriptor.
///
/// # Errors
/// Never for a key that was made or opened.
pub fn referrer(key: &PrivateKey, subject: Descriptor, claim: Option<&Claim>) -> Result<Upload, Error> {
    let bundle = bundle(key, subject.digest.sha256(), claim)?.into_bytes();
    let config = manifest::empty_config(&hash::of_bytes(EMPTY_BYTES).sha256);
    let layer = Descriptor::new(BUNDLE_TYPE, hash::of_bytes(&bundle).sha256.into(), bundle.len() as u64);
    let manifest = manifest::referrer(subject, config.clone(), layer.clone(), &key.public()?.to_pem());
    Ok(Upload { manifest, blobs: vec![(config, EMPTY_BYTES.to_vec()), (layer, bundle)] })
}

/// Why a signature of the older form cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum OlderError {
    /// The key.
    #[error(transparent)]
    Key(#[from] Error),
    /// What lies under the tag already.
    #[error("what lies under the tag of the older signatures cannot be added to: {0}")]
    Existing(#[from] Refusal),
}

/// The signature of a manifest in the older form, which cosign 2 looks for, to be put under the tag
/// [`manifest::simple_signing_tag`]. `existing` is the manifest that lies there; none if this signature is in
/// it already. Only the config and the new payload are among the blobs: the others are there.
///
/// # Errors
/// When what lies there is no manifest.
pub fn simple_signing(
    key: &PrivateKey,
    place: &Place,
    subject: &Sha256,
    claim: Option<&Claim>,
    existing: Option<&[u8]>,
) -> Result<Option<Upload>, OlderError> {
    let payload = simple_signing::write(&place.repository, subject, claim).into_bytes();
    let digest = hash::of_bytes(&payload).sha256;
    let signature = STANDARD.encode(key.sign(&payload));
    let layer = manifest::layer(&digest, payload.len() as u64, &signature, &key.public()?.to_pem());
    let Some(layers) = manifest::with_layer(existing, layer.clone())? else { return Ok(None) };
    let config = manifest::write_config(&layers).into_bytes();
    let manifest = manifest::older(&hash::of_bytes(&config).sha256, config.len() as u64, layers);
    Ok(Some(Upload { blobs: vec![(manifest.config.clone(), config), (layer, payload)], manifest }))
}

/// Where the signature of a file lies.
pub fn beside(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".sigstore.json");
    PathBuf::from(path)
}

/// Signs a file and writes the signature beside it; returns where.
///
/// # Errors
/// When the file cannot be read, or the signature not written.
pub fn sign_file(key: &PrivateKey, path: &Path, claim: Option<&Claim>) -> Result<PathBuf, Error> {
    let (digests, _) = hash::full(path, |_| {})?;
    let target = beside(path);
    file::write(&target, bundle(key, &digests.sha256, claim)?.as_bytes())?;
    Ok(target)
}
