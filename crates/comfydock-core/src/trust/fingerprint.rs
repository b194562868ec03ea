//! Fingerprints of public keys, as people compare them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::{self, Sha256};

/// The SHA-256 of a public key in DER (SubjectPublicKeyInfo), written `SHA256:` and 64 hexadecimal digits:
/// what `openssl pkey -pubin -in k.pub -outform DER | sha256sum` says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(Sha256);

const MARK: &str = "SHA256:";

impl From<Sha256> for Fingerprint {
    fn from(digest: Sha256) -> Self {
        Self(digest)
    }
}

impl FromStr for Fingerprint {
    type Err = digest::Error;

    /// Reads it with the mark in front or without, in either case.
    fn from_str(text: &str) -> Result<Self, digest::Error> {
        let marked = text.split_at_checked(MARK.len()).filter(|(mark, _)| mark.eq_ignore_ascii_case(MARK));
        Sha256::parse(marked.map_or(text, |(_, digits)| digits)).map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{MARK}{}", self.0)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = digest::Error;
    fn try_from(text: String) -> Result<Self, digest::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}
