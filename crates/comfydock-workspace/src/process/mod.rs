//! The programs that are started: uv, ComfyUI itself, and install scripts of node packs.

mod children;
pub mod comfyui;
pub mod install_script;
pub mod uv;

pub use children::end_all;

/// Variables that would have a Python use other packages than its own venv's.
const OTHER_PYTHONS: [&str; 4] = ["VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX"];
