//! Where in which registry something is: `oci://host[:port]/repository[:tag][@sha256:…]`.

use std::fmt;

use super::Digest;
use crate::hint::Hint;

/// Characters of a repository's name at most; registries refuse longer ones.
const LONGEST_NAME: usize = 255;
/// Characters of a tag at most.
const LONGEST_TAG: usize = 128;
/// How every reference begins.
const SCHEME: &str = "oci://";

/// A reference that cannot be used, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a usable reference: {reason}")]
pub struct ReferenceError {
    text: String,
    reason: &'static str,
    remedy: Option<String>,
}

impl Hint for ReferenceError {
    fn hint(&self) -> Option<String> {
        Some(self.remedy.clone().unwrap_or_else(|| "the form is oci://HOST/REPOSITORY:TAG".to_owned()))
    }
}

/// The name of a repository in a registry: lower-case words with single separators, and slashes between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// Reads a name (distribution specification: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, slashes between).
    ///
    /// # Errors
    /// When it is not such a name.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let fault = |reason, remedy| Err(ReferenceError { text: shorten(text), reason, remedy });
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let lower = Some(format!("write `{}`", shorten(&text.to_ascii_lowercase())));
            return fault("repositories are named in lower case", lower);
        }
        if text.len() > LONGEST_NAME {
            return fault("the repository's name is too long", None);
        }
        if !text.split('/').all(is_component) {
            let remedy = "a name is made of a-z and 0-9, with `.`, `_`, `__` or `-` between them, and of `/`";
            return fault("a repository cannot be called that", Some(remedy.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_component(text: &str) -> bool {
    let mut rest = text;
    loop {
        let word = rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
        if word.len() == rest.len() {
            return false;
        }
        if word.is_empty() {
            return true;
        }
        rest = if word.starts_with('-') {
            word.trim_start_matches('-')
        } else if let Some(rest) = word.strip_prefix("__").or_else(|| word.strip_prefix(['.', '_'])) {
            rest
        } else {
            return false;
        };
    }
}

/// A name in a repository that can be moved from one manifest to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Reads a tag (distribution specification: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`).
    ///
    /// # Errors
    /// When it is not such a tag.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if begins && text.len() <= LONGEST_TAG && text.bytes().all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        let remedy = "a tag is made of letters, digits, `_`, `.` and `-`, begins with none of the last two, and has at most 128 of them";
        Err(ReferenceError { text: shorten(text), reason: "that cannot be a tag", remedy: Some(remedy.to_owned()) })
    }

    /// The tag of the list of referrers of a manifest.
    pub(super) fn of_referrers(digest: &Digest) -> Self {
        Self(format!("sha256-{}", digest.hex()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Something in a registry. Its canonical spelling is what [`fmt::Display`] writes: the host in lower case, the
/// rest as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    host: String,
    repository: RepositoryName,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Reference {
    /// Reads a reference. The host must be one: a word without dot and port is more likely the first part of a name
    /// whose host somebody else would have to guess.
    ///
    /// # Errors
    /// When a part of it is missing or cannot be used. Credentials in it are not repeated.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let text = text.trim();
        let fault = |reason, remedy: Option<String>| ReferenceError { text: shorten(text), reason, remedy };
        let Some(rest) = text.strip_prefix(SCHEME) else {
            let looks_whole = text.split_once('/').is_some_and(|(host, _)| is_host(&host.to_ascii_lowercase()));
            let remedy = looks_whole.then(|| format!("write `{SCHEME}{}`", shorten(text)));
            return Err(fault("it does not begin with `oci://`", remedy));
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            let remedy = "take them out; they are given by `docker login HOST` or COMFYDOCK_REGISTRY_TOKEN";
            let text = format!("{SCHEME}…@{}", shorten(rest.rsplit_once('@').map_or("", |(_, rest)| rest)));
            return Err(ReferenceError {
                text,
                reason: "credentials are not given in the address",
                remedy: Some(remedy.to_owned()),
            });
        }
        let lower = host.to_ascii_lowercase();
        if !is_host(&lower) {
            let named = Some(format!("name the registry's host, e.g. oci://ghcr.io/{}", shorten(rest)));
            let word = lower.split(':').next().unwrap_or_default();
            let bare = is_component(word) && !word.contains('.');
            return Err(if bare {
                fault("it names no registry", named)
            } else {
                fault("its host cannot be one", None)
            });
        }
        if path.is_empty() {
            return Err(fault("it names no repository", None));
        }
        let (path, digest) = match path.split_once('@') {
            Some((path, digest)) => {
                let digest = Digest::parse(digest);
                (path, Some(digest.map_err(|_| fault("what is behind `@` is no sha256 digest", None))?))
            }
            None => (path, None),
        };
        let last = path.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match path[last..].find(':') {
            Some(colon) => (&path[..last + colon], Some(Tag::parse(&path[last + colon + 1..])?)),
            None => (path, None),
        };
        Ok(Self { host: lower, repository: RepositoryName::parse(name)?, tag, digest })
    }

    /// `host` or `host:port`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// The tag, if it says one.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest, if it says one.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same place at exactly these bytes; the tag is kept for people to read.
    #[must_use]
    pub fn pinned(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(formatter, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether the text, in lower case, is a host of its own: with a dot, a port, in brackets, or `localhost`.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if port.is_some_and(|port| port.starts_with('+') || port.parse::<u16>().map_or(true, |port| port == 0)) {
        return false;
    }
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_name = name.len() <= 253 && name.split('.').all(label);
    // What ends in a number has to be an address, or different programs read it differently.
    let ends_in_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let is_address = name.parse::<std::net::Ipv4Addr>().is_ok();
    is_name && (is_address || !ends_in_number) && (port.is_some() || name.contains('.') || name == "localhost")
}

fn shorten(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(120).collect()
}
