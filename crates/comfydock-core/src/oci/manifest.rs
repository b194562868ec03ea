//! The manifest of an artifact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Descriptor, IMAGE_MANIFEST};

/// An OCI image manifest. Its identity is the digest of its bytes, so who has read one keeps the bytes: writing
/// this again need not give the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// Always 2.
    pub schema_version: u32,
    /// [`IMAGE_MANIFEST`]; absent in some manifests of other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The small document that describes the rest.
    pub config: Descriptor,
    /// The content.
    pub layers: Vec<Descriptor>,
    /// The manifest that this one is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Whatever is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl ImageManifest {
    /// A manifest of this kind of artifact, without subject and annotations.
    pub fn new(artifact_type: impl Into<String>, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(IMAGE_MANIFEST.to_owned()),
            artifact_type: Some(artifact_type.into()),
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// What kind of artifact it is: that of the config where the manifest does not say.
    pub fn kind(&self) -> &str {
        self.artifact_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(&self.config.media_type)
    }

    /// The manifest as one line of JSON, always the same.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and numbers can be written")
    }
}

/// What a manifest calls itself in its `mediaType`, if it does.
///
/// A registry's header that says something else makes the bytes mean two things (CVE-2021-41190), so that is for
/// the reader to refuse.
pub fn media_type_within(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        media_type: Option<String>,
    }
    serde_json::from_slice::<Named>(bytes).ok()?.media_type
}
