//! Tokens, and the record of what was done.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::PATTERN;
use super::account::Scope;
use crate::pattern::EnvironmentPattern;

/// Answer of `GET /api/v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenList {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The tokens, the oldest first.
    pub tokens: Vec<Token>,
}

/// A token, without its text. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// The user it belongs to.
    pub user: String,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// The only environments it is for; absent when it is for all its user may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", regex(pattern = PATTERN)))]
    pub environments: Option<EnvironmentPattern>,
    /// When it was made.
    pub created_at: String,
    /// When it ends; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it was last used, to the minute; absent when it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// Whether it is the token this was asked with.
    #[serde(default)]
    pub current: bool,
}

/// Body of `POST /api/v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, to tell it from others.
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    #[serde(default)]
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// The only environments it is for, such as `studio/*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", regex(pattern = PATTERN)))]
    pub environments: Option<EnvironmentPattern>,
    /// When it ends: a number of days from now, a date such as `2027-01-31` (its end, in UTC), or a
    /// time in RFC 3339. Without it the token does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Answer of `POST /api/v1/tokens`: the only time the text is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedToken {
    /// The token's text.
    pub token: String,
    /// Its number.
    pub id: i64,
}

/// Answer of `GET /api/v1/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditPage {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// What was done, the newest first.
    pub entries: Vec<AuditEntry>,
    /// `before` of the next page; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Its number; later ones are higher.
    pub id: i64,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The user who did it, `operator` for the hub's own command line.
    pub actor: String,
    /// A word for it, such as `environment.delete`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// More about it.
    pub detail: String,
}
