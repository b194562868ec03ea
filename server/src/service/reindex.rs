//! The catalog made anew from the repositories.

use std::time::Duration;

use comfydock_core::name::RepoPath;

use super::{Error, push};
use crate::barrier::Standstill;
use crate::data::DataFolder;
use crate::db::environments::{self, Environment};
use crate::db::{Database, accounts};

/// How long pushes under way are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of one environment.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The catalog has this tip now.
    Indexed(String),
    /// There is nothing to have.
    NeverPushed,
    /// The catalog stays as it is.
    Failed(String),
}

/// Makes the projection of the named environments anew, or of all; a hub may serve meanwhile. One
/// broken repository does not keep the others from being indexed.
pub(crate) fn reindex(
    database: &Database,
    data: &DataFolder,
    names: &[RepoPath],
    tell: &mut dyn FnMut(&str, Outcome) -> Result<(), Error>,
) -> Result<(), Error> {
    let chosen = if names.is_empty() {
        database.read(environments::all)?
    } else {
        names.iter().map(|name| load(database, name)).collect::<Result<_, _>>()?
    };
    for environment in chosen {
        // Pushes wait for each, not for all.
        let still = Standstill::bring_about(data, PATIENCE)?;
        let outcome = match push::rebuild(database, data, &environment, &still) {
            Ok(Some(tip)) => Outcome::Indexed(tip),
            Ok(None) if environment.tip.is_none() => Outcome::NeverPushed,
            Ok(None) => Outcome::Failed("its repository has no branch main".to_owned()),
            Err(error) => Outcome::Failed(error.chain()),
        };
        drop(still);
        tell(&environment.path(), outcome)?;
    }
    Ok(())
}

fn load(database: &Database, name: &RepoPath) -> Result<Environment, Error> {
    let found = database.read(|connection| {
        let owner = accounts::find(connection, name.owner().as_str())?;
        owner.map_or(Ok(None), |owner| environments::find(connection, owner.id, name.name().as_str()))
    })?;
    found.ok_or_else(|| Error::NotFound(format!("the environment {name}")))
}
