//! `comfydock-hub reindex`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use comfydock_core::name::RepoPath;

use super::output;
use crate::barrier::Standstill;
use crate::data::DataFolder;
use crate::db::environments::{self, Environment};
use crate::db::{Database, accounts};
use crate::service::{Error, push};

/// How long pushes under way are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct Reindex {
    /// Only these environments
    #[arg(value_name = "OWNER/NAME", value_parser = RepoPath::parse)]
    names: Vec<RepoPath>,
}

pub(super) fn run(command: &Reindex, data: &DataFolder) -> Result<ExitCode, Error> {
    let database = Database::open_as_it_is(&data.database())?;
    let all = if command.names.is_empty() {
        database.read(environments::all)?
    } else {
        command.names.iter().map(|name| load(&database, name)).collect::<Result<_, _>>()?
    };
    let mut code = ExitCode::SUCCESS;
    for environment in all {
        let name = format!("{}/{}", environment.owner, environment.name);
        // Pushes wait for each, not for all.
        let still = Standstill::bring_about(data, PATIENCE)?.ok_or_else(busy)?;
        match push::rebuild(&database, data, &environment, &still) {
            Ok(Some(tip)) => output::line(&format!("indexed {name} at {tip}"))?,
            Ok(None) if environment.tip.is_none() => output::line(&format!("{name} was never pushed to"))?,
            Ok(None) => {
                output::note(&format!(
                    "problem: {name}: its repository has no branch main; the catalog stays as it is"
                ));
                code = ExitCode::FAILURE;
            }
            Err(error) => {
                output::note(&format!("problem: {name}: {}; the catalog stays as it is", error.chain()));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn busy() -> Error {
    Error::Invalid {
        message: "pushes under way do not end".to_owned(),
        hint: Some("try again when less is going on".to_owned()),
    }
}

fn load(database: &Database, name: &RepoPath) -> Result<Environment, Error> {
    let found = database.read(|connection| {
        let owner = accounts::find(connection, name.owner().as_str())?;
        owner.map_or(Ok(None), |owner| environments::find(connection, owner.id, name.name().as_str()))
    })?;
    found.ok_or_else(|| Error::NotFound(format!("the environment {name}")))
}
