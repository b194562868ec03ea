//! Files and locks as other programs see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod claims;
mod files;
mod links;
mod locks;
mod spaces;
