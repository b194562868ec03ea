//! Ids of the Comfy registry.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::name::{Error, NodeName};

/// The id of a node pack in the Comfy registry. Two spellings that differ in case only are one id: real
/// workflows have both. It is shown as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistryId(NodeName);

impl RegistryId {
    /// Checks and takes the id. It becomes a folder's name, so the rules of those hold.
    ///
    /// # Errors
    /// When it is no id; the message says why.
    pub fn parse(text: &str) -> Result<Self, Error> {
        NodeName::parse(text.trim()).map(Self)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What all spellings of the id share.
    pub fn key(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }

    /// The folder that the pack gets.
    pub fn folder_name(&self) -> &NodeName {
        &self.0
    }
}

impl PartialEq for RegistryId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

impl Eq for RegistryId {}

impl Hash for RegistryId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for RegistryId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RegistryId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for RegistryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
