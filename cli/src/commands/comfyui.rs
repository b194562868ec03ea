use std::process::ExitCode;

use comfydock_workspace::ops::comfyui_update;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;

/// Work with ComfyUI itself
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Move ComfyUI to another version, with the Python packages it asks for
    ///
    /// Workflows, models, node packs and what you added to the requirements stay.
    Update {
        /// A tag, branch or commit [default: the newest release]
        version: Option<String>,
        /// Replace files of ComfyUI that you changed
        #[arg(long)]
        force: bool,
    },
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    let Command::Update { version, force } = command;
    let (workspace, environment) = session.environment()?;
    let outcome = comfyui_update::update(&workspace, &environment, version.as_deref(), *force, &session.context(&[]))?;
    let (before, now) = (&outcome.before, &outcome.now);
    let document = json!({
        "environment": environment.name(), "from": before.comfyui_version, "to": now.comfyui_version,
        "commit": now.comfyui_commit, "kept": outcome.kept,
    });
    session.print("comfyui.update", document, || {
        if before.comfyui_commit == now.comfyui_commit {
            return vec![format!("ComfyUI is at {} already", now.comfyui_version)];
        }
        let mut lines = vec![format!(
            "{} ComfyUI from {} to {}",
            paint(GREEN, "moved"),
            before.comfyui_version,
            now.comfyui_version
        )];
        lines.extend(super::report::kept(&outcome.kept));
        lines
    })?;
    if before.comfyui_commit == now.comfyui_commit && outcome.kept.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    super::install_scripts::tell(session, &environment);
    session.say("`comfydock run` tries it; `comfydock commit` keeps it, `comfydock rollback` takes it back");
    Ok(ExitCode::SUCCESS)
}
