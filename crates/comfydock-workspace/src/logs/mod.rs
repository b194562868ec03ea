//! What was done, and what ComfyUI said: `<workspace>/logs/` (decision 82).
//!
//! ```text
//! logs/<environment>.log               what commands did to it
//! logs/workspace/workspace.log         what they did to the workspace
//! logs/comfyui/<environment>.log       what ComfyUI said since it was last started
//! logs/comfyui/<environment>.log.rest  the newest part of that, when it is much
//! ```
//!
//! The latter two have folders of their own: an environment may be called `workspace` or `x.comfyui`.
//! A log that cannot be written stops nothing.

mod comfyui;
mod command;
mod secrets;

use std::path::{Path, PathBuf};

use comfydock_core::name::EnvironmentName;

pub(crate) use self::comfyui::{Line, Output};
pub use self::command::Log;
pub(crate) use self::secrets::is_secret;

/// A log that is larger begins anew, in bytes; the one before is kept as `….1`.
pub const LARGEST: u64 = 5 * 1024 * 1024;

/// What commands did to an environment.
pub fn of_environment(workspace: &Path, environment: &EnvironmentName) -> PathBuf {
    workspace.join("logs").join(format!("{environment}.log"))
}

/// What commands did to the workspace and to no environment.
pub fn of_workspace(workspace: &Path) -> PathBuf {
    workspace.join("logs/workspace/workspace.log")
}

/// What ComfyUI of an environment said since it was last started.
pub fn of_comfyui(workspace: &Path, environment: &EnvironmentName) -> PathBuf {
    workspace.join("logs/comfyui").join(format!("{environment}.log"))
}

/// A path with something behind its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
