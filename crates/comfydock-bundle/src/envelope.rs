//! A sigstore bundle as JSON (sigstore's protobuf-specs, `Bundle` v0.3), as far as signatures with a key need it.

use comfydock_core::signature::{BUNDLE_TYPE_PREFIX, MOST_BUNDLE_BYTES, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const WHAT: &str = "the sigstore bundle";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bundle {
    pub(crate) media_type: String,
    pub(crate) verification_material: Material,
    /// Absent where a bare message was signed.
    #[serde(default)]
    pub(crate) dsse_envelope: Option<Envelope>,
}

/// What is needed to check the signature. Entries of transparency logs may be there too; a key needs none.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Material {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_key: Option<Named>,
    #[serde(default, skip_serializing)]
    certificate: Option<Value>,
    #[serde(default, skip_serializing)]
    x509_certificate_chain: Option<Value>,
}

/// The key that signed, by name.
#[derive(Serialize, Deserialize)]
pub(crate) struct Named {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    pub(crate) payload: String,
    pub(crate) payload_type: String,
    pub(crate) signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Signature {
    pub(crate) sig: String,
}

impl Material {
    pub(crate) fn of(public_key: Named) -> Self {
        Self { public_key: Some(public_key), certificate: None, x509_certificate_chain: None }
    }
}

impl Bundle {
    /// Reads a bundle: the key it names, and the envelope with its one signature.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Option<String>, Envelope), Refusal> {
        Refusal::if_larger(WHAT, bytes, MOST_BUNDLE_BYTES)?;
        let bundle: Self = serde_json::from_slice(bytes).map_err(|error| Refusal::unreadable(WHAT, error))?;
        if !bundle.media_type.starts_with(BUNDLE_TYPE_PREFIX) {
            return Err(Refusal::unreadable(WHAT, format!("its media type is `{}`", bundle.media_type)));
        }
        let envelope = bundle.dsse_envelope.ok_or(Refusal::NoEnvelope)?;
        let material = bundle.verification_material;
        if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
            return Err(Refusal::Keyless);
        }
        if envelope.signatures.len() != 1 {
            let reason = format!("it has {} signatures, not one", envelope.signatures.len());
            return Err(Refusal::unreadable(WHAT, reason));
        }
        Ok((material.public_key.and_then(|key| key.hint).filter(|hint| !hint.is_empty()), envelope))
    }
}
