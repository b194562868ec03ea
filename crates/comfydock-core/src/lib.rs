//! What a ComfyUI environment is and what should happen to it.
//!
//! Core is pure: values in, values out. It reads no file, asks no clock and opens no socket; a
//! `clippy.toml` in this crate holds that by name. Both ends of ComfyDock share it: the client
//! plans with it, the hub judges with it.
//!
//! - [`digest`], [`name`], [`pattern`], [`source`]: validated values ("parse, don't validate").
//! - [`repository_url`], [`pack_identifier`]: node packs as people name them.
//! - [`packs`]: which pack a node type comes from.
//! - [`json`], [`workflow`], [`category`], [`builtin`], [`custom`]: workflow files and the models they mention.
//! - [`resolve`]: which indexed file a mention means.
//! - [`registry`]: what the Comfy registry answers, read and judged.
//! - [`site`]: what CivitAI and Hugging Face answer, read.
//! - [`comfyui_log`]: what ComfyUI says when it starts.
//! - [`diff`]: what changed between two states, in the user's terms.
//! - [`merge`]: two states that went apart, put together.
//! - [`requirements`], [`python_lock`], [`torch`], [`opencv`]: Python packages: what is asked for, and what is locked.
//! - [`wheel_record`]: which files an installed Python package consists of.
//! - [`manifest`]: `.cec/pyproject.toml`, read into types and edited without touching what is not ours.
//! - [`foreign`]: the one judge of every tree that comes from outside.
//! - [`bundle`]: what a bundle is, and the rules its files are held to.
//! - [`admission`], [`secret`], [`violation`]: what may be pushed, and how a complaint reads.
//! - [`adoption`]: installations that others made, as they are read.
//! - [`oci`]: references, manifests and refusals of registries of artifacts.
//! - [`address`], [`redact`]: addresses and words: who can listen to them, and how they are said without what is secret in them.
//! - [`signature`], [`trust`]: what a signature says, and whose are believed.
//! - [`wire`]: what client and hub say to each other.

pub mod address;
pub mod admission;
pub mod adoption;
pub mod builtin;
pub mod bundle;
pub mod category;
pub mod comfyui_log;
pub mod custom;
pub mod diff;
pub mod digest;
pub mod foreign;
pub mod hint;
pub mod json;
pub mod manifest;
pub mod merge;
pub mod model_paths;
pub mod name;
pub mod observation;
pub mod oci;
pub mod opencv;
pub mod pack_identifier;
pub mod packs;
pub mod path;
pub mod pattern;
pub mod plan;
pub mod python_lock;
pub mod redact;
pub mod registry;
pub mod repository_url;
pub mod requirements;
pub mod resolve;
pub mod retry;
pub mod safetensors;
pub mod secret;
pub mod sidecar;
pub mod signature;
pub mod site;
pub mod source;
pub mod stored;
pub mod torch;
pub mod trust;
pub mod violation;
pub mod wheel_record;
pub mod wire;
pub mod workflow;
