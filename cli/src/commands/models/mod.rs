//! `comfydock models …`, one file for each command.

use std::process::ExitCode;

use comfydock_workspace::ops::models::Listed;
use serde_json::{Value, json};

use super::workflow::resolve;
use crate::error::Failure;
use crate::session::Session;

mod download;
mod forget;
mod gc;
mod index;
mod list;
mod show;
mod source;
mod upload;

/// Know the model files of this machine and get those that are missing
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Index(index::Args),
    List(list::Args),
    Show(show::Args),
    Download(download::Args),
    Upload(upload::Args),
    #[command(subcommand)]
    Source(source::Command),
    /// Settle the models of a workflow that are missing or not clear: another name of `workflow resolve`
    Resolve(resolve::Args),
    Gc(gc::Args),
    Forget(forget::Args),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Index(args) => index::run(session, args),
        Command::List(args) => list::run(session, args),
        Command::Show(args) => show::run(session, args),
        Command::Download(args) => download::run(session, args),
        Command::Upload(args) => upload::run(session, args),
        Command::Source(command) => source::run(session, command),
        Command::Resolve(args) => resolve::run(session, args),
        Command::Gc(args) => gc::run(session, args),
        Command::Forget(args) => forget::run(session, args),
    }
}

fn describe(listed: &Listed) -> Value {
    json!({
        "quick_hash": listed.model.quick, "size": listed.model.size, "sha256": listed.model.sha256, "blake3": listed.model.blake3,
        "paths": listed.paths, "offline": listed.offline, "sources": listed.model.sources,
        "claims": listed.model.claims,
    })
}

fn file_name(listed: &Listed) -> String {
    let name = listed.paths.iter().chain(&listed.offline).next().and_then(|path| path.file_name());
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
