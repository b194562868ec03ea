//! Environments, checkouts and remotes with the real git on the other side.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod arrivals;
mod bare;
mod checkouts;
mod environment;
mod history;
mod looks;
mod mirrors;
mod remotes;
mod serving;
mod submodules;
mod support;
