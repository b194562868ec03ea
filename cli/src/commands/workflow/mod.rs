//! `comfydock workflow …`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use comfydock_core::manifest::{Manifest, ModelStatus};

use crate::error::Failure;
use crate::session::Session;

mod importance;
mod list;
pub(crate) mod resolve;
mod show;

/// Look at workflows and what they need, and settle what is not clear in them
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the workflows: new, changed or committed; ready, or what each lacks here
    List,
    Show(show::Args),
    Resolve(resolve::Args),
    Importance(importance::Args),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List => list::run(session),
        Command::Show(args) => show::run(session, args),
        Command::Resolve(args) => resolve::run(session, args),
        Command::Importance(args) => importance::run(session, args),
    }
}

/// Names in workflows that mean no model, by workflow.
pub(crate) fn unresolved(manifest: &Manifest) -> BTreeMap<String, Vec<String>> {
    manifest
        .workflows
        .iter()
        .map(|(name, models)| {
            let open = models
                .iter()
                .filter(|model| model.status == ModelStatus::Unresolved)
                .map(|model| model.filename.clone())
                .collect();
            (name.clone(), open)
        })
        .collect()
}
