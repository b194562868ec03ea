//! Where a signed thing lies: a repository of a registry, and a tag there.

use std::fmt;

use crate::oci::Reference;

/// A repository as signatures and trust name it: `host/repo`, with a tag if one was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `host/repo`, the host in lower case; Docker Hub has one name.
    pub repository: String,
    /// The tag; none when it was asked for by digest.
    pub tag: Option<String>,
}

/// Names under which Docker Hub is written.
const DOCKER_HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

impl Place {
    /// Reads `host/repo`, `host/repo:tag` or `host/repo@sha256:…`; with a tag and a digest the digest is dropped.
    pub fn read(text: &str) -> Self {
        let text = text.split_once('@').map_or(text, |(before, _)| before);
        let (repository, tag) = match text.rsplit_once(':') {
            Some((before, tag)) if !tag.contains('/') && before.contains('/') => (before, Some(tag.to_owned())),
            _ => (text, None),
        };
        let repository = match repository.split_once('/') {
            Some((host, path)) => format!("{}/{path}", host_name(host)),
            None => host_name(repository),
        };
        Self { repository, tag }
    }
}

impl From<&Reference> for Place {
    fn from(reference: &Reference) -> Self {
        let repository = format!("{}/{}", host_name(reference.host()), reference.repository());
        Self { repository, tag: reference.tag().map(ToString::to_string) }
    }
}

/// A registry's host in its one spelling.
pub(crate) fn host_name(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if DOCKER_HUB.contains(&host.as_str()) { DOCKER_HUB[0].to_owned() } else { host }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(formatter, ":{tag}"))
    }
}
