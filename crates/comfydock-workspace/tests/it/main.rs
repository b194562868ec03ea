//! The client engine against real files, a real database and a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod answers;
mod download;
mod download_refused;
mod guard;
mod index;
mod links;
mod migration;
#[path = "../../../../tests/support/model_server.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod model_server;
mod offline;
mod roots;
mod scan;
mod sidecars;
mod support;
mod tidy;
mod twins;
mod workflows;
