//! Which environments a token is for: `studio/*`, `*/look`, `studio/look`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{AccountName, EnvironmentName, RepoPath};

/// Text that is no pattern, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` does not say which environments: {reason}")]
pub struct Error {
    text: String,
    reason: String,
}

/// `owner/name`, where either may be `*` for any. Upper and lower case are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvironmentPattern {
    owner: Option<AccountName>,
    name: Option<EnvironmentName>,
}

impl EnvironmentPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it has not two parts, or a part is neither a name nor `*`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fault = |reason: String| Error { text: text.escape_debug().take(80).collect(), reason };
        let (owner, name) =
            text.split_once('/').ok_or_else(|| fault("write it like `team/*` or `team/name`".to_owned()))?;
        let owner = (owner != "*").then(|| AccountName::parse(owner)).transpose();
        let name = (name != "*").then(|| EnvironmentName::parse(name)).transpose();
        Ok(Self {
            owner: owner.map_err(|error| fault(error.to_string()))?,
            name: name.map_err(|error| fault(error.to_string()))?,
        })
    }

    /// The owner it is bound to, in lower case; none when any will do.
    pub fn owner(&self) -> Option<String> {
        self.owner.as_ref().map(|owner| owner.as_str().to_ascii_lowercase())
    }

    /// The name it is bound to, in lower case; none when any will do.
    pub fn name(&self) -> Option<String> {
        self.name.as_ref().map(|name| name.as_str().to_ascii_lowercase())
    }

    /// Whether the environment is one of these.
    pub fn matches(&self, path: &RepoPath) -> bool {
        let same = |bound: Option<&str>, found: &str| bound.is_none_or(|bound| bound.eq_ignore_ascii_case(found));
        same(self.owner.as_ref().map(AccountName::as_str), path.owner().as_str())
            && same(self.name.as_ref().map(EnvironmentName::as_str), path.name().as_str())
    }

    /// Whether everything that `other` matches is matched by this too.
    pub fn covers(&self, other: &Self) -> bool {
        let within = |bound: Option<String>, other: Option<String>| bound.is_none() || bound == other;
        within(self.owner(), other.owner()) && within(self.name(), other.name())
    }
}

impl fmt::Display for EnvironmentPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.as_ref().map_or("*", AccountName::as_str);
        let name = self.name.as_ref().map_or("*", EnvironmentName::as_str);
        write!(formatter, "{owner}/{name}")
    }
}

impl std::str::FromStr for EnvironmentPattern {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<String> for EnvironmentPattern {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<EnvironmentPattern> for String {
    fn from(pattern: EnvironmentPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_in_any_case() {
        for (pattern, path, expected) in [
            ("studio/*", "studio/look", true),
            ("Studio/*", "STUDIO/look", true),
            ("studio/*", "studio2/look", false),
            ("*/look", "studio/Look", true),
            ("*/look", "studio/looks", false),
            ("studio/look", "studio/look", true),
            ("studio/look", "studio/other", false),
            ("*/*", "a/b", true),
        ] {
            let matches = EnvironmentPattern::parse(pattern).unwrap().matches(&RepoPath::parse(path).unwrap());
            assert_eq!(matches, expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_covers_what_is_no_wider() {
        let patterns = ["*/*", "studio/*", "*/look", "STUDIO/Look", "ann/*", "ann/look"];
        let covered = [
            ("*/*", vec!["*/*", "studio/*", "*/look", "STUDIO/Look", "ann/*", "ann/look"]),
            ("studio/*", vec!["studio/*", "STUDIO/Look"]),
            ("*/look", vec!["*/look", "STUDIO/Look", "ann/look"]),
            ("STUDIO/Look", vec!["STUDIO/Look"]),
        ];
        for (wide, expected) in covered {
            let wide = EnvironmentPattern::parse(wide).unwrap();
            let found: Vec<&str> =
                patterns.into_iter().filter(|other| wide.covers(&EnvironmentPattern::parse(other).unwrap())).collect();
            assert_eq!(found, expected, "{wide}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "*", "studio", "studio/", "/look", "stu*/look", "studio/lo*", "a/b/c", "api/*", "../*", "%/*"]
        {
            assert!(EnvironmentPattern::parse(text).is_err(), "{text}");
        }
        assert_eq!(EnvironmentPattern::parse("Studio/*").unwrap().to_string(), "Studio/*");
    }
}
