//! `comfydock log`: history as v1, v2, …

use comfydock_git::repository::Version;

use crate::Error;
use crate::environment::Environment;

/// The newest versions, newest first.
///
/// # Errors
/// When the history cannot be read.
pub fn log(environment: &Environment, limit: usize) -> Result<Vec<Version>, Error> {
    let repository = environment.repository()?;
    match repository.head()? {
        Some(head) => Ok(repository.versions(&head, limit)?),
        None => Ok(Vec::new()),
    }
}
