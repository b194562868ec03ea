//! Public keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfydock_core::digest::Sha256;
use comfydock_core::signature::Refusal;
use comfydock_core::trust::Fingerprint;
use comfydock_store::hash;
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use sha2::{Digest as _, Sha512};

use super::{Error, pem};

const LABEL: &str = "PUBLIC KEY";

/// What an Ed25519 key begins with in DER (RFC 8410); its 32 bytes follow.
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// A public key: ECDSA on P-256, or Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: Kind,
    der: Vec<u8>,
}

impl PublicKey {
    pub(super) fn of_p256(key: p256::ecdsa::VerifyingKey) -> Result<Self, Error> {
        let der = key.to_public_key_der().map_err(|_| Error::Unsupported("the key has no public form"))?;
        Ok(Self { kind: Kind::P256(key), der: der.as_bytes().to_vec() })
    }

    /// Reads the text of a `.pub` file.
    ///
    /// # Errors
    /// When it is no public key, or of a kind that is not used here.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let (label, der) = pem::read(text)?;
        if label != LABEL {
            return Err(Error::OtherKind { found: label.to_lowercase(), wanted: "public key" });
        }
        if let Some(bytes) = der.strip_prefix(&ED25519) {
            let bytes = bytes.try_into().map_err(|_| Error::NotPem("the Ed25519 key is not 32 bytes long"))?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
            let key = key.ok_or(Error::Unsupported("the Ed25519 key is no usable one"))?;
            return Ok(Self { kind: Kind::Ed25519(key), der });
        }
        let key = p256::ecdsa::VerifyingKey::from_public_key_der(&der);
        Self::of_p256(key.map_err(|_| Error::Unsupported("the key is neither ECDSA on P-256 nor Ed25519"))?)
    }

    /// The text of a `.pub` file.
    pub fn to_pem(&self) -> String {
        pem::write(LABEL, &self.der)
    }

    /// What kind it is, in words.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::P256(_) => "ECDSA P-256",
            Kind::Ed25519(_) => "Ed25519",
        }
    }

    /// What people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        hash::of_bytes(&self.der).sha256.into()
    }

    /// How a sigstore bundle names the key: the bytes of the fingerprint, in base64.
    pub fn hint(&self) -> String {
        STANDARD.encode(sha2::Sha256::digest(&self.der))
    }

    /// The fingerprint that a bundle's hint names.
    pub(crate) fn of_hint(hint: &str) -> Option<Fingerprint> {
        let bytes: [u8; 32] = STANDARD.decode(hint).ok()?.try_into().ok()?;
        Some(Sha256::from_bytes(bytes).into())
    }

    /// Holds a signature of a message against the key: ECDSA over SHA-256 in DER, or pure Ed25519.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        match &self.kind {
            Kind::P256(key) => {
                let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| Refusal::Broken)?;
                key.verify(message, &signature).map_err(|_| Refusal::Broken)
            }
            Kind::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| Refusal::Broken)?;
                if key.verify_strict(message, &signature).is_ok() {
                    return Ok(());
                }
                let prehashed = key.verify_prehashed_strict(Sha512::new_with_prefix(message), None, &signature);
                Err(if prehashed.is_ok() { Refusal::Prehashed } else { Refusal::Broken })
            }
        }
    }
}
