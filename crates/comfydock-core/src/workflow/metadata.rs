//! `extra._comfydock_metadata`, version 0.2.0: what a workflow file that travels alone still knows
//! of its models (decisions 8 and 9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model_refs::{Confidence, ModelRef, PathStep, RefKind};
use super::{Error, KEY, Workflow, migrate};
use crate::digest::{Blake3, Sha256};

/// The version this program writes.
pub const VERSION: &str = "0.2.0";

/// What is known of a workflow's models. The manifest is the truth, this a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Version of the format, [`VERSION`] after reading.
    pub version: String,
    /// When the content last changed, RFC 3339 in UTC.
    pub last_updated: String,
    /// By node path: `16`, or `<subgraph id>:16`.
    pub models: BTreeMap<String, NodeModels>,
}

/// The models of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeModels {
    /// The node's class.
    pub node_type: String,
    /// Its models, in the order of its widgets.
    pub refs: Vec<Reference>,
}

/// One model name of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Position among the widgets, from 0.
    pub widget_index: usize,
    /// The way to a nested string, from `widgets_values` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widget_path: Option<Vec<PathStep>>,
    /// What the name names; a file where nothing is said.
    #[serde(skip_serializing_if = "is_file")]
    pub kind: RefKind,
    /// The name as the widget has it.
    pub path: String,
    /// The model's key: its quick hash, perhaps with a suffix; none while unresolved.
    pub hash: Option<String>,
    /// SHA-256 of the whole file, where measured.
    pub sha256: Option<Sha256>,
    /// BLAKE3 of the whole file, where measured.
    pub blake3: Option<Blake3>,
    /// Bytes.
    pub size: Option<u64>,
    /// Where to get it; in the spelling of the manifest's sources.
    pub sources: Vec<String>,
    /// Whether the name was resolved, or the user chose not to.
    pub status: Status,
    /// How sure it is that the string names a model.
    pub confidence: Confidence,
}

fn is_file(kind: &RefKind) -> bool {
    *kind == RefKind::File
}

/// What became of a model name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is known which model is meant.
    Resolved,
    /// It is not known.
    Unresolved,
    /// It is not known, and the user does not want to be asked.
    Skipped,
}

impl Metadata {
    /// Nothing known yet, at this time (RFC 3339, UTC).
    pub fn new(last_updated: String) -> Self {
        Self { version: VERSION.to_owned(), last_updated, models: BTreeMap::new() }
    }

    /// Reads metadata of version 0.2, or 0.1 with its older words; the JSON of the object itself.
    ///
    /// # Errors
    /// When it is not JSON, has not the shape of metadata, or is of a newer version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(text).map_err(|error| Error::Metadata { reason: error.to_string() })?;
        migrate::read(&value)
    }

    /// The metadata a workflow carries, if any; as written; [`find`](Self::find) compares it
    /// with the widgets.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn of(workflow: &Workflow) -> Result<Option<Self>, Error> {
        let found = workflow.root().get("extra").and_then(|extra| extra.get(KEY));
        found.filter(|value| !value.is_null()).map(|value| Self::parse(value.text(workflow.text()))).transpose()
    }

    /// What is known about the name at this place, if the metadata speaks of this very node and name:
    /// copies of a workflow carry metadata of the original, where the same id may be another node.
    pub fn find(&self, reference: &ModelRef) -> Option<&Reference> {
        let node = self.models.get(&reference.node_id).filter(|node| node.node_type == reference.node_type)?;
        node.refs.iter().find(|known| {
            known.widget_index == reference.widget_index
                && known.widget_path == reference.widget_path
                && known.kind == reference.kind
                && known.path == reference.value
        })
    }

    /// Whether the two say the same, whenever they were written.
    pub fn same_facts(&self, other: &Self) -> bool {
        self.models == other.models
    }
}
