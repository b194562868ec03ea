//! Where a key is believed: a repository, everything below a prefix, or everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::signature::Place;
use crate::signature::place::host_name;

/// `ghcr.io/team/app` (that repository), `ghcr.io/team/*` (all below), or `*` (all there are).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    /// Without the closing `*` and the slash before it; empty for everywhere.
    path: String,
    below: bool,
}

/// A scope that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a scope: {reason}")]
pub struct Error {
    text: String,
    reason: &'static str,
}

impl Scope {
    /// Every registry there is. It is never what a text without a host means.
    pub fn everywhere() -> Self {
        Self { path: String::new(), below: true }
    }

    /// Whether it is every registry there is.
    pub fn is_everywhere(&self) -> bool {
        self.path.is_empty()
    }

    /// The one repository of this place.
    pub fn of(place: &Place) -> Self {
        Self { path: place.repository.clone(), below: false }
    }

    /// Whether a key with this scope is believed for a repository (`host/repo`).
    pub fn covers(&self, repository: &str) -> bool {
        if self.is_everywhere() {
            return true;
        }
        match repository.strip_prefix(self.path.as_str()) {
            Some(rest) if self.below => rest.starts_with('/'),
            Some(rest) => rest.is_empty(),
            None => false,
        }
    }

    /// How narrow it is; of two that cover a repository the narrower one counts.
    pub(super) fn narrowness(&self) -> (bool, usize) {
        (!self.below, self.path.len())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Err(Error { text: text.chars().take(200).collect(), reason });
        if text == "*" {
            return Ok(Self::everywhere());
        }
        let written = text.strip_prefix("oci://").unwrap_or(text);
        let (path, below) = written.strip_suffix("/*").map_or((written, false), |path| (path, true));
        let (host, rest) = path.split_once('/').map_or((path, None), |(host, rest)| (host, Some(rest)));
        if path.contains('*') {
            return refuse("a `*` may only stand at its end, after a `/`");
        }
        if !(host.contains(['.', ':']) || host.eq_ignore_ascii_case("localhost")) || host.contains("..") {
            return refuse("it starts with the registry's host, as `ghcr.io/team/*`");
        }
        let usable = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'@' | b'?' | b'#');
        if !path.bytes().all(usable) || rest.is_some_and(|rest| rest.contains(':')) {
            return refuse("it is a host and a repository, without tag and digest");
        }
        if rest.is_some_and(|rest| rest.split('/').any(str::is_empty)) {
            return refuse("an empty part is between its slashes");
        }
        match rest {
            Some(rest) => Ok(Self { path: format!("{}/{rest}", host_name(host)), below }),
            None if below => Ok(Self { path: host_name(host), below }),
            None => refuse("all repositories of a host are written with `/*` at the end"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_everywhere(), self.below) {
            (true, _) => formatter.write_str("*"),
            (false, true) => write!(formatter, "{}/*", self.path),
            (false, false) => formatter.write_str(&self.path),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}
