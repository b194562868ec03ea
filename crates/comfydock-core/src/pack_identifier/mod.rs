//! What a user writes to name a node pack: an id of the Comfy registry, with a version or without, or a
//! git repository (decision 72).

mod id;
#[cfg(test)]
mod tests;
mod version;

use std::fmt;

pub use id::RegistryId;
pub use version::Version;

use crate::hint::Hint;
use crate::name::{self, NodeName};
use crate::repository_url::{self, RepositoryUrl};

/// A text that names no node pack, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It looks like an address of a repository and is none.
    #[error(transparent)]
    Repository(#[from] repository_url::Error),
    /// It looks like an id of the registry and is none.
    #[error("{0}")]
    Id(name::Error, Option<String>),
    /// The version behind the `@` is none.
    #[error("`{text}` is not a version of `{id}`: {reason}")]
    Version {
        /// The pack.
        id: String,
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
        /// What to write instead.
        hint: String,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Repository(error) => error.hint(),
            Self::Id(_, hint) => hint.clone(),
            Self::Version { hint, .. } => Some(hint.clone()),
        }
    }
}

/// A node pack as it is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// A pack of the Comfy registry.
    Registry {
        /// Its id.
        id: RegistryId,
        /// The version; the newest without one.
        version: Option<Version>,
    },
    /// A git repository.
    Repository {
        /// Where it is.
        url: RepositoryUrl,
        /// Branch, tag or commit; the default branch without one.
        reference: Option<String>,
    },
}

impl Identifier {
    /// Reads `id`, `id@version`, or any spelling of a repository, with `@ref` or without. Whoever has a
    /// file system makes the path of a local repository absolute first.
    ///
    /// # Errors
    /// When it names neither; the hint says what was probably meant.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.starts_with(['-', '~', '.']) || text.contains([':', '/', '\\']) {
            let url = RepositoryUrl::parse(text)?;
            let reference = url.requested_ref().map(str::to_owned);
            return Ok(Self::Repository { url, reference });
        }
        let (id, version) = match text.split_once('@') {
            Some((id, version)) => (id, Some(version)),
            None => (text, None),
        };
        let id = RegistryId::parse(id).map_err(|error| Error::Id(error, id_hint(id)))?;
        let version = version.map(|version| wanted(&id, version)).transpose()?.flatten();
        Ok(Self::Registry { id, version })
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry { id, version: None } => write!(formatter, "{id}"),
            Self::Registry { id, version: Some(version) } => write!(formatter, "{id}@{version}"),
            Self::Repository { url, reference: None } => formatter.write_str(url.key()),
            Self::Repository { url, reference: Some(reference) } => write!(formatter, "{}@{reference}", url.key()),
        }
    }
}

/// The folder of `custom_nodes` that a development node is named by: `name` or `custom_nodes/name`.
///
/// # Errors
/// When it cannot be such a folder.
pub fn directory(text: &str) -> Result<NodeName, name::Error> {
    let text = text.trim().trim_end_matches('/');
    let text = text.strip_prefix("./").unwrap_or(text);
    NodeName::parse(text.strip_prefix("custom_nodes/").unwrap_or(text))
}

/// The version that was asked for; none for the newest.
fn wanted(id: &RegistryId, text: &str) -> Result<Option<Version>, Error> {
    let fault = |reason, hint: String| {
        let text = text.escape_debug().take(80).collect();
        Error::Version { id: id.to_string(), text, reason, hint }
    };
    if text.eq_ignore_ascii_case("latest") {
        return Ok(None);
    }
    if text.eq_ignore_ascii_case("nightly") || text.eq_ignore_ascii_case("unknown") {
        let hint = "give the pack's git repository instead, as `URL` or `URL@BRANCH`".to_owned();
        return Err(fault("the registry keeps released versions only", hint));
    }
    Version::parse(text).map(Some).ok_or_else(|| {
        let hint = format!("write `{id}@1.2.3`, or `{id}` for the newest; a branch or tag goes with the git URL");
        fault("versions of the registry are three numbers", hint)
    })
}

/// What was probably meant by something that is no id.
fn id_hint(text: &str) -> Option<String> {
    let cut = text.find(['=', '<', '>', '~', '!', '[', ' '])?;
    let id = RegistryId::parse(&text[..cut]).ok()?;
    let version = text[cut..].trim_start_matches(['=', ' ']);
    Some(match Version::parse(version) {
        Some(_) => format!("did you mean {id}@{version}?"),
        None => format!("name one version, as in {id}@1.2.3"),
    })
}
