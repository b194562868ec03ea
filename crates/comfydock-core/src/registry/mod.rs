//! The Comfy registry's answers, read (decision 73).
//!
//! Fields are those of the registry's published OpenAPI description, as its programs answer: names in
//! snake case but for `downloadUrl` and `createdAt`; what is not known may be absent, null or empty.

mod judge;
mod refusal;
#[cfg(test)]
mod tests;

pub use judge::{Verdict, judge};
pub use refusal::Refusal;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::pack_identifier::{RegistryId, Version};

/// A node pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its id.
    pub id: RegistryId,
    /// What it is called.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// What it does.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// Its repository; empty for what is only in the registry.
    #[serde(default, deserialize_with = "or_default")]
    pub repository: String,
    /// Whether it may be had.
    #[serde(default, deserialize_with = "or_default")]
    pub status: NodeStatus,
    /// Who publishes it; not every answer says so.
    #[serde(default, deserialize_with = "or_default")]
    pub publisher: Publisher,
    /// The newest version; none if nothing was released.
    #[serde(default, deserialize_with = "or_default")]
    pub latest_version: Option<NodeVersion>,
}

/// Who publishes a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publisher {
    /// The id; empty if the answer did not say.
    #[serde(default, deserialize_with = "or_default")]
    pub id: String,
    /// The name for people.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

/// A version of a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeVersion {
    /// The pack's id, if the answer says so.
    #[serde(default, deserialize_with = "or_default")]
    pub node_id: String,
    /// The version, as the registry writes it.
    #[serde(default, deserialize_with = "or_default")]
    pub version: String,
    /// Python requirements, as the pack's pyproject.toml had them when it was published.
    #[serde(default, deserialize_with = "or_default")]
    pub dependencies: Vec<String>,
    /// Whether its publisher would rather have nobody use it.
    #[serde(default, deserialize_with = "or_default")]
    pub deprecated: bool,
    /// Where its zip is.
    #[serde(default, rename = "downloadUrl", deserialize_with = "or_default")]
    pub download_url: String,
    /// When it was published, RFC 3339.
    #[serde(default, rename = "createdAt", deserialize_with = "or_default")]
    pub created_at: String,
    /// Whether it may be had.
    #[serde(default, deserialize_with = "or_default")]
    pub status: NodeVersionStatus,
    /// Why its status is what it is.
    #[serde(default, deserialize_with = "or_default")]
    pub status_reason: String,
}

impl NodeVersion {
    /// The version, if it is three numbers.
    pub fn number(&self) -> Option<Version> {
        Version::parse(&self.version)
    }
}

macro_rules! status {
    ($name:ident, $prefix:literal, $(#[$doc:meta])*; $($(#[$word_doc:meta])* $word:ident),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
            /// The answer does not say.
            #[default]
            Unsaid,
            /// A word that is not known here.
            Other(String),
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    "" => Self::Unsaid,
                    $(concat!($prefix, stringify!($word)) => Self::$word,)+
                    _ => Self::Other(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(status: $name) -> Self {
                match status {
                    $name::Unsaid => Self::new(),
                    $($name::$word => concat!($prefix, stringify!($word)).to_owned(),)+
                    $name::Other(text) => text,
                }
            }
        }
    };
}

status!(NodeStatus, "NodeStatus",
    /// What the registry says of a pack.
    ;
    /// It may be had.
    Active,
    /// Its publisher has deleted it.
    Deleted,
    /// The registry has banned it.
    Banned
);
status!(NodeVersionStatus, "NodeVersionStatus",
    /// What the registry says of a version.
    ;
    /// It may be had.
    Active,
    /// Its publisher has deleted it.
    Deleted,
    /// The registry has banned it.
    Banned,
    /// The registry has not looked at it yet.
    Pending,
    /// The registry's scan found something.
    Flagged
);

/// Takes null for what is not there.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an answer.
///
/// # Errors
/// What is odd about it: a web page, a body that was cut, another thing than was asked for.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if start == Some(&b'<') {
            "it answers with a web page; a proxy or a login may be in between".to_owned()
        } else if error.is_eof() {
            "its answer was cut off".to_owned()
        } else {
            format!("its answer cannot be read: {error}")
        }
    })
}
