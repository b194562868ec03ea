//! `cache.json` of AUTOMATIC1111's web UI and its relatives: hashes of files by category and name.

use serde_json::Value;

use super::{Claim, Trust};
use crate::digest::Sha256;

/// A hash the web UI measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The category, in ComfyUI's words.
    pub category: &'static str,
    /// The file's path below its folder, perhaps without its extension.
    pub name: String,
    /// When the file was last changed then, in seconds since the epoch.
    pub mtime: f64,
    /// What it measured.
    pub sha256: Sha256,
}

impl Entry {
    /// What it claims of the file, whose time of change must be the recorded one.
    pub fn claim(&self) -> Claim {
        Claim {
            trust: Trust::Claimed,
            sha256: Some(self.sha256.clone()),
            blake3: None,
            sources: Vec::new(),
            format: "cache.json".to_owned(),
            origin: String::new(),
        }
    }
}

/// The hashes of whole files. `hashes-addnet` is left out: it is over tensors alone.
pub fn read(text: &str) -> Vec<Entry> {
    let Ok(cache) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let hashes = cache.get("hashes").and_then(Value::as_object);
    hashes
        .into_iter()
        .flatten()
        .filter_map(|(title, entry)| {
            let (kind, name) = title.split_once('/')?;
            Some(Entry {
                category: category(kind)?,
                name: name.replace('\\', "/"),
                mtime: entry.get("mtime")?.as_f64()?,
                sha256: Sha256::parse(entry.get("sha256")?.as_str()?).ok()?,
            })
        })
        .collect()
}

fn category(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "checkpoint" => "checkpoints",
        "lora" => "loras",
        "vae" => "vae",
        "hypernet" => "hypernetworks",
        "textual_inversion" => "embeddings",
        _ => return None,
    })
}
