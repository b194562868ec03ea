//! What client and hub say to each other over `/api/v1`, as JSON.
//!
//! Fields a reader does not know are ignored, so that either side may learn new ones first.

mod account;
mod catalog;
mod error;

pub use account::{Membership, Role, Scope, Whoami};
pub use catalog::{
    EnvironmentList, EnvironmentSummary, Found, LOOKUP_LIMIT, LookupAnswer, LookupRequest, Model, ModelKey,
    ModelKeyError, ModelSource, SCHEMA,
};
pub use error::{ErrorBody, Failure};
