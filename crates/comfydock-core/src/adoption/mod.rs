//! Existing installations of ComfyUI, and what other programs wrote down of one (decision 79).
//!
//! - [`found`]: what can be known of an installation, from whatever it was read.
//! - [`manager`]: snapshots of ComfyUI-Manager; [`comfy_pack`]: the one inside a `.cpack.zip`.
//! - [`comfygit`]: manifests of comfygit and of the older ComfyDock.
//! - [`installed`]: Python packages, from what lies beside them; [`python`]: which Python it was.
//! - [`marks`]: what packs and ComfyUI say of themselves in files.
//! - [`opinion`]: where a snapshot says something else than the disk.

pub mod comfy_pack;
pub mod comfygit;
pub mod found;
pub mod installed;
pub mod manager;
pub mod marks;
pub mod opinion;
pub mod python;
mod yaml;

#[cfg(test)]
mod tests;

pub use found::{
    ComfyUi, Found, GitClone, Left, Origin, Pack, Package, PackageOrigin, Release, SingleFile, WantedModel,
};

/// A file of another program that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no JSON, YAML or TOML.
    #[error("{0}")]
    Syntax(String),
    /// It is well formed and not what it was taken for.
    #[error("it is no {expected}: {reason}")]
    Form {
        /// What was expected.
        expected: &'static str,
        /// What is missing or of another kind.
        reason: String,
    },
}
