//! Reading metadata of every version up to ours, without trusting its shape: it comes from
//! whoever wrote the workflow.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize as _;
use serde_json::Value;

use super::Error;
use super::metadata::{Metadata, NodeModels, Reference, Status, VERSION};
use super::model_refs::{Confidence, PathStep, RefKind};
use crate::digest::{Blake3, Sha256};

pub(super) fn read(value: &Value) -> Result<Metadata, Error> {
    let unreadable = |reason: &str| Error::Metadata { reason: reason.to_owned() };
    let version = value.get("version").and_then(Value::as_str);
    let version = version.ok_or_else(|| unreadable("it has no version"))?;
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(0)), Some(Ok(1 | 2))) => {}
        (Some(Ok(_)), Some(Ok(_))) => {
            return Err(Error::NewerMetadata { version: version.to_owned() });
        }
        _ => return Err(unreadable("its version is not a version")),
    }
    let models = match value.get("models") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(nodes)) => nodes
            .iter()
            .map(|(node_id, node)| (node_id.clone(), node_models(node)))
            .filter(|(_, node)| !node.refs.is_empty())
            .collect(),
        Some(_) => return Err(unreadable("its `models` is not an object")),
    };
    Ok(Metadata { version: VERSION.to_owned(), last_updated: text(value, "last_updated").unwrap_or_default(), models })
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn node_models(node: &Value) -> NodeModels {
    let refs = node.get("refs").and_then(Value::as_array).into_iter().flatten();
    NodeModels { node_type: text(node, "node_type").unwrap_or_default(), refs: refs.filter_map(reference).collect() }
}

fn reference(value: &Value) -> Option<Reference> {
    let path = text(value, "path")?;
    let hash = text(value, "hash").filter(|hash| !hash.is_empty());
    if hash.is_none() && is_config(&path) {
        return None;
    }
    let status = match value.get("status").and_then(Value::as_str) {
        Some("skipped") => Status::Skipped,
        _ if hash.is_some() => Status::Resolved,
        _ => Status::Unresolved,
    };
    let confidence = match value.get("confidence").and_then(Value::as_str) {
        Some("low") => Confidence::Low,
        Some("medium") => Confidence::Medium,
        _ => Confidence::High,
    };
    Some(Reference {
        widget_index: usize::try_from(value.get("widget_index")?.as_u64()?).ok()?,
        widget_path: value.get("widget_path").and_then(widget_path),
        kind: value.get("kind").and_then(|kind| RefKind::deserialize(kind).ok()).unwrap_or(RefKind::File),
        path,
        hash,
        sha256: text(value, "sha256").and_then(|hash| Sha256::parse(&hash).ok()),
        blake3: text(value, "blake3").and_then(|hash| Blake3::parse(&hash).ok()),
        size: value.get("size").and_then(Value::as_u64),
        sources: sources(value),
        status,
        confidence,
    })
}

/// Version 0.1 listed `CheckpointLoader`'s yaml config as an unresolved model, which it is not.
fn is_config(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.ends_with(".yaml") || path.ends_with(".yml")
}

fn widget_path(value: &Value) -> Option<Vec<PathStep>> {
    let step = |step: &Value| match step {
        Value::String(key) => Some(PathStep::Key(key.clone())),
        Value::Number(index) => Some(PathStep::Index(usize::try_from(index.as_u64()?).ok()?)),
        _ => None,
    };
    value.as_array()?.iter().map(step).collect()
}

/// `sources`, or the `source` of an older spelling.
fn sources(value: &Value) -> Vec<String> {
    let listed = value.get("sources").and_then(Value::as_array).into_iter().flatten();
    let mut seen = HashSet::new();
    let all = listed.chain(value.get("source")).filter_map(Value::as_str).filter_map(source);
    all.filter(|source| seen.insert(source.clone())).collect()
}

/// A source in today's spelling; none for `local`, which says only that there was a file.
///
/// `civitai:<model id>` names neither version nor file and is passed on as it is: whoever uses it
/// must ask.
fn source(old: &str) -> Option<String> {
    let old = old.trim();
    if old.is_empty() || old == "local" {
        None
    } else if let Some(path) = old.strip_prefix("huggingface:") {
        Some(format!("hf:{}", path.trim_start_matches('/')))
    } else if let Some(url) = old.strip_prefix("URL:") {
        Some(url.trim().to_owned())
    } else {
        Some(old.to_owned())
    }
}
