//! What `clone` and `import` have in common at the terminal.

use std::path::PathBuf;

use comfydock_core::name::EnvironmentName;
use comfydock_core::torch::Choice;
use comfydock_workspace::ops::arrive;
use comfydock_workspace::workspace::Workspace;

use super::install_scripts;
use crate::error::Failure;
use crate::printer::{YELLOW, paint};
use crate::session::Session;

/// Flags of the commands that bring an environment from elsewhere.
#[derive(clap::Args)]
#[group(id = "arrive")]
pub(crate) struct Args {
    /// A folder models lie in, by category; the first is where downloads go (can be given again)
    #[arg(long, value_name = "DIR")]
    pub(crate) models_dir: Vec<PathBuf>,
    /// Which build of torch this machine shall have: pypi, auto, cpu, cu128 and the like, rocm6.4 and the like [default: pypi]
    #[arg(long, value_name = "BACKEND")]
    pub(crate) torch: Option<Choice>,
    /// Make it the active environment
    #[arg(long = "use")]
    pub(crate) activate: bool,
    /// Accept places of code that are new to this machine
    #[arg(long)]
    pub(crate) accept_origins: bool,
    /// Lock the packages for this machine's platform too, where the environment is locked for others only
    #[arg(long)]
    pub(crate) add_platform: bool,
    #[command(flatten)]
    pub(crate) scripts: install_scripts::Args,
}

/// Leaves everything as it was.
pub(crate) fn give_up(workspace: Workspace, draft: arrive::Draft, made: bool, failure: Failure) -> Failure {
    match draft.abandon() {
        Ok(()) => undo(workspace, made, failure),
        Err(error) => error.into(),
    }
}

/// As [`give_up`], where there is nothing but the workspace: one that was made just now goes.
pub(crate) fn undo(workspace: Workspace, made: bool, failure: Failure) -> Failure {
    let undone = if made { workspace.unmake() } else { Ok(()) };
    undone.map_or_else(Failure::from, |()| failure)
}

/// Says that an environment gets another name than it would have had, if that was taken.
pub(crate) fn say_renamed(session: &Session, taken: Option<&EnvironmentName>, name: &EnvironmentName) {
    if let Some(taken) = taken {
        session.say(&format!(
            "{}: there is an environment `{taken}` already; this one becomes `{name}`",
            paint(YELLOW, "note")
        ));
    }
}

/// The workspace, and whether it was made just now.
///
/// # Errors
/// When there is none and none can be made, or a models folder is not usable.
pub(crate) fn open_or_make(session: &Session, models_dir: &[PathBuf]) -> Result<(Workspace, bool), Failure> {
    let path = session.workspace_path()?;
    if !path.join(".metadata/workspace.json").exists() {
        let workspace = Workspace::init(&path, models_dir)?;
        return Ok((workspace, true));
    }
    let mut workspace = Workspace::open(&path)?;
    let lock = workspace.refresh()?;
    if workspace.add_models_folders(models_dir)? {
        workspace.save()?;
    }
    drop(lock);
    Ok((workspace, false))
}
