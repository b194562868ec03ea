//! A digest as registries write it: `sha256:` and 64 hexadecimal digits.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;

/// SHA-256 of a blob or a manifest in a registry's spelling. Other algorithms exist, are rare, and are refused by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(Sha256);

/// Text that is no digest we can check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest of the form sha256:<64 lower-case hexadecimal digits>")]
pub struct DigestError(String);

impl Digest {
    /// Reads `sha256:<hex>`. The digits must be lower-case, as the specification wants them.
    ///
    /// # Errors
    /// When it is another algorithm or not 64 digits.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix("sha256:").filter(|hex| !hex.bytes().any(|byte| byte.is_ascii_uppercase()));
        let sha256 = hex.and_then(|hex| Sha256::parse(hex).ok());
        sha256.map(Self).ok_or_else(|| DigestError(text.chars().take(80).collect()))
    }

    /// The hash itself.
    pub fn sha256(&self) -> &Sha256 {
        &self.0
    }

    /// The hexadecimal digits.
    pub fn hex(&self) -> &str {
        self.0.as_str()
    }

    /// The tag under which referrers are listed where a registry does not list them itself (distribution
    /// specification, "Referrers Tag Schema").
    pub fn referrers_tag(&self) -> super::Tag {
        super::Tag::of_referrers(self)
    }
}

impl From<Sha256> for Digest {
    fn from(sha256: Sha256) -> Self {
        Self(sha256)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}
