//! What asking a source for a model came to.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::source::Source;

/// What a source turned out to be worth for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All bytes came from it and hashed to the model's SHA-256.
    BytesVerified,
    /// It says of itself that it has this SHA-256; nothing was downloaded.
    MetadataMatch,
    /// It answers with this model's size; not all bytes came from it.
    Reachable,
    /// It wants a login, or another one.
    AuthRequired,
    /// It has no such file any more.
    Gone,
    /// It has another file.
    Mismatch,
    /// It does not serve the region that was asked from.
    RegionBlocked,
}

/// A source as it was found for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The source, as manifests spell it.
    pub source: Source,
    /// The model's SHA-256, when it was known or measured.
    pub sha256: Option<Sha256>,
    /// What it was worth.
    pub verdict: Verdict,
    /// The last HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// Bytes of the file the source has, when it said so.
    pub size: Option<u64>,
}

impl Verdict {
    /// Every verdict with its word, as it goes over the wire.
    pub const WORDS: [(Self, &'static str); 7] = [
        (Self::BytesVerified, "bytes_verified"),
        (Self::MetadataMatch, "metadata_match"),
        (Self::Reachable, "reachable"),
        (Self::AuthRequired, "auth_required"),
        (Self::Gone, "gone"),
        (Self::Mismatch, "mismatch"),
        (Self::RegionBlocked, "region_blocked"),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(verdict, _)| *verdict == self).map_or("", |(_, word)| word)
    }

    /// What a word means, if anything.
    pub fn find(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(verdict, _)| *verdict)
    }

    /// Whether a source of which this holds is worth asking before others of which nothing is known.
    pub fn is_discouraging(self) -> bool {
        matches!(self, Self::Gone | Self::Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_wire() {
        for (verdict, word) in Verdict::WORDS {
            assert_eq!(serde_json::to_value(verdict).unwrap(), word);
            assert_eq!((verdict.as_str(), Verdict::find(word)), (word, Some(verdict)));
        }
        assert_eq!(Verdict::find("good"), None);
    }
}
