//! What `clone` and `import` have in common at the terminal.

use std::path::PathBuf;

use comfydock_core::torch::Choice;
use comfydock_workspace::ops::arrive;
use comfydock_workspace::workspace::Workspace;

use super::install_scripts;
use crate::error::Failure;
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
    let undone = draft.abandon().and_then(|()| if made { workspace.unmake() } else { Ok(()) });
    undone.map_or_else(Failure::from, |()| failure)
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
