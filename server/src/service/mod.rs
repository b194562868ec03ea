//! What the hub does and who may have it done. Knows no HTTP.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod blob;
pub(crate) mod catalog;
pub(crate) mod changes;
pub(crate) mod doctor;
pub(crate) mod environment;
pub(crate) mod knowledge;
pub(crate) mod login;
pub(crate) mod maintenance;
pub(crate) mod purge;
pub(crate) mod push;
pub(crate) mod readiness;
pub(crate) mod reindex;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod team;
pub(crate) mod token;
pub(crate) mod tokens;
pub(crate) mod visitor;
mod worth;

use crate::{barrier, configuration, db};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Whoever asks must say who they are first.
    #[error("this hub wants a token")]
    SignIn,
    /// It does not exist, or the caller may not know that it does.
    #[error("{0} does not exist, or you may not see it")]
    NotFound(String),
    /// It does not exist, and the caller may know that.
    #[error("{message}")]
    Unknown {
        /// What does not exist.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// The caller may see it, but not do this.
    #[error("{message}")]
    Forbidden {
        /// What is not allowed.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// It does not go together with how things are.
    #[error("{message}")]
    Conflict {
        /// What is in the way.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// The disk is nearly full.
    #[error("the hub's disk has {free} bytes left; {wanted} are needed")]
    NoRoom {
        /// Bytes that are free.
        free: u64,
        /// Bytes that must stay free.
        wanted: u64,
    },
    /// It is larger than the hub takes.
    #[error("{message}")]
    TooLarge {
        /// How large.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// The owner of the environment has no room left for it.
    #[error("{message}")]
    Quota {
        /// How much there is.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// The bytes are not those that were announced.
    #[error("{message}")]
    WrongBytes {
        /// What they are.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// Another request does the same at the moment.
    #[error("another request sends this file")]
    UnderWay,
    /// Too much was told in a short time.
    #[error("this user told the hub too much in a short time")]
    TooOften {
        /// Seconds after which more may be told.
        seconds: u32,
    },
    /// The request makes no sense.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The configuration cannot be used.
    #[error("the configuration cannot be used")]
    Configuration(#[from] configuration::Error),
    /// The database failed.
    #[error("the hub's database failed")]
    Database(#[from] db::Error),
    /// git or its objects failed.
    #[error("a repository could not be read or written")]
    Repository(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The system failed.
    #[error("{what}")]
    System {
        /// What was to be done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The work did not come to its end.
    #[error("the work was interrupted: {0}")]
    Interrupted(String),
}

impl From<comfydock_store::file::Error> for Error {
    fn from(error: comfydock_store::file::Error) -> Self {
        Self::system(format!("cannot {} {}", error.action, error.path.display()), error.source)
    }
}

impl From<barrier::Error> for Error {
    fn from(error: barrier::Error) -> Self {
        match error {
            barrier::Error::Lock(error) => error.into(),
            barrier::Error::Busy(_) => Self::Invalid {
                message: error.to_string(),
                hint: Some("nothing was changed; try again when less is going on".to_owned()),
            },
        }
    }
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), hint: None }
    }

    pub(crate) fn repository(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Repository(Box::new(error))
    }

    pub(crate) fn system(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::System { what: what.into(), source }
    }

    /// What to do about it, where that is known.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Unknown { hint, .. }
            | Self::Forbidden { hint, .. }
            | Self::Conflict { hint, .. }
            | Self::TooLarge { hint, .. }
            | Self::Quota { hint, .. }
            | Self::WrongBytes { hint, .. } => Some(hint),
            Self::SignIn => Some("get a token from whoever runs the hub, then `comfydock hub login`"),
            Self::Invalid { hint, .. } => hint.as_deref(),
            Self::NoRoom { .. } => Some("whoever runs the hub must make room; nothing was changed"),
            Self::Database(db::Error::Version { .. }) => {
                Some("use the comfydock-hub that serves this folder, or let a newer one serve it first")
            }
            _ => None,
        }
    }

    /// The message with everything that led to it, for logs and operators.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
