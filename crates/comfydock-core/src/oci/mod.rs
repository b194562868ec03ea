//! What registries of OCI artifacts keep, as values: references, digests, manifests, and what their answers say.
//!
//! Sources of the formats: the image specification 1.1 (`manifest.md`, `image-index.md`, `descriptor.md`), the
//! distribution specification 1.1, and RFC 9110 for challenges. Who speaks to a registry is
//! `comfydock_bundle::registry`.

mod challenge;
mod complaint;
mod descriptor;
mod digest;
mod index;
mod manifest;
mod reference;
#[cfg(test)]
mod tests;

pub use challenge::{Challenge, challenges};
pub use complaint::{Code, Complaint, complaint};
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError};
pub use index::{ImageIndex, appended, listed};
pub use manifest::{ImageManifest, media_type_within};
pub use reference::{Reference, ReferenceError, RepositoryName, Tag};

/// Media type of an image manifest, which artifacts use too.
pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an image index.
pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of a config that is empty.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The bytes of a config that is empty.
pub const EMPTY_BYTES: &[u8] = b"{}";
/// Bytes that a manifest may have at most; registries need not take more.
pub const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;
/// Referrers of one manifest that are looked at, at most.
pub const MOST_REFERRERS: usize = 100;
