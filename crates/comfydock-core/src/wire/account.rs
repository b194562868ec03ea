//! Who is asking.

use serde::{Deserialize, Serialize};

/// What a token may be used for; each scope includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Clone and pull.
    Reader,
    /// Push, and make environments by pushing.
    Writer,
    /// Everything.
    Admin,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* }) => {
        impl $name {
            /// The word for it in JSON and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// What the word means, if anything.
            pub fn find(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words!(Scope { Read = "read", Push = "push", Admin = "admin" });
words!(Role { Reader = "reader", Writer = "writer", Admin = "admin" });

/// Answer of `GET /api/v1/whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The teams the user is in, by name.
    #[serde(default)]
    pub teams: Vec<Membership>,
}

/// A place in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The team's name.
    pub team: String,
    /// What the user may do there.
    pub role: Role,
}
