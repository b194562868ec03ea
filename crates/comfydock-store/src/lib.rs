//! Bytes at rest, safely.
//!
//! - [`file`]: files replaced whole or not at all, and errors that name the place.
//! - [`lock`]: who may write, and who is still reading. [`claim`]: one writer, also across machines.
//! - [`hash`]: SHA-256 and BLAKE3 in one pass, and the quick hash.
//! - [`space`]: which file system a path is on, and what is free there.
//! - [`sqlite`]: opening a database with the settings both ends rely on.

pub mod claim;
pub mod file;
pub mod hash;
pub mod lock;
pub mod space;
pub mod sqlite;
