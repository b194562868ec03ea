//! Addresses of git repositories in every spelling that people, workflows and other programs use
//! (decision 72).
//!
//! One repository has many spellings: `https`, `ssh`, `user@host:path`, with and without `.git`, a page
//! of the forge's web site. [`RepositoryUrl`] says what git is to be given, which branch, tag or commit
//! the spelling asked for, and a key that all spellings of one repository share.
//!
//! Nothing is looked up: a renamed repository has another key, a path of this machine is taken as it
//! stands (whoever has a file system makes it absolute and resolves links first), and `insteadOf` of
//! git's configuration is git's own matter.

mod error;
mod forge;
mod path;
mod reference;
mod remote;
mod spelling;
mod submodule;
#[cfg(test)]
mod tests;

pub use error::Error;

use crate::name::{self, NodeName};

/// Where a git repository is.
#[derive(Debug, Clone)]
pub struct RepositoryUrl {
    fetch: String,
    reference: Option<String>,
    key: String,
    name: String,
}

impl RepositoryUrl {
    /// Reads any spelling: a URL (`https`, `http`, `ssh`, `git`, `file`, `git+…`), `[user@]host:path`, an
    /// absolute path; each with `@REF` after its last `/` or as a web page below `/tree/REF`.
    ///
    /// # Errors
    /// When it is none of these, or one that git would run as a program or take for an option.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        match spelling::read(trimmed)? {
            spelling::Spelling::Url(url) => remote::of_url(trimmed, url),
            spelling::Spelling::Ssh { host, path } => remote::of_ssh(trimmed, host, path),
            spelling::Spelling::File(encoded) => path::of_file(trimmed, encoded),
            spelling::Spelling::Path(path) => path::of_path(trimmed, path),
        }
    }

    /// The repository that a workflow's `aux_id` names: `owner/name` on GitHub.
    ///
    /// # Errors
    /// When it is not two names.
    pub fn of_aux_id(text: &str) -> Result<Self, Error> {
        let fault = || Error::new(text, "an `aux_id` is `owner/name` on GitHub");
        let (owner, name) = text.trim().split_once('/').ok_or_else(fault)?;
        let plain = |part: &str| {
            NodeName::parse(part.strip_suffix(".git").unwrap_or(part)).is_ok() || part.starts_with(['.', '_'])
        };
        if !plain(owner) || !plain(name) || owner.contains(':') {
            return Err(fault());
        }
        Self::parse(&format!("https://github.com/{owner}/{name}"))
    }

    /// What git is to be given: the address without web page, reference, query and `git+`. It keeps a
    /// user name, and a password if there was one.
    pub fn fetch_url(&self) -> &str {
        &self.fetch
    }

    /// The branch, tag or commit that the address carried.
    pub fn requested_ref(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// What all spellings of one repository share: `host/path`, or the path of a local one. Lower case
    /// only where the host takes names in any case; without scheme, user, default port and `.git`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it is a folder of this machine.
    pub fn is_local(&self) -> bool {
        self.key.starts_with('/')
    }

    /// The folder that a clone gets.
    ///
    /// # Errors
    /// When the repository's name cannot be the name of a node pack's folder.
    pub fn folder_name(&self) -> Result<NodeName, name::Error> {
        NodeName::parse(&self.name)
    }
}

impl PartialEq for RepositoryUrl {
    /// The same repository at the same reference, however it is spelled.
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.reference) == (&other.key, &other.reference)
    }
}

impl Eq for RepositoryUrl {}

/// Whether two addresses are spellings of one repository. What cannot be read equals nothing.
pub fn equivalent(one: &str, other: &str) -> bool {
    match (RepositoryUrl::parse(one), RepositoryUrl::parse(other)) {
        (Ok(one), Ok(other)) => one.key == other.key,
        _ => false,
    }
}
