//! The programs that are started: uv, and ComfyUI itself.

pub mod comfyui;
pub mod uv;
