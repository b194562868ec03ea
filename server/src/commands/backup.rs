//! `comfydock-hub backup` and `comfydock-hub restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfydock_git::serve::Git;

use super::output;
use crate::data::DataFolder;
use crate::service::{Error, backup};
use crate::words::count;

#[derive(Args)]
pub(super) struct Backup {
    /// A folder that does not exist yet
    #[arg(value_name = "FOLDER")]
    target: PathBuf,
    /// How to take the model files that the hub keeps
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    models: backup::Files,
}

#[derive(Args)]
pub(super) struct Restore {
    /// A folder that `backup` wrote; --data names the folder to restore into
    #[arg(value_name = "FOLDER")]
    backup: PathBuf,
}

pub(super) fn write(command: &Backup, data: &DataFolder) -> Result<ExitCode, Error> {
    let git = Git::find().map_err(Error::repository)?;
    let report = backup::write(data, &git, &command.target, command.models, &output::note)?;
    output::line(&format!(
        "backed up {} with {}, as of {}, to {}",
        count(report.environments, "environment"),
        count(report.references, "reference"),
        report.created_at,
        command.target.display()
    ))?;
    finish(&report)
}

pub(super) fn restore(command: &Restore, root: &std::path::Path) -> Result<ExitCode, Error> {
    let git = Git::find().map_err(Error::repository)?;
    let report = backup::restore(&command.backup, root, &git, &output::note)?;
    output::line(&format!(
        "restored {} with {}, as of {}, into {}",
        count(report.environments, "environment"),
        count(report.references, "reference"),
        report.created_at,
        root.display()
    ))?;
    output::line("tokens are as they were; browsers sign in again")?;
    finish(&report)
}

/// Damage that was there before is carried along, but said every time.
fn finish(report: &backup::Report) -> Result<ExitCode, Error> {
    for note in &report.notes {
        output::line(note)?;
    }
    for (environment, problem) in &report.damaged {
        output::note(&format!("problem: {environment} was not sound when it was backed up: {problem}"));
    }
    Ok(if report.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
