use std::process::ExitCode;

use comfydock_workspace::ops::node_add;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;

/// Work with custom node packs
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add a node pack from a git repository, with its Python requirements
    Add {
        /// The repository, with a branch, tag or commit after `@` if not its default branch
        #[arg(value_name = "URL[@REF]")]
        url: String,
    },
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    let Command::Add { url } = command;
    let (workspace, environment) = session.environment()?;
    let outcome = node_add::node_add(&workspace, &environment, &node_add::parse(url), &session.context(&[]))?;
    let node = &outcome.node;
    session.print("node.add", json!({ "node": node, "install_script": outcome.has_install_script }), || {
        let commit = node.commit.as_ref().map_or("", |commit| commit.short(12));
        vec![format!("{} node pack {} at {commit}", paint(GREEN, "added"), node.name)]
    })?;
    if outcome.has_install_script {
        session.say(&format!(
            "{} has an install.py, which was not run; read it, and run it yourself if the pack needs it",
            node.name
        ));
    }
    session.say("restart ComfyUI to load it; `comfydock commit` keeps it");
    Ok(ExitCode::SUCCESS)
}
