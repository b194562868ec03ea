//! Where logs lie: `<workspace>/logs/` (decision 82).

use std::path::{Path, PathBuf};

use comfydock_core::name::EnvironmentName;

/// What ComfyUI of an environment said when it was last started. In a folder of its own: an environment
/// may be called `x.comfyui`.
pub fn of_comfyui(workspace: &Path, environment: &EnvironmentName) -> PathBuf {
    workspace.join("logs/comfyui").join(format!("{environment}.log"))
}
