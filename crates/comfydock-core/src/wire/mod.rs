//! What client and hub say to each other over `/api/v1`, as JSON.
//!
//! Fields a reader does not know are ignored, so that either side may learn new ones first. Only
//! requests that give or take rights are refused then: half of such a wish is another wish.

/// How names look, as far as a regular expression says it; `crate::name` says the rest.
#[cfg(feature = "schema")]
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
/// The same for `crate::pattern`.
#[cfg(feature = "schema")]
const PATTERN: &str = r"^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})/(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$";

/// The words of an enum, in JSON and on the command line.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* }) => {
        impl $name {
            /// The word for it in JSON and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// What the word means, if anything.
            pub fn find(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

mod account;
mod blob;
mod catalog;
mod error;
mod knowledge;
mod settings;
mod team;
mod token;

pub use account::{Membership, Right, Role, Scope, Whoami};
pub use blob::{Piece, StoredBlob, UPLOAD_OFFSET};
pub use catalog::{
    EnvironmentList, EnvironmentSummary, Found, LOOKUP_LIMIT, LookupAnswer, LookupRequest, Model, ModelKey,
    ModelKeyError, ModelSource, SCHEMA,
};
pub use error::{ErrorBody, Failure};
pub use knowledge::{
    Changes, Contribution, EnvironmentModels, Known, ObservationBatch, Observed, REPORT_LIMIT, Receipt, SOURCE_LIMIT,
};
pub use settings::{Deleted, EnvironmentChange, KeptFiles, Visibility};
pub use team::{Member, MemberList, NewRole, NewTeam, NewUser, Team, TeamList, User, UserList};
pub use token::{AuditEntry, AuditPage, CreatedToken, NewToken, Token, TokenList};
