//! What a signature says, and whether it says it of the thing at hand. Formats are those of cosign 2 and 3.
//!
//! Nothing here computes a hash or checks a signature: bytes are put together and read, fields are judged.
//! The order is always the same: [`judge`](statement::judge) says what was signed, the caller whether a key
//! signed it, [`crate::trust`] whether that key is believed.

pub mod claim;
pub mod dsse;
pub mod manifest;
pub mod place;
pub mod replay;
pub mod simple_signing;
pub mod statement;

#[cfg(test)]
mod tests;

pub use claim::{Claim, Origin, Signed};
pub use place::Place;

use crate::digest::Sha256;
use crate::trust::Fingerprint;

/// The media type of a sigstore bundle, version 0.3, and the artifact type of a manifest that carries one.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What media types of sigstore bundles begin with. A registry's list of referrers must not be filtered by
/// artifact type: cosign's own entries there carry a wrong one.
pub const BUNDLE_TYPE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";

/// The annotation of a signature's manifest or layer that carries the public key as PEM. It proves nothing.
pub const PUBLIC_KEY_ANNOTATION: &str = "dev.comfydock.public-key";

/// Most bytes of a sigstore bundle, or of a simple-signing payload.
pub const MOST_BUNDLE_BYTES: usize = 1 << 20;

/// Why a signature does not count, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is larger than any honest one.
    #[error("{what} is larger than {most} bytes")]
    TooLarge {
        /// What is.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// It cannot be read.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// What cannot.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A message was signed, not a statement about one.
    #[error("the bundle signs a bare message instead of a statement (no DSSE envelope)")]
    NoEnvelope,
    /// It was made for an identity, not with a key.
    #[error("the signature was made without a key (a certificate): such signatures cannot be checked here")]
    Keyless,
    /// The envelope carries something else.
    #[error("the signed payload is of type `{found}`, not `{}`", dsse::PAYLOAD_TYPE)]
    PayloadType {
        /// What it carries.
        found: String,
    },
    /// The statement is of another kind.
    #[error("the signed statement is of type `{found}`, not `{}`", statement::TYPE)]
    StatementType {
        /// Its kind.
        found: String,
    },
    /// The statement says something else about its subject.
    #[error("the signed statement is no signature but `{found}`")]
    PredicateType {
        /// What it says.
        found: String,
    },
    /// The payload is of another kind.
    #[error("the signed payload is of type `{found}`, not `{}`", simple_signing::TYPE)]
    CriticalType {
        /// Its kind.
        found: String,
    },
    /// Something else was signed.
    #[error("the signature is of other content ({}), not of sha256:{wanted}", found.join(", "))]
    Subject {
        /// What was signed.
        found: Vec<String>,
        /// What should have been.
        wanted: Sha256,
    },
    /// It was signed for another repository, and in this form that cannot be a mirror.
    #[error("the signature is for `{signed}`, not for `{wanted}`")]
    OtherRepository {
        /// Where it says it belongs.
        signed: String,
        /// Where it was found.
        wanted: String,
    },
    /// It was signed under another tag of the same repository.
    #[error("the signature is for version `{signed}` of `{repository}`, not for `{wanted}`")]
    OtherVersion {
        /// The repository.
        repository: String,
        /// The version that was signed.
        signed: String,
        /// The version that was asked for.
        wanted: String,
    },
    /// The key that came along is not the one that signed.
    #[error("the public key that came along ({found}) is not the one the signature names ({named})")]
    OtherKey {
        /// The fingerprint of the key that came along.
        found: Fingerprint,
        /// The fingerprint that the signature names.
        named: Fingerprint,
    },
    /// No key is here that could have made it.
    #[error("no key that is known here or came along made the signature{}", of_key(named.as_ref()))]
    NoKey {
        /// The fingerprint of the key that it names.
        named: Option<Fingerprint>,
    },
    /// The signature does not fit.
    #[error("the signature does not fit its key: what was signed, or the signature, was changed")]
    Broken,
    /// An Ed25519 signature of the variant that hashes first.
    #[error("the signature is Ed25519ph, which cosign writes and cannot verify itself; sign with an ECDSA P-256 key")]
    Prehashed,
}

fn of_key(named: Option<&Fingerprint>) -> String {
    named.map(|named| format!("; it names {named}")).unwrap_or_default()
}

impl Refusal {
    /// Something that cannot be read, because of an error of the parser.
    pub fn unreadable(what: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Unreadable { what, reason: reason.to_string().chars().take(200).collect() }
    }

    /// Holds a size to its bound.
    ///
    /// # Errors
    /// When it is larger.
    pub fn if_larger(what: &'static str, bytes: &[u8], most: usize) -> Result<(), Self> {
        if bytes.len() > most { Err(Self::TooLarge { what, most }) } else { Ok(()) }
    }
}
