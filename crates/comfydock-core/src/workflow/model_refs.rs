//! The models a workflow mentions.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::candidate::candidates;
use super::embedded::{EmbeddedSource, Listing, Scope};
use super::found::Found;
use super::groups::{Group, Groups};
use super::leaf::leaves;
use super::links::Links;
use super::mirrors::Named;
use super::nodes::{Node, nodes};
use super::primitives::{Fed, fed_of_group, fed_of_node};
use super::reason::Reason;
use super::seat::{Seat, Widgets};
use super::{Workflow, primitives, promoted};

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

    /// Whether it may be one of several names in a text, its ending left out as a rule.
    pub fn is_tag(self) -> bool {
        matches!(self, Self::Embedding | Self::LoraTag)
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
    /// Position among the node's widgets, from 0; in API format among its inputs.
    pub widget_index: usize,
    /// The whole way from `widgets_values` (in API format from `inputs`), when the string is not itself
    /// a widget in a plain list.
    pub widget_path: Option<Vec<PathStep>>,
    /// What the string names.
    pub kind: RefKind,
    /// The name exactly as written. Of a text or a label with more in it, the name alone.
    pub value: String,
    /// Bytes of the string literal, quotes included; of a name inside a longer string the bytes of the
    /// name.
    pub span: Range<usize>,
    /// Other places of the same name that must change together with it, in the order of the file:
    /// promoted copies on instance nodes, `widgets_values_named`, `models[].name`.
    pub mirrors: Vec<Range<usize>>,
    /// Those mirrors that are widgets of instance nodes, as they are shown to people.
    pub aliases: Vec<Alias>,
    /// The model's category, where node or workflow tell it.
    pub category: Option<String>,
    /// How sure it is that this is a model.
    pub confidence: Confidence,
    /// What makes it one.
    pub reason: Reason,
    /// Whether ComfyUI would load it: the node runs, the entry is switched on, and no link brings
    /// another value.
    pub active: bool,
    /// What the workflow says about where to get the model.
    pub embedded: Vec<EmbeddedSource>,
}

/// A widget of a subgraph's instance that holds a copy of an inner widget's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The instance's path.
    pub node_id: String,
    /// The instance's class: the definition's id.
    pub node_type: String,
    /// Position among the instance's widgets, from 0.
    pub widget_index: usize,
    /// The way into a nested widget.
    pub widget_path: Option<Vec<PathStep>>,
}

impl ModelRef {
    /// Whether the other reference stands at the same place: node, widget and path.
    pub fn same_place(&self, other: &ModelRef) -> bool {
        self.place() == other.place()
    }

    /// The node it stands at, in words.
    pub fn node(&self) -> String {
        format!("node {} ({})", self.node_id, self.node_type)
    }

    /// Where it stands.
    pub fn place(&self) -> Place<'_> {
        Place {
            node_id: &self.node_id,
            widget_index: self.widget_index,
            widget_path: self.widget_path.as_deref(),
            tag: self.kind.is_tag().then_some(self.value.as_str()),
        }
    }

    /// What must be written here to name the file `name` of the category's folder. A tag leaves out the
    /// ending and the folders if it did so before: what reads tags looks into every folder.
    pub fn spelling_of(&self, name: &str) -> String {
        if !self.kind.is_tag() {
            return name.to_owned();
        }
        // ComfyUI takes an embedding's name for a path; nodes that read LoRA tags look in every folder.
        let bare = self.kind == RefKind::LoraTag && !self.value.contains(['/', '\\']);
        let name = name.rsplit('/').next().filter(|_| bare).unwrap_or(name);
        match name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty() && !stem.ends_with('/')) {
            Some((stem, _)) if !crate::category::wide_model_extension(&self.value) => stem.to_owned(),
            _ => name.to_owned(),
        }
    }
}

/// Every model the workflow mentions, in the order of the file (decision 58).
///
/// Found by, in this order: the table of ComfyUI's own loaders; the table of custom loaders;
/// `properties.models`, which names a widget's value; the ending of the string; tags in a text. A value
/// promoted to a subgraph's instance is a mirror of the inner one, unless it differs or the subgraph
/// has several instances: the instance's value is what runs then, and counts for itself.
pub fn model_refs(workflow: &Workflow) -> Vec<ModelRef> {
    let all = nodes(workflow);
    let links = Links::of(workflow, &all);
    let mut reading = Reading {
        text: workflow.text(),
        links: &links,
        all: &all,
        definitions: Groups::of(workflow),
        groups: HashMap::new(),
        fed: Vec::new(),
    };
    let mut found = Vec::new();
    for node in all.iter().filter(|node| !node.is_instance) {
        found.extend(reading.node(node));
    }
    let mut fed = reading.fed;
    fed.extend(promoted::add(workflow, &all, &links, &mut found));
    primitives::add(workflow.text(), &all, &links, &fed, &mut found);
    if let Some(models) = workflow.root().get("models") {
        let every: Vec<usize> = (0..found.len()).collect();
        Listing::of(models).attach(&mut found, &every, Scope::Category);
    }
    let mut literals = HashMap::new();
    let mut references: Vec<ModelRef> =
        found.into_iter().map(|found| found.finish(workflow.text(), &mut literals)).collect();
    references.sort_by_key(|reference| reference.span.start);
    references
}

/// Going through the nodes that are no instances.
struct Reading<'all, 'workflow> {
    text: &'workflow str,
    links: &'all Links<'workflow>,
    all: &'all [Node<'workflow>],
    definitions: Groups<'workflow>,
    groups: HashMap<&'workflow str, Option<Group<'workflow>>>,
    /// The widgets that `PrimitiveNode`s feed.
    fed: Vec<Fed<'workflow>>,
}

impl<'workflow> Reading<'_, 'workflow> {
    fn node(&mut self, node: &Node<'workflow>) -> Vec<Found<'workflow>> {
        let text = self.text;
        let listing = Listing::of_node(node.value);
        let strings = leaves(node);
        let group = self.groups.entry(node.node_type).or_insert_with(|| self.definitions.find(node.node_type));
        let origins = group.as_ref().map(|group| group.origins(node, &strings)).unwrap_or_default();
        let replaced = match group {
            Some(group) => fed_of_group(self.links, self.all, node, group, &origins, &strings, &mut self.fed),
            None => fed_of_node(self.links, self.all, node, &mut self.fed),
        };
        let widgets = Widgets::of(node.widgets);
        let mut references = Vec::new();
        for (position, leaf) in strings.iter().enumerate() {
            let origin = origins.get(position).and_then(Option::as_ref).zip(group.as_ref());
            let seat = match origin {
                Some((origin, group)) => group.seat(node, origin),
                None => {
                    let (path, widgets) = (leaf.path.clone(), widgets.clone());
                    Seat { node_type: node.node_type, path, widgets, offset: 0 }
                }
            };
            for mut candidate in candidates(text, &seat, leaf, listing.has(leaf.value)) {
                let stored = replaced.get(&leaf.index);
                candidate.on &= stored.is_none_or(|other| *other == Some(leaf.value));
                candidate.on &= origin.is_none_or(|(origin, group)| group.runs(origin));
                references.push(Found::new(node, leaf, candidate));
            }
        }
        let every: Vec<usize> = (0..references.len()).collect();
        listing.attach(&mut references, &every, Scope::Node);
        Named::of(node.value, &strings).add(&mut references);
        references
    }
}
