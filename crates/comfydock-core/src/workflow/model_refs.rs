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

/// How sure it is that a string names a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It ends like a model file.
    Medium,
    /// The node is known, or the workflow says so itself.
    High,
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

    pub(super) fn place(&self) -> (&str, usize, Option<&[PathStep]>) {
        (&self.node_id, self.widget_index, self.widget_path.as_deref())
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
