//! What asking a source for a model came to.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::source::Source;

/// What a source turned out to be worth for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All bytes came from it and hashed to the model's SHA-256.
    BytesVerified,
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
