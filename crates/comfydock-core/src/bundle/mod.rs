//! What a bundle is: an environment's files, a description of them, and the rules both ends hold them to
//! (formats.md, Bundle; decision page 0087).
//!
//! A bundle is one `.tar.gz`, or the same files as the layers of an OCI artifact. Its identity is the
//! digest of its content, not of the archive's bytes: [`content_lines`].

mod contents;
mod description;
mod environment;
mod layer;
mod lock;
mod narrow;
#[cfg(test)]
mod tests;

pub use contents::{DESCRIPTION, DEV_NODES, LOCK, Part, REQUIRED, content_lines, judge, part};
pub use description::{Description, Error, FileFact, SCHEMA_VERSION};
pub use environment::judge_environment;
pub use layer::{ARTIFACT_TYPE, CONFIG_TYPE, Layer};
pub use lock::{disagreements, lock_text};
pub use narrow::narrowed;

/// Files a bundle may have.
pub const ENTRY_LIMIT: usize = 50_000;
/// Bytes all files of a bundle may have together.
pub const TOTAL_LIMIT: u64 = 2 * 1024 * 1024 * 1024;
/// How many times larger the files may be than the archive, once they are larger than [`RATIO_FLOOR`].
pub const RATIO_LIMIT: u64 = 200;
/// Bytes below which the ratio does not matter: text packs well.
pub const RATIO_FLOOR: u64 = 64 * 1024 * 1024;
/// Bytes of a bundle from which on `export` warns.
pub const LARGE_BUNDLE: u64 = 100 * 1024 * 1024;
/// Bytes of a development node from which on `export` warns.
pub const LARGE_DEV_NODE: u64 = 50 * 1024 * 1024;
