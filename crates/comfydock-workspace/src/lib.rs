//! The client engine: what `comfydock` does on a machine, without a face.
//!
//! Every change walks one corridor: an operation in [`ops`] observes the disk, core plans, the
//! caller answers the plan's questions, and the operation applies it as one [`transaction`].
//!
//! - [`workspace`], [`environment`]: where things lie, and what they say.
//! - [`observe`]: the one place that looks at an environment's disk.
//! - [`ignored`]: what an environment leaves alone.
//! - [`doctor`]: looking for damage.
//! - [`installed`]: what was unpacked from the Comfy registry, to tell the user's changes from it.
//! - [`transaction`]: all or nothing, also after a crash.
//! - [`last_seen`]: what was imported from where, to notice an older one.
//! - [`logs`]: what was done, kept.
//! - [`machine`]: what belongs to this machine alone.
//! - [`models`]: the index of model files, and getting those that are missing.
//! - [`adoption`]: looking at a ComfyUI that somebody else installed.
//! - [`origin`]: the bundle an environment was imported from.
//! - [`pack_source`], [`snapshot`]: which files of a pack's folder travel, and how a history keeps them.
//! - [`packs`]: node packs of the registry, kept.
//! - [`process`]: uv, and ComfyUI itself.
//! - [`remote`]: the network: hubs, credentials, downloads.
//! - [`trust`]: whose signatures are believed.
//! - [`reporter`]: what is told while work goes on.

pub mod adoption;
pub mod configuration;
pub mod doctor;
pub mod environment;
pub mod error;
pub mod ignored;
pub mod installed;
pub mod last_seen;
pub mod logs;
pub mod machine;
pub mod models;
pub mod observe;
pub mod ops;
pub mod origin;
pub mod pack_source;
pub mod packs;
pub mod process;
pub mod python;
pub mod remote;
pub mod reporter;
mod settle;
pub mod snapshot;
pub mod transaction;
pub mod trust;
pub mod workspace;

pub use error::Error;

/// A URL as it may be shown: without credentials.
pub fn shown_url(url: &str) -> String {
    comfydock_git::program::without_credentials(url)
}
