use std::process::ExitCode;

use comfydock_workspace::ops::install_scripts as op;
use serde_json::json;

use super::super::{complete, install_scripts};
use crate::error::Failure;
use crate::session::Session;

/// Run the install.py of node packs, which no other command does unless it is told to
///
/// It may do anything that you may: read it first. It is started in the pack's folder with the environment's
/// Python. Its SHA-256 is recorded in the manifest, so that others are told that the pack's script was run.
/// What it installs is in no lock, and is gone when other Python packages are installed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder, registry id or URL
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<String>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let runs = op::run(&workspace, &environment, &args.packs, &session.context(&[]))?;
    let document = json!({ "install_scripts_run": install_scripts::document(&runs) });
    session.print("node.run-install-script", document, || install_scripts::lines(&runs))?;
    let all_ran = install_scripts::ending(session, &environment, &runs, &[]);
    if all_ran {
        session.say("restart ComfyUI to load the change; `comfydock commit` records it");
    }
    Ok(complete(all_ran, false))
}
