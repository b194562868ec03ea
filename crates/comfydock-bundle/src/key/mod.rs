//! Keys that sign bundles, and keys that signatures are held against.
//!
//! What we make are ECDSA keys on P-256 in cosign's own files. Ed25519 keys are only read, to check signatures
//! with: cosign 3.1 signs with them in a way it then refuses itself.

mod file;
mod pem;
mod private;
mod public;
#[cfg(test)]
mod tests;

pub use file::{Written, write_pair};
pub use private::PrivateKey;
pub use public::PublicKey;

use comfydock_core::hint::Hint;
use comfydock_store::file as stored;

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] stored::Error),
    /// Something stands where a key was to be written.
    #[error("`{path}` is there already, and keys are never overwritten")]
    Taken {
        /// What stands there.
        path: String,
    },
    /// It is not PEM.
    #[error("it is not a key in PEM: {0}")]
    NotPem(&'static str),
    /// A private key where a public one belongs, or the other way round.
    #[error("it is a {found}, and a {wanted} is needed")]
    OtherKind {
        /// What it is.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The container of a private key is not what cosign writes.
    #[error("the encrypted key is not one as cosign writes it: {0}")]
    NotCosign(String),
    /// Opening it would take more memory or time than any honest key asks for.
    #[error(
        "the encrypted key asks for scrypt with N={n}, r={r}, p={p}; a power of two up to N=2^20, r*p=64 and 1 GiB of memory are taken"
    )]
    TooExpensive {
        /// CPU and memory cost.
        n: u64,
        /// Block size.
        r: u32,
        /// Parallelism.
        p: u32,
    },
    /// The password does not open it.
    #[error("the password does not open the key")]
    Password,
    /// The key is of a kind that is not used here.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File(error) => return error.hint(),
            Self::Taken { .. } => "name other files with --output-prefix",
            Self::NotPem(_) | Self::NotCosign(_) | Self::Unsupported(_) => {
                "`comfydock key generate` makes a pair: NAME.key to sign with, NAME.pub for others"
            }
            Self::OtherKind { .. } => "NAME.key is the private key, NAME.pub the public one",
            Self::TooExpensive { .. } => "make a new pair with `comfydock key generate`",
            Self::Password => "set COSIGN_PASSWORD, or type it at a terminal; without it the key is lost",
            Self::NoRandomness => return None,
        };
        Some(hint.to_owned())
    }
}
