//! Names that come from people, files and networks, checked once at the border.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a usable {kind}: {reason}")]
pub struct Error {
    kind: &'static str,
    text: String,
    reason: &'static str,
}

/// Names that no user or team on a hub may take: the hub's own routes, and what its records call
/// those who are no user.
pub const RESERVED: &[&str] = &[
    "account",
    "admin-token",
    "anonymous",
    "api",
    "assets",
    "blobs",
    "catalog",
    "favicon.ico",
    "healthz",
    "help",
    "hub",
    "login",
    "logout",
    "metrics",
    "models",
    "operator",
    "readyz",
    "robots.txt",
    "search",
    "settings",
    "static",
    "unknown",
    "v1",
    "v2",
];

/// Names that Windows gives to devices; a checkout there fails on them.
const DEVICES: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The rules every single-segment name shares.
fn reason_against(text: &str, longest: usize) -> Option<&'static str> {
    let first = text.chars().next()?;
    let stem = text.split('.').next().unwrap_or(text).to_ascii_lowercase();
    if text.len() > longest {
        Some("it is too long")
    } else if !first.is_ascii_alphanumeric() {
        Some("it must start with a letter or a digit")
    } else if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
        Some("only letters, digits, `.`, `_` and `-` are allowed")
    } else if text.contains("..") {
        Some("`..` is not allowed")
    } else if text.ends_with('.') || text.ends_with(".lock") || text.ends_with(".git") {
        Some("it must not end in `.`, `.lock` or `.git`")
    } else if DEVICES.contains(&stem.as_str()) {
        Some("Windows keeps this name for a device")
    } else {
        None
    }
}

macro_rules! name {
    ($name:ident, $kind:literal, $check:expr, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and takes the name.
            ///
            /// # Errors
            /// When the name breaks a rule; the message says which.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let check: fn(&str) -> Option<&'static str> = $check;
                let reason = if text.is_empty() { Some("it is empty") } else { check(text) };
                match reason {
                    None => Ok(Self(text.to_owned())),
                    Some(reason) => Err(Error { kind: $kind, text: text.escape_debug().take(80).collect(), reason }),
                }
            }

            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name!(EnvironmentName, "environment name", |text| reason_against(text, 64),
    /// The local name of an environment: a folder below `environments/`.
);
name!(AccountName, "account name", |text| reason_against(text, 64).or_else(|| {
        RESERVED.contains(&text.to_ascii_lowercase().as_str()).then_some("the hub keeps this name for itself")
    }),
    /// A user or team on a hub. Users and teams share one name space, case-insensitively.
);
name!(RemoteName, "remote name", |text| reason_against(text, 64),
    /// What a remote is called in `.cec`'s git configuration.
);
name!(NodeName, "node name", |text| reason_against(text, 100).or_else(|| {
        (text.to_ascii_lowercase().ends_with(".disabled") || text == "__pycache__")
            .then_some("ComfyUI skips folders of this name")
    }),
    /// The folder of a custom node pack below `custom_nodes/`.
);

impl NodeName {
    /// The key that two spellings of one pack share: lower-case, runs of `-`, `_` and `.` as one `-`.
    pub fn normalised(&self) -> String {
        let mut key = String::with_capacity(self.0.len());
        for character in self.0.chars() {
            if matches!(character, '-' | '_' | '.') {
                if !key.ends_with('-') {
                    key.push('-');
                }
            } else {
                key.push(character.to_ascii_lowercase());
            }
        }
        key.trim_matches('-').to_owned()
    }

    /// The name of the dependency group that carries this pack's requirements (decision 15).
    pub fn group(&self) -> String {
        format!("node-{}", self.normalised())
    }
}

/// `owner/name`: where an environment lives on a hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath {
    owner: AccountName,
    name: EnvironmentName,
}

impl RepoPath {
    /// Reads `owner/name`, with or without a trailing `.git`.
    ///
    /// # Errors
    /// When there are not exactly two segments, or one of them is no usable name.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bare = text.strip_suffix(".git").unwrap_or(text);
        let fault = |reason| Error { kind: "hub path", text: text.escape_debug().take(80).collect(), reason };
        let (owner, name) = bare.split_once('/').ok_or_else(|| fault("it must be `team/name`"))?;
        if name.contains('/') {
            return Err(fault("it must be `team/name`"));
        }
        Ok(Self { owner: AccountName::parse(owner)?, name: EnvironmentName::parse(name)? })
    }

    /// The user or team.
    pub fn owner(&self) -> &AccountName {
        &self.owner
    }

    /// The environment's name on the hub.
    pub fn name(&self) -> &EnvironmentName {
        &self.name
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.owner, self.name)
    }
}

impl std::str::FromStr for RepoPath {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_break_a_rule_say_which() {
        for (text, reason) in [
            ("", "empty"),
            ("../x", "start with"),
            ("a/b", "only letters"),
            ("a..b", "`..`"),
            ("a.lock", "must not end"),
            ("a.git", "must not end"),
            ("nul.txt", "device"),
            (".hidden", "start with"),
            ("a\nb", "only letters"),
            (&"a".repeat(65), "too long"),
        ] {
            let message = EnvironmentName::parse(text).unwrap_err().to_string();
            assert!(message.contains(reason), "{text:?}: {message}");
        }
        assert!(AccountName::parse("API").unwrap_err().to_string().contains("for itself"));
        assert!(NodeName::parse("x.disabled").is_err());
    }

    #[test]
    fn a_pack_has_one_key_whatever_its_spelling() {
        for text in ["ComfyUI-Impact-Pack", "comfyui_impact.pack", "comfyui--impact_-pack"] {
            assert_eq!(NodeName::parse(text).unwrap().group(), "node-comfyui-impact-pack");
        }
    }

    #[test]
    fn a_hub_path_is_two_names() {
        assert_eq!(RepoPath::parse("team/studio.git").unwrap().to_string(), "team/studio");
        for text in ["studio", "a/b/c", "../studio", "team/..", "api/x", "team/", "/x"] {
            assert!(RepoPath::parse(text).is_err(), "{text}");
        }
    }
}
