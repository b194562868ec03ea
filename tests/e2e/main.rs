//! The whole product as people use it: the real `comfydock`, the real hub, git, uv and PyPI, and a
//! stand-in for ComfyUI that is no kinder than ComfyUI.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod admission;
mod adopting;
mod arrows;
mod bad_input;
mod bundles;
mod busy;
mod catalog;
mod conflicts;
mod crash;
mod delete;
mod diff;
mod doctor;
mod downloads;
mod edited_groups;
mod fixtures;
mod foreign_clients;
mod full_disk;
mod guide;
mod hashes;
mod hostile_packs;
mod install_scripts;
mod interrupted;
mod links;
mod logs;
mod lost_files;
mod main_job;
mod merging;
mod model_index;
mod nodes;
mod offline;
mod other_disk;
mod owners;
mod pack_conflicts;
mod pack_states;
mod packages;
mod packs;
mod plain_git;
mod platforms;
mod private_models;
mod quiet;
mod reference;
mod rented;
mod resolving;
mod rollback;
mod running;
mod seed;
mod sites;
#[path = "../support/mod.rs"]
mod support;
mod surprises;
mod tab_and_manual;
mod templates_read;
mod terminal;
mod thread;
mod tidying;
mod torch_builds;
mod trust;
mod twins;
mod uncommitted_work;
mod users_work;
mod uv_at_hand;
mod vendored;
mod workflow_show;
