//! Users, teams, and who is in them.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::NAME;
use super::account::Role;

/// Answer of `GET /api/v1/teams`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TeamList {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The teams the asker is in; for an admin of the hub all of them.
    pub teams: Vec<Team>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Team {
    /// Its name.
    pub name: String,
    /// How many are in it.
    pub members: u64,
    /// The asker's role in it; absent when it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// Body of `POST /api/v1/teams`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// Its name; users and teams share their names.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = NAME)))]
    pub name: String,
}

/// Answer of `GET /api/v1/teams/{team}/members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberList {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The team.
    pub team: String,
    /// Who is in it, by name.
    pub members: Vec<Member>,
}

/// Somebody in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    /// The user.
    pub user: String,
    /// What they may do with the team's environments.
    pub role: Role,
}

/// Body of `PUT /api/v1/teams/{team}/members/{user}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// What the user may do with the team's environments from now on.
    pub role: Role,
}

/// Answer of `GET /api/v1/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserList {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// All users, by name.
    pub users: Vec<User>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The name.
    pub name: String,
    /// Whether the user administers the hub.
    pub admin: bool,
    /// Whether the user is shut out.
    pub disabled: bool,
}

/// Body of `POST /api/v1/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name; users and teams share their names.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = NAME)))]
    pub name: String,
    /// Whether the user shall administer the hub.
    #[serde(default)]
    pub admin: bool,
}
