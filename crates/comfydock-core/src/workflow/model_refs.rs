//! The models a workflow mentions.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::candidate::{Leaf, leaves, looks_like_a_file, reads_models};
use super::embedded::{self, EmbeddedSource};
use super::nodes::{Node, nodes};
use super::{Workflow, mirrors, promoted};
use crate::builtin::{self, Kind};

/// A step from `widgets_values` to a nested string; written as an item of a JSON list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathStep {
    /// Into a list, from 0.
    Index(usize),
    /// Into an object.
    Key(String),
}

/// What a string names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefKind {
    /// A model file, by its path below the category's folder.
    File,
    /// `embedding:NAME` inside a text: a file of `embeddings`, its ending left out as a rule.
    Embedding,
    /// `<lora:NAME:…>` inside a text, or a name without its ending in a list: a file of `loras`.
    LoraTag,
    /// A folder that holds a model in several files.
    Folder,
    /// Something the node downloads by itself: a repository's name, a preset.
    Remote,
}

impl RefKind {
    /// Whether it means one file of the index.
    pub fn is_one_file(self) -> bool {
        matches!(self, Self::File | Self::Embedding | Self::LoraTag)
    }
}

/// How sure it is that a string names a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A name inside a text.
    Low,
    /// It ends like a model file.
    Medium,
    /// The node is known, or the workflow says so itself.
    High,
}

/// Where in a workflow a model is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place<'a> {
    /// The node's path.
    pub node_id: &'a str,
    /// Position among the node's widgets.
    pub widget_index: usize,
    /// The way into a nested widget.
    pub widget_path: Option<&'a [PathStep]>,
    /// The name itself, where it is one of several in a text.
    pub tag: Option<&'a str>,
}

/// A place in a workflow that names a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRef {
    /// The node's path: `16`, or `<subgraph id>:16` inside a definition.
    pub node_id: String,
    /// The node's class.
    pub node_type: String,
    /// Position among the node's widgets, from 0.
    pub widget_index: usize,
    /// The whole way from `widgets_values`, when the string is not itself a widget in a plain list.
    pub widget_path: Option<Vec<PathStep>>,
    /// What the string names.
    pub kind: RefKind,
    /// The name exactly as written.
    pub value: String,
    /// Bytes of the string literal, quotes included.
    pub span: Range<usize>,
    /// Other string literals of the same name that must change together with it, in the order of the
    /// file: promoted copies on instance nodes, `widgets_values_named`, `models[].name`.
    pub mirrors: Vec<Range<usize>>,
    /// The model's category, where node or workflow tell it.
    pub category: Option<String>,
    /// How sure it is that this is a model.
    pub confidence: Confidence,
    /// Whether ComfyUI would run the node.
    pub active: bool,
    /// What the workflow says about where to get the model.
    pub embedded: Vec<EmbeddedSource>,
}

impl ModelRef {
    pub(super) fn new(node: &Node<'_>, leaf: &Leaf<'_>) -> Self {
        Self {
            node_id: node.path.clone(),
            node_type: node.node_type.to_owned(),
            widget_index: leaf.index,
            widget_path: (!leaf.is_plain()).then(|| leaf.path.clone()),
            kind: RefKind::File,
            value: leaf.value.to_owned(),
            span: leaf.span.clone(),
            mirrors: Vec::new(),
            category: None,
            confidence: Confidence::Medium,
            active: node.active,
            embedded: Vec::new(),
        }
    }

    /// Whether the other reference stands at the same place: node, widget and path.
    pub fn same_place(&self, other: &ModelRef) -> bool {
        self.place() == other.place()
    }

    /// Where it stands.
    pub fn place(&self) -> Place<'_> {
        let is_tag = matches!(self.kind, RefKind::Embedding | RefKind::LoraTag);
        Place {
            node_id: &self.node_id,
            widget_index: self.widget_index,
            widget_path: self.widget_path.as_deref(),
            tag: is_tag.then_some(self.value.as_str()),
        }
    }
}

/// Every model the workflow mentions, in the order of the file.
///
/// Found by, in this order: the table of ComfyUI's own loaders; `properties.models`, which names a
/// widget's value; the ending of the string. A value promoted to a subgraph's instance is a mirror of
/// the inner one, unless it differs or the subgraph has several instances: the instance's value is
/// what runs then, and counts for itself.
pub fn model_refs(workflow: &Workflow) -> Vec<ModelRef> {
    let all = nodes(workflow);
    let mut references = Vec::new();
    for node in all.iter().filter(|node| !node.is_instance) {
        references.extend(of_node(node));
    }
    promoted::add(workflow, &all, &mut references);
    mirrors::add_primitives(&all, &mut references);
    for entry in workflow.root().get("models").map_or_else(Vec::new, embedded::entries) {
        for reference in &mut references {
            entry.attach_from_root(reference);
        }
    }
    for reference in &mut references {
        reference.mirrors.sort_by_key(|span| span.start);
        reference.mirrors.dedup();
    }
    references.sort_by_key(|reference| reference.span.start);
    references
}

fn of_node(node: &Node<'_>) -> Vec<ModelRef> {
    let entries = embedded::of_node(node.value);
    let mut references = Vec::new();
    for leaf in leaves(node.value) {
        let slot = builtin::slot(node.node_type, leaf.index).filter(|_| leaf.is_plain());
        let mut reference = ModelRef::new(node, &leaf);
        match slot {
            Some(slot) if slot.kind != Kind::File || builtin::is_virtual(leaf.value.trim()) => continue,
            Some(slot) => {
                reference.category = Some(slot.category.clone());
                reference.confidence = Confidence::High;
            }
            None => {
                let named = entries.iter().any(|entry| entry.name == leaf.value && !leaf.value.is_empty());
                if !reads_models(node.node_type) || !(named || looks_like_a_file(leaf.value)) {
                    continue;
                }
            }
        }
        references.push(reference);
    }
    for entry in &entries {
        for reference in &mut references {
            entry.attach(reference);
        }
    }
    mirrors::add_named(node.value, &mut references);
    references
}
