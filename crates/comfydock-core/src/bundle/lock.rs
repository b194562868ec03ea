//! `comfydock.lock`: the models and node packs of a manifest as two flat lists. It is made from the manifest
//! and is never a source of truth: one that says something else makes the bundle a broken one (decision 33).

use serde::{Deserialize, Serialize};

use super::LOCK;
use crate::manifest::{Manifest, NodeSource};
use crate::source::Source;

/// The version of the format.
const LOCK_VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Lock {
    lock_version: u32,
    #[serde(default, rename = "model")]
    models: Vec<Model>,
    #[serde(default, rename = "node")]
    nodes: Vec<Node>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Model {
    hash: String,
    name: String,
    size: u64,
    category: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blake3: Option<String>,
    sources: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Node {
    id: String,
    source: NodeSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

fn of(manifest: &Manifest) -> Lock {
    let models = manifest.models.iter().map(|(hash, model)| Model {
        hash: hash.clone(),
        name: model.filename.clone(),
        size: model.size,
        category: model.category.clone(),
        sha256: model.sha256.clone().map(String::from),
        blake3: model.blake3.clone().map(String::from),
        sources: model.sources.iter().map(Source::to_string).collect(),
    });
    let nodes = manifest.nodes.iter().map(|(key, node)| Node {
        id: node.registry_id.clone().unwrap_or_else(|| key.clone()),
        source: node.source,
        url: node.repository.clone(),
        reference: node.requested_ref.clone(),
        version: node.version.clone(),
        commit: node.commit.clone().map(String::from),
        sha256: node.sha256.clone().map(String::from),
    });
    Lock { lock_version: LOCK_VERSION, models: models.collect(), nodes: nodes.collect() }
}

/// The lock of a manifest, as TOML; the same for the same manifest.
///
/// # Panics
/// Never: it holds nothing that TOML cannot say.
pub fn lock_text(manifest: &Manifest) -> String {
    toml_edit::ser::to_string_pretty(&of(manifest)).expect("text, numbers and lists")
}

/// What a bundle's lock says otherwise than its manifest; empty when they agree.
pub fn disagreements(text: &str, manifest: &Manifest) -> Vec<String> {
    let lock: Lock = match toml_edit::de::from_str(text) {
        Ok(lock) => lock,
        Err(error) => return vec![format!("{LOCK}: {}", error.message())],
    };
    let of_manifest = of(manifest);
    if lock.lock_version != LOCK_VERSION {
        return vec![format!("{LOCK} has lock_version {}; this comfydock knows {LOCK_VERSION}", lock.lock_version)];
    }
    let mut said = Vec::new();
    let names = |lock: &Lock| {
        let models = lock.models.iter().map(|model| (format!("model {}", model.name), format!("{model:?}")));
        let nodes = lock.nodes.iter().map(|node| (format!("node pack {}", node.id), format!("{node:?}")));
        models.chain(nodes).collect::<std::collections::BTreeSet<_>>()
    };
    let (one, other) = (names(&lock), names(&of_manifest));
    for (name, _) in one.symmetric_difference(&other) {
        let line = format!("{LOCK} and pyproject.toml tell {name} differently");
        if said.last() != Some(&line) {
            said.push(line);
        }
    }
    said
}
