//! A pointer from one thing in a registry to another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Digest;

/// What is pointed at: its kind, its digest and its size, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the bytes are.
    pub media_type: String,
    /// What they hash to.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
    /// In a list of manifests: what kind of artifact the manifest is. Never believed: some programs write something
    /// else here than the manifest says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Whatever is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// A descriptor that says only what it must.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.into(), digest, size, artifact_type: None, annotations: BTreeMap::new() }
    }
}
