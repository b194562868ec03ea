use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_workspace::workspace::Workspace;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;

/// Make a workspace
///
/// A workspace holds environments and remembers where models lie. Models stay where they are.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to make it [default: --workspace, else ~/comfydock_workspace]
    path: Option<PathBuf>,
    /// A folder models lie in, by category; the first is where downloads go (can be given again)
    #[arg(long, value_name = "DIR")]
    models_dir: Vec<PathBuf>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let path = match &args.path {
        Some(path) => path.clone(),
        None => session.workspace_path()?,
    };
    let workspace = Workspace::init(&path, &args.models_dir)?;
    let folders: Vec<String> =
        workspace.settings.model_directories.iter().map(|folder| folder.path.display().to_string()).collect();
    session.print("init", json!({ "workspace": workspace.root(), "models_dirs": folders }), || {
        vec![
            format!("{} workspace {}", paint(GREEN, "made"), workspace.root().display()),
            format!("models in {}", folders.join(", ")),
        ]
    })?;
    session
        .say("next: `comfydock create NAME` for a new environment, or `comfydock clone TEAM/NAME` for one from a hub");
    Ok(ExitCode::SUCCESS)
}
