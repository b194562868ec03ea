//! `comfydock-hub doctor`.

use std::process::ExitCode;

use clap::Args;

use super::output;
use crate::configuration::Configuration;
use crate::data::DataFolder;
use crate::service::{Error, doctor};

#[derive(Args)]
pub(super) struct Doctor {
    /// Read every object of every repository, not only what holds them together
    #[arg(long)]
    full: bool,
}

pub(super) fn run(
    command: &Doctor,
    data: &DataFolder,
    configuration: Result<Configuration, Error>,
) -> Result<ExitCode, Error> {
    let mut problems = 0;
    doctor::examine(data, configuration, command.full, &mut |finding| match finding {
        doctor::Finding::Sound(text) => output::line(&format!("ok       {text}")),
        doctor::Finding::Problem { text, remedy } => {
            problems += 1;
            output::line(&format!("problem  {text}; {remedy}"))
        }
    })?;
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
