//! Who the user is to a registry: what was given by hand, by a variable, by docker's and podman's files and their
//! helpers, or by a login at a hub.
//!
//! Formats: docker's `config.json` (docs.docker.com, `docker login`, "Credential stores"), and podman's `auth.json`
//! (`containers-auth.json(5)`), which has keys for parts of a registry as well.

use std::ffi::OsString;
use std::path::PathBuf;

use comfydock_core::hint::Hint;
use comfydock_core::oci::RepositoryName;

use super::Secret;

mod config;
mod helper;
#[cfg(test)]
mod tests;

/// The user's name that stands for "what comes is a token for tokens", in helpers and files.
const IDENTITY: &str = "<token>";
/// The user's name where a token is the password and the name does not matter.
const TOKEN_USER: &str = "token";

/// Credentials that cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not in its format. What is in it is not repeated.
    #[error("`{}` cannot be read as credentials: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, without its content.
        reason: String,
    },
    /// A file names a helper that is none.
    #[error("`{}` names the credential helper `{name}`, which is not the name of a program", .path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A helper was started and did not answer as one. What it said is not repeated.
    #[error("the credential helper `{program}` {reason}")]
    Helper {
        /// The program.
        program: String,
        /// What it did.
        reason: String,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { .. } => "mend the file or move it away; `docker login` writes a new one".to_owned(),
            Self::Name { .. } => "a helper's name has letters, digits, `.`, `_` and `-` only; mend the file".to_owned(),
            Self::Helper { program, .. } => {
                format!("run `{program} get` by hand, or set COMFYDOCK_REGISTRY_TOKEN to a token for the registry")
            }
        })
    }
}

/// Credentials as somebody gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that serves as a password, whatever the user's name: of GitHub, GitLab or a hub.
    Token(Secret),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Nobody,
    Password {
        user: String,
        password: Secret,
    },
    /// A token that others are given for.
    Identity(Secret),
    /// A token that is shown as it is.
    Bearer(Secret),
}

impl From<Given> for Kind {
    fn from(given: Given) -> Self {
        match given {
            Given::Password { user, password } if user == IDENTITY => Self::Identity(password),
            Given::Password { user, password } => Self::Password { user, password },
            Given::Token(password) => Self::Password { user: TOKEN_USER.to_owned(), password },
        }
    }
}

/// Where credentials are looked for.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `COMFYDOCK_REGISTRY_TOKEN`.
    pub token: Option<Secret>,
    /// `COMFYDOCK_REGISTRY`: the only host that the token is for, if it is set.
    pub token_host: Option<String>,
    /// `REGISTRY_AUTH_FILE`.
    pub auth_file: Option<PathBuf>,
    /// Docker's folder: `DOCKER_CONFIG`, else `~/.docker`.
    pub docker: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, below which podman keeps its file.
    pub runtime: Option<PathBuf>,
    /// `PATH`, where helpers are found.
    pub path: Option<OsString>,
}

impl Places {
    /// Those of this process.
    pub fn of_surroundings() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name)?.into_string().ok();
        let folder = |name: &str| variable(name).map(PathBuf::from);
        Self {
            token: text("COMFYDOCK_REGISTRY_TOKEN").map(Secret::new),
            token_host: text("COMFYDOCK_REGISTRY"),
            auth_file: folder("REGISTRY_AUTH_FILE"),
            docker: folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker"))),
            runtime: folder("XDG_RUNTIME_DIR"),
            path: variable("PATH"),
        }
    }
}

/// Who the user is to one registry.
#[derive(Debug, Clone)]
pub struct Credentials {
    kind: Kind,
    notes: Vec<String>,
}

impl Credentials {
    /// Nobody in particular.
    pub fn nobody() -> Self {
        Self { kind: Kind::Nobody, notes: Vec::new() }
    }

    /// Looks for credentials, in this order: what was given by hand, `COMFYDOCK_REGISTRY_TOKEN`,
    /// `REGISTRY_AUTH_FILE`, docker's configuration, podman's, the login at a hub. The first that has any for the
    /// registry is believed; of keys in files the one that names most of the repository.
    ///
    /// # Errors
    /// When a file cannot be read, or a helper has no usable name or does not answer. A helper that is not
    /// installed is passed over and mentioned when the registry refuses us.
    pub fn find(
        host: &str,
        repository: &RepositoryName,
        by_hand: Option<Given>,
        hub: Option<Given>,
        places: &Places,
    ) -> Result<Self, Error> {
        let mut notes = Vec::new();
        if let Some(given) = by_hand {
            return Ok(Self { kind: given.into(), notes });
        }
        let is_for = |wanted: &String| wanted.eq_ignore_ascii_case(host);
        match (&places.token, &places.token_host) {
            (Some(token), None) => return Ok(Self { kind: Given::Token(token.clone()).into(), notes }),
            (Some(token), Some(wanted)) if is_for(wanted) => {
                return Ok(Self { kind: Given::Token(token.clone()).into(), notes });
            }
            (Some(_), Some(wanted)) => notes.push(format!("COMFYDOCK_REGISTRY_TOKEN is for {wanted} only")),
            (None, _) => {}
        }
        let docker = places.docker.as_ref().map(|folder| folder.join("config.json"));
        let podman = places.runtime.as_ref().map(|folder| folder.join("containers/auth.json"));
        for path in [places.auth_file.clone(), docker, podman].into_iter().flatten() {
            let Some(config) = config::read(&path)? else { continue };
            if let Some(kind) = config.find(host, repository, places.path.as_deref(), &mut notes)? {
                return Ok(Self { kind, notes });
            }
        }
        Ok(Self { kind: hub.map_or(Kind::Nobody, Kind::from), notes })
    }

    /// Whether there are any.
    pub fn are_known(&self) -> bool {
        self.kind != Kind::Nobody
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn secret(&self) -> Option<&str> {
        match &self.kind {
            Kind::Nobody => None,
            Kind::Password { password, .. } => Some(password.reveal()),
            Kind::Identity(token) | Kind::Bearer(token) => Some(token.reveal()),
        }
    }
}
