//! The real hub, driven by the real git and by requests as they go over the wire.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod access;
mod admission;
mod backup;
mod blobs;
mod catalog;
mod commands;
mod doctor;
mod gc;
mod git;
mod hostile;
mod hosting;
mod journal;
mod judging;
mod keeping;
mod knowledge;
mod load;
mod logins;
mod maintenance;
mod operation;
mod owners;
mod pages;
mod quota;
mod rights;
mod robustness;
mod slow;
mod support;
mod vanishing;
