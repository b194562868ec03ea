//! `snapshot.json` of a `.cpack.zip`: a snapshot of ComfyUI-Manager with `python` and `models`, and in
//! older ones `custom_nodes` as a list.
//!
//! Source of the form: packs that comfy-pack writes.

use serde_json::Value;

use super::found::{Found, Left, WantedModel};
use super::{Error, manager, python};
use crate::digest::Sha256;
use crate::path::ModelPath;
use crate::source::Source;

/// The name of the file inside the zip.
pub const FILE: &str = "snapshot.json";

/// The workflow inside the zip.
pub const WORKFLOW: &str = "workflow.json";

/// Reads it.
///
/// # Errors
/// When it is no JSON, or no map.
pub fn parse(bytes: &[u8]) -> Result<Found, Error> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Error::Syntax(error.to_string()))?;
    let map = value
        .as_object()
        .ok_or_else(|| Error::Form { expected: "snapshot of comfy-pack", reason: "it must be a map".to_owned() })?;
    let mut found = manager::read(map);
    found.python = map.get("python").and_then(Value::as_str).and_then(python::minor);
    for about in map.get("custom_nodes").and_then(Value::as_array).into_iter().flatten() {
        if let Some(url) = about.get("url").and_then(Value::as_str) {
            manager::git(url, about, &mut found);
        }
    }
    for about in map.get("models").and_then(Value::as_array).into_iter().flatten() {
        match model(about) {
            Ok(Some(model)) => found.models.push(model),
            Ok(None) => {}
            Err(left) => found.left.push(left),
        }
    }
    Ok(found)
}

/// A model; none when it was switched off.
fn model(about: &Value) -> Result<Option<WantedModel>, Left> {
    let name = about.get("filename").and_then(Value::as_str).unwrap_or_default().replace('\\', "/");
    if about.get("disabled").and_then(Value::as_bool).unwrap_or(false) {
        return Ok(None);
    }
    let left = |reason: String| Left::new(format!("model `{name}`"), reason);
    let below = name.trim_start_matches("./").strip_prefix("models/");
    let below = below.ok_or_else(|| left("a node pack keeps it in its own folder".to_owned()))?;
    let path = ModelPath::parse(below).map_err(|error| left(error.reason().to_owned()))?;
    let sha256 = about.get("sha256").and_then(Value::as_str).and_then(|text| Sha256::parse(text).ok());
    let sha256 = sha256.ok_or_else(|| left("the pack does not say its SHA-256".to_owned()))?;
    let source = about.get("source");
    let urls = ["download_url", "url"].into_iter().filter_map(|key| source?.get(key)?.as_str());
    let mut sources: Vec<Source> = urls.filter_map(|url| Source::parse(url).ok()).collect();
    sources.dedup();
    Ok(Some(WantedModel { path, size: about.get("size").and_then(Value::as_u64), sha256, sources }))
}
