//! `<model>.metadata.json`, written by LoRA Manager, which hashes the file itself.

use serde_json::Value;

use super::{About, Claim, Trust, civitai_source, claim, number, sha256};

/// What it says of the file: claimed while size and time of change are the recorded ones.
pub fn read(metadata: &Value, about: &About<'_>) -> Option<Claim> {
    let own = sha256(metadata.get("sha256"))?;
    let size = metadata.get("size").and_then(Value::as_u64)?;
    if size != about.size {
        return None;
    }
    let modified = metadata.get("modified").and_then(Value::as_f64);
    let trust = if modified.is_some_and(|seconds| about.changed_at(seconds)) { Trust::Claimed } else { Trust::Hint };
    let civitai = metadata.get("civitai");
    let files = civitai.and_then(|version| version.get("files")).and_then(Value::as_array);
    // By hash: which file of the version it is, nothing else says.
    let file = files
        .into_iter()
        .flatten()
        .find(|file| sha256(file.get("hashes").and_then(|hashes| hashes.get("SHA256"))).as_ref() == Some(&own));
    let version = number(civitai.and_then(|version| version.get("id")));
    let sources = civitai_source(version, number(file.and_then(|file| file.get("id"))));
    claim(trust, Some(own), None, sources)
}
