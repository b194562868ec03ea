//! An environment as a `.tar.gz` or a signed OCI artifact.
//!
//! `pack` and `unpack` turn files into archives and back, `registry` (a feature) speaks to OCI registries,
//! `key`, `sign` and `verify` are what a signature is made with and held against. What a bundle *is* stands in
//! `comfydock_core::bundle`.

pub mod artifact;
mod envelope;
mod gzip;
pub mod key;
pub mod pack;
#[cfg(feature = "registry")]
pub mod registry;
pub mod sign;
pub mod unpack;
pub mod verify;
