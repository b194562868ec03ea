//! What can go wrong in the engine.

use std::path::PathBuf;

use comfydock_bundle::registry::{self, credentials};
use comfydock_bundle::{artifact, pack, unpack};
use comfydock_core::hint::Hint;
use comfydock_core::{bundle, manifest, name, oci, pack_identifier, plan, source, workflow};
use comfydock_git::{objects, program, repository};
use comfydock_store::{file, sqlite};
use rusqlite::ErrorCode;

use crate::process::uv;
use crate::remote;

/// A failed operation. Nothing of the user's was changed unless the message says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] file::Error),
    /// A database cannot be opened.
    #[error(transparent)]
    Database(#[from] sqlite::Error),
    /// A query of the model index failed.
    #[error("the model index failed")]
    Index(#[from] rusqlite::Error),
    /// The git program failed.
    #[error(transparent)]
    Git(#[from] program::Error),
    /// The environment's history failed.
    #[error(transparent)]
    Repository(#[from] repository::Error),
    /// An object of the history failed.
    #[error(transparent)]
    Objects(#[from] objects::Error),
    /// A manifest cannot be taken.
    #[error("{place}")]
    Manifest {
        /// Whose manifest it is.
        place: String,
        /// What is wrong with it.
        #[source]
        source: manifest::Error,
    },
    /// A name is not usable.
    #[error(transparent)]
    Name(#[from] name::Error),
    /// What was given names no node pack.
    #[error(transparent)]
    Identifier(#[from] pack_identifier::Error),
    /// A source is not usable.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// A commit cannot be planned.
    #[error(transparent)]
    Commit(#[from] plan::commit::Error),
    /// A tracked workflow cannot be read.
    #[error("workflow `{name}`")]
    Workflow {
        /// The workflow.
        name: String,
        /// What is wrong with it.
        #[source]
        source: workflow::Error,
    },
    /// A workflow file cannot be read.
    #[error("{}", path.display())]
    WorkflowFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: workflow::Error,
    },
    /// uv failed.
    #[error(transparent)]
    Uv(#[from] uv::Error),
    /// The network failed, or a server refused.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// Files cannot be packed.
    #[error(transparent)]
    Pack(#[from] pack::Error),
    /// A bundle cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] unpack::Error),
    /// What a bundle says of itself cannot be taken.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    /// What lies in a registry is no bundle.
    #[error(transparent)]
    Artifact(#[from] artifact::Error),
    /// A registry cannot be reached, or refuses.
    #[error(transparent)]
    Registry(Box<registry::Error>),
    /// The user's credentials for a registry cannot be had.
    #[error(transparent)]
    Credentials(Box<credentials::Error>),
    /// A reference cannot be used.
    #[error(transparent)]
    Reference(Box<oci::ReferenceError>),
    /// It could be done and must not be.
    #[error("{message}")]
    Refused {
        /// Why.
        message: String,
        /// One line each: the things it is about.
        details: Vec<String>,
        /// What to do.
        hint: Option<String>,
    },
    /// A question had no answer.
    #[error("{question}")]
    Unanswered {
        /// The question, as a clause.
        question: String,
        /// The flag that answers it.
        flag: String,
    },
}

impl From<registry::Error> for Error {
    fn from(error: registry::Error) -> Self {
        Self::Registry(Box::new(error))
    }
}

impl From<credentials::Error> for Error {
    fn from(error: credentials::Error) -> Self {
        Self::Credentials(Box::new(error))
    }
}

impl From<oci::ReferenceError> for Error {
    fn from(error: oci::ReferenceError) -> Self {
        Self::Reference(Box::new(error))
    }
}

impl Error {
    /// A refusal with a hint.
    pub fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), details: Vec::new(), hint: Some(hint.into()) }
    }

    /// What turns a manifest's error into one that says whose manifest it is.
    pub fn of_manifest(place: impl Into<String>) -> impl FnOnce(manifest::Error) -> Self {
        let place = place.into();
        |source| Self::Manifest { place, source }
    }

    /// Lines that belong to the message: the things it is about.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Refused { details, .. } => details.clone(),
            Self::Uv(error) => error.details(),
            Self::Unpack(unpack::Error::Refused(violations)) => violations.iter().map(ToString::to_string).collect(),
            // A single one stands in the message.
            Self::Git(program::Error::Refused { said, .. }) if said.len() > 1 => said.clone(),
            Self::Commit(plan::commit::Error::Unreadable(workflows)) => {
                workflows.iter().map(|(name, error)| format!("workflows/{name}.json: {error}")).collect()
            }
            Self::Commit(plan::commit::Error::Names(workflows)) => {
                workflows.iter().map(|(name, reason)| format!("workflows/{name}.json: {reason}")).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Git(error) => error.hint(),
            Self::Repository(error) => error.hint(),
            Self::Manifest { source, .. } => source.hint(),
            Self::Commit(error) => error.hint(),
            Self::Uv(error) => error.hint(),
            Self::Remote(error) => error.hint(),
            Self::Unpack(error) => error.hint(),
            Self::Bundle(error) => error.hint(),
            Self::Artifact(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Credentials(error) => error.hint(),
            Self::Reference(error) => error.hint(),
            Self::Identifier(error) => error.hint(),
            Self::Refused { hint, .. } => hint.clone(),
            Self::Unanswered { flag, .. } => Some(format!("answer with {flag}")),
            Self::WorkflowFile { source, .. } => source.hint(),
            Self::Workflow { .. } => Some("open it in ComfyUI and save it again".to_owned()),
            Self::Database(error) => index_hint(error),
            Self::Index(source) if is_damage(source) => Some(format!("it is damaged; {REBUILD}")),
            Self::Pack(pack::Error::File(error)) => error.hint(),
            Self::Pack(pack::Error::Changed { .. }) => Some("run the command again".to_owned()),
            Self::Index(_) | Self::Objects(_) | Self::Name(_) | Self::Source(_) | Self::Pack(_) => None,
        }
    }
}

const REBUILD: &str = "move `comfydock_cache/models.db` of the workspace and what begins with its name away; `comfydock models index` \
                       makes it anew, but for sources that were added by hand";

/// What helps against a model index that cannot be opened. Another program's database is its own matter.
fn index_hint(error: &sqlite::Error) -> Option<String> {
    let (sqlite::Error::Sqlite { path, .. } | sqlite::Error::Newer { path, .. }) = error;
    if !path.ends_with("comfydock_cache/models.db") {
        return None;
    }
    match error {
        sqlite::Error::Newer { .. } => Some(format!("update comfydock on this machine, or {REBUILD}")),
        sqlite::Error::Sqlite { source, .. } => is_damage(source).then(|| format!("it is damaged; {REBUILD}")),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}
