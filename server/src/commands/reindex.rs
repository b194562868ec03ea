//! `comfydock-hub reindex`.

use std::process::ExitCode;

use clap::Args;
use comfydock_core::name::RepoPath;

use super::output;
use crate::data::DataFolder;
use crate::db::Database;
use crate::service::Error;
use crate::service::reindex::{Outcome, reindex};

#[derive(Args)]
pub(super) struct Reindex {
    /// Only these environments
    #[arg(value_name = "OWNER/NAME", value_parser = RepoPath::parse)]
    names: Vec<RepoPath>,
}

pub(super) fn run(command: &Reindex, data: &DataFolder) -> Result<ExitCode, Error> {
    let database = Database::open_as_it_is(&data.database())?;
    let mut code = ExitCode::SUCCESS;
    reindex(&database, data, &command.names, &mut |name, outcome| match outcome {
        Outcome::Indexed(tip) => output::line(&format!("indexed {name} at {tip}")),
        Outcome::NeverPushed => output::line(&format!("{name} was never pushed to")),
        Outcome::Failed(why) => {
            code = ExitCode::FAILURE;
            output::note(&format!("problem: {name}: {why}; the catalog stays as it is"));
            Ok(())
        }
    })?;
    Ok(code)
}
