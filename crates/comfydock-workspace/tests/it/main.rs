//! The client engine against real files, a real database and a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod answers;
mod download;
mod download_changed;
mod download_hostile;
mod download_random;
mod download_refused;
mod download_secrets;
mod download_together;
mod download_unpinned;
mod download_wide;
mod guard;
mod index;
mod links;
#[path = "../../../../tests/support/model_server.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod model_server;
#[path = "../../../../tests/support/safetensors.rs"]
mod safetensors;
mod scan;
mod support;
mod workflows;
