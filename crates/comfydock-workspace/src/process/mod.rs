//! The programs that are started: uv, and ComfyUI itself.

mod children;
pub mod comfyui;
pub mod uv;

pub use children::end_all;
