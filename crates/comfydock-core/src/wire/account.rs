//! Who is asking.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::PATTERN;
use crate::pattern::EnvironmentPattern;

/// What a token may be used for; each scope includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Clone, pull and look things up.
    Read,
    /// Push as well.
    Push,
    /// Everything the user may do.
    Admin,
}

/// What a member may do in a team; each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Clone and pull.
    Reader,
    /// Push, and make environments by pushing.
    Writer,
    /// Everything.
    Admin,
}

/// What somebody may do with an environment; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Clone, pull and look things up.
    Pull,
    /// Push as well.
    Push,
    /// Rename, delete and restore it, and say who sees it.
    Administer,
}

impl Right {
    /// What a role gives, through a token of this scope: the smaller of the two.
    pub fn of(role: Role, scope: Scope) -> Self {
        let by_role = match role {
            Role::Reader => Self::Pull,
            Role::Writer => Self::Push,
            Role::Admin => Self::Administer,
        };
        let by_scope = match scope {
            Scope::Read => Self::Pull,
            Scope::Push => Self::Push,
            Scope::Admin => Self::Administer,
        };
        by_role.min(by_scope)
    }
}

words!(Right { Pull = "pull", Push = "push", Administer = "administer" });
words!(Scope { Read = "read", Push = "push", Admin = "admin" });
words!(Role { Reader = "reader", Writer = "writer", Admin = "admin" });

/// Answer of `GET /api/v1/whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Whoami {
    /// The user the token belongs to.
    pub user: String,
    /// Whether the user administers the hub.
    #[serde(default)]
    pub admin: bool,
    /// What the token may be used for.
    pub scope: Scope,
    /// When the token ends, RFC 3339 in UTC; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The only environments the token is for; absent when it is for all the user may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", regex(pattern = PATTERN)))]
    pub environments: Option<EnvironmentPattern>,
    /// The teams the user is in, by name.
    #[serde(default)]
    pub teams: Vec<Membership>,
}

/// A place in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Membership {
    /// The team's name.
    pub team: String,
    /// What the user may do there.
    pub role: Role,
    /// What the token may do with the team's environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may: Option<Right>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_the_smaller_of_role_and_scope() {
        let rights = |scope| [Role::Reader, Role::Writer, Role::Admin].map(|role| Right::of(role, scope));
        assert_eq!(rights(Scope::Read), [Right::Pull; 3]);
        assert_eq!(rights(Scope::Push), [Right::Pull, Right::Push, Right::Push]);
        assert_eq!(rights(Scope::Admin), [Right::Pull, Right::Push, Right::Administer]);
    }
}
