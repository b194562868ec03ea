//! What owners decide about their environments.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::NAME;

/// Who may see an environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Its owner, or the members of the team that owns it.
    #[default]
    Private,
    /// Everybody who reaches the hub; where the hub wants it so, everybody who is signed in.
    Public,
}

words!(Visibility { Private = "private", Public = "public" });

/// Body of `PATCH /api/v1/environments/{owner}/{name}`; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EnvironmentChange {
    /// The new name, without the owner.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = NAME)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who may see it from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

/// A deletion that can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// When it was deleted, RFC 3339 in UTC.
    pub at: String,
    /// Who deleted it.
    pub by: String,
    /// When it goes for good; until then it can be restored and its name is kept for it.
    pub until: String,
}

/// Model files that the hub keeps for an environment: whoever may read the environment may read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeptFiles {
    /// How many, of all that its branches and tags ever named.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}
