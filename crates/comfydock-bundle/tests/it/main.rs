//! Archives, registries and signatures against what other programs make of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod archive;
mod foreign_signatures;
mod hostile;
#[path = "../../../../tests/support/hostile_archives.rs"]
mod hostile_archives;
mod registry;
mod whole;
