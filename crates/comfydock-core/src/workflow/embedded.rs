//! `properties.models`: where the author of a workflow says its models come from.

use std::ops::Range;

use super::lookup::normalise_for_lookup;
use super::model_refs::{Confidence, ModelRef};
use super::reason::Reason;
use crate::category;
use crate::digest::Sha256;
use crate::json::Value;

/// What the workflow itself says about a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSource {
    /// Where to get it, as written but trimmed; empty if the entry gives only a hash. Unchecked: it
    /// comes from whoever wrote the workflow.
    pub url: String,
    /// The folder below `models/` it belongs in.
    pub directory: Option<String>,
    /// Lower-case hexadecimal SHA-256, if one is given and well formed.
    pub sha256: Option<String>,
}

/// One entry of a `models` list.
#[derive(Debug)]
pub(super) struct Entry<'workflow> {
    pub(super) name: &'workflow str,
    pub(super) name_span: Range<usize>,
    source: EmbeddedSource,
}

/// The entries of a node's `properties.models`.
pub(super) fn of_node(node: &Value) -> Vec<Entry<'_>> {
    node.get("properties").and_then(|properties| properties.get("models")).map_or_else(Vec::new, entries)
}

/// The entries of a `models` list; what is not an object with a name and a URL is passed over.
pub(super) fn entries(models: &Value) -> Vec<Entry<'_>> {
    models.as_array().unwrap_or_default().iter().filter_map(entry).collect()
}

fn entry(value: &Value) -> Option<Entry<'_>> {
    let text = |key| value.get(key).and_then(Value::as_str);
    let name = value.get("name")?;
    let is_sha256 = text("hash_type")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("sha256") || kind.eq_ignore_ascii_case("sha-256"));
    let sha256 = text("hash").filter(|_| is_sha256).and_then(|hash| Sha256::parse(hash.trim()).ok());
    Some(Entry {
        name: name.as_str()?,
        name_span: name.span.clone(),
        source: EmbeddedSource {
            url: text("url").unwrap_or_default().trim().to_owned(),
            directory: text("directory").map(str::trim).filter(|directory| !directory.is_empty()).map(str::to_owned),
            sha256: sha256.map(String::from),
        },
    })
}

impl Entry<'_> {
    /// The category of the entry's directory.
    fn category(&self) -> Option<&str> {
        let first = self.source.directory.as_deref()?.split(['/', '\\']).find(|part| !part.is_empty())?;
        Some(category::of_folder(first))
    }

    /// Whether the entry speaks of this file name, folders aside.
    fn names(&self, reference: &ModelRef) -> bool {
        !self.name.trim().is_empty() && basename(self.name) == basename(&reference.value)
    }

    /// Gives the reference what the entry knows, if it speaks of it. The string moves with the
    /// reference only if equal: an entry whose name differs from the widget is ignored by ComfyUI.
    pub(super) fn attach(&self, reference: &mut ModelRef) -> bool {
        if !self.names(reference) {
            return false;
        }
        if reference.category.is_none() {
            reference.category = self.category().map(str::to_owned);
        }
        reference.confidence = Confidence::High;
        if reference.reason == Reason::Ending {
            reference.reason = Reason::Listed;
        }
        if self.name == reference.value {
            reference.mirrors.push(self.name_span.clone());
        }
        let says_something = !self.source.url.is_empty() || self.source.sha256.is_some();
        if says_something && !reference.embedded.contains(&self.source) {
            reference.embedded.push(self.source.clone());
        }
        true
    }

    /// Like [`attach`](Self::attach) for an entry that stands at no node: one file name may lie in
    /// two categories, so a directory that disagrees is another model.
    pub(super) fn attach_from_root(&self, reference: &mut ModelRef) {
        let disagrees = match (self.category(), reference.category.as_deref()) {
            (Some(entry), Some(known)) => entry != known,
            _ => false,
        };
        if !disagrees {
            self.attach(reference);
        }
    }
}

fn basename(value: &str) -> String {
    let lookup = normalise_for_lookup(value);
    match lookup.path.rsplit_once('/') {
        Some((_, name)) => name.to_owned(),
        None => lookup.path,
    }
}
