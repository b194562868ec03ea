//! The client engine against real files, a real database and a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod adoption;
mod answers;
mod ask_civitai;
mod ask_hugging_face;
#[path = "../../../../tests/support/civitai.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod civitai;
mod download;
mod download_changed;
mod download_hostile;
mod download_random;
mod download_refused;
mod download_room;
mod download_secrets;
mod download_sites;
mod download_together;
mod download_unpinned;
mod download_wide;
mod extraction;
mod guard;
mod half_written;
#[path = "../../../../tests/support/hugging_face.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod hugging_face;
mod index;
mod links;
mod look_up_offline;
mod looking;
mod migration;
mod missing_packs;
#[path = "../../../../tests/support/model_server.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod model_server;
mod offline;
#[path = "../../../../tests/support/old_install.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod old_install;
#[path = "../../../../tests/support/pack_zip.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod pack_zip;
#[path = "../../../../tests/support/package_index.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod package_index;
#[path = "../../../../tests/support/registry.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod registry;
mod registry_ask;
mod registry_hostile;
mod registry_packs;
mod relock;
mod requirements_and_uv;
mod roots;
#[path = "../../../../tests/support/safetensors.rs"]
mod safetensors;
mod scan;
mod sidecars;
#[path = "../../../../tests/support/site.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod site;
#[path = "../../../../tests/support/storage.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod storage;
mod support;
mod tidy;
#[path = "../../../../tests/support/tmpfs.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod tmpfs;
mod twins;
mod versions;
#[path = "../../../../tests/support/wheels.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod wheels;
mod workflows;
