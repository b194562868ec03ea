//! What goes wrong with a registry, and what to do about it.

use std::io;
use std::path::PathBuf;

use comfydock_core::hint::Hint;
use comfydock_core::oci::{Code, Digest};
use comfydock_store::file;

use super::credentials;
use super::tls::{BELIEVE, Doubt, doubt};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry, or where it sent us, could not be reached or broke off.
    #[error("cannot reach {place}")]
    Unreachable {
        /// The host.
        place: String,
        /// What the library said.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing moved for too long.
    #[error("{place} does not go on")]
    Stalled {
        /// The host.
        place: String,
    },
    /// A connection broke before everything had come.
    #[error("{place} broke off after {done} of {size} bytes")]
    Broken {
        /// The host.
        place: String,
        /// Bytes that came.
        done: u64,
        /// Bytes there should be.
        size: u64,
    },
    /// The registry had no time for us, again and again.
    #[error("{place} is busy (HTTP status {status})")]
    Busy {
        /// The host.
        place: String,
        /// HTTP status.
        status: u16,
        /// How long it asked us to stay away.
        seconds: Option<u32>,
    },
    /// The registry wants to know who asks, or does not believe it.
    #[error("{place} does not let us into `{repository}`{}: {message}", if *.known { "" } else { " without credentials" })]
    Unauthorized {
        /// The registry.
        place: String,
        /// The repository.
        repository: String,
        /// Whether there were credentials.
        known: bool,
        /// What it said.
        message: String,
        /// What was odd where credentials were looked for.
        notes: Vec<String>,
    },
    /// The registry knows who asks, and he may not.
    #[error("{place} does not allow this in `{repository}`: {message}")]
    Denied {
        /// The registry.
        place: String,
        /// The repository.
        repository: String,
        /// What it said.
        message: String,
    },
    /// There is no such thing.
    #[error("{place} has no {what}")]
    Unknown {
        /// The registry.
        place: String,
        /// What was asked for.
        what: String,
        /// What the registry says is not there.
        code: Option<Code>,
    },
    /// Another refusal.
    #[error("{place} refused {what}: {message}")]
    Refused {
        /// The registry.
        place: String,
        /// What was tried.
        what: String,
        /// HTTP status.
        status: u16,
        /// What it is about, in a word of the specification.
        code: Option<Code>,
        /// What it said.
        message: String,
    },
    /// The answer was not what it should be.
    #[error("{place} answered with something unexpected: {message}")]
    Unexpected {
        /// The host.
        place: String,
        /// What is odd about it.
        message: String,
    },
    /// The address may not be asked.
    #[error("{message}")]
    Guarded {
        /// Why.
        message: String,
        /// What to do.
        hint: String,
    },
    /// What came is not what the digest names.
    #[error("{place} sent something else for {expected}: {found}")]
    Different {
        /// The host.
        place: String,
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: String,
    },
    /// What was to be sent is not what the digest names.
    #[error("what was to be sent as {digest} is something else: {found}")]
    Changed {
        /// What it should have been.
        digest: Digest,
        /// What it is.
        found: String,
    },
    /// What was to be sent could not be read.
    #[error("cannot read what is to be sent")]
    Source(#[source] io::Error),
    /// Something else stands where a blob shall be put.
    #[error("`{}` is there already and is something else", .path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
    },
    /// Others changed the list of referrers as fast as we did.
    #[error("{place} has {referrer}, and its list of what refers to {subject} was rewritten by others again and again")]
    Unlisted {
        /// The registry.
        place: String,
        /// What should be listed.
        referrer: Digest,
        /// What it refers to.
        subject: Digest,
    },
    /// Credentials could not be read.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The disk.
    #[error(transparent)]
    File(#[from] file::Error),
}

/// How a person gets into a registry.
fn login(place: &str) -> String {
    format!("run `docker login {place}` (or podman's), or set COMFYDOCK_REGISTRY_TOKEN to a token for {place}")
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { source, .. } if doubt(source) == Some(Doubt::Certificate) => Some(BELIEVE.to_owned()),
            Self::Unreachable { source, .. } if doubt(source) == Some(Doubt::Plain) => {
                Some("it does not speak https; if you trust the network on the way, say --plain-http".to_owned())
            }
            Self::Unreachable { .. } | Self::Stalled { .. } | Self::Broken { .. } => {
                Some("check the host and the network, then run the command again: it goes on where it ended".to_owned())
            }
            Self::Busy { seconds: Some(seconds), .. } => Some(comfydock_core::retry::advice(*seconds)),
            Self::Busy { .. } => Some("run the command again later: it goes on where it ended".to_owned()),
            Self::Unauthorized { place, known, notes, .. } => {
                let mut words = login(place);
                if *known {
                    words = format!("the credentials may be old or for somebody else; {words}");
                }
                for note in notes {
                    words = format!("{words}; {note}");
                }
                Some(words)
            }
            Self::Denied { place, .. } => {
                Some(format!("the account needs the right to write there, and a token its scope; {}", login(place)))
            }
            Self::Unknown { code: Some(Code::NameUnknown), place, .. } => {
                Some(format!("check the repository's name; a private one may also be hidden: {}", login(place)))
            }
            Self::Unknown { .. } => Some("check the name, the tag and the digest".to_owned()),
            Self::Refused { code, status, .. } => match code {
                Some(Code::TooManyRequests) => Some("wait a while, then run the command again".to_owned()),
                Some(Code::NameInvalid) => Some("choose another name for the repository".to_owned()),
                Some(Code::Unsupported) => Some("this registry cannot keep such artifacts; choose another".to_owned()),
                _ if *status == 413 => Some("the registry takes no blob of this size; ask its operator".to_owned()),
                _ => None,
            },
            Self::Unexpected { .. } => Some("is this the address of a registry?".to_owned()),
            Self::Guarded { hint, .. } => Some(hint.clone()),
            Self::Different { .. } => {
                Some("nothing of it was kept; the registry or something on the way is damaged or lies".to_owned())
            }
            Self::Changed { .. } => Some("run the command again when nothing writes there".to_owned()),
            Self::Occupied { .. } => Some("move it away and run the command again".to_owned()),
            Self::Unlisted { .. } => Some("run the command again: what is listed already stays".to_owned()),
            Self::Source(_) => None,
            Self::Credentials(error) => error.hint(),
            Self::File(error) => error.hint(),
        }
    }
}
