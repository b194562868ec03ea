use std::ffi::OsString;
use std::process::ExitCode;

use comfydock_workspace::process::comfyui;

use crate::error::Failure;
use crate::session::Session;

/// Start ComfyUI; everything after `run` is passed on, and so is its exit code
///
/// Ctrl-C ends it cleanly, pressed twice at once. What it says is kept in the workspace's logs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// ComfyUI's own arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    session.close();
    let code = comfyui::run(&workspace, &environment, &args.arguments, session.reporter())?;
    Ok(ExitCode::from(code))
}
