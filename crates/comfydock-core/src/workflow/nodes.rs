//! Every node of a workflow, subgraphs included.

use std::collections::{HashMap, HashSet};

use super::groups::Groups;
use super::{Format, Workflow};
use crate::json::{Kind, Value};

/// Node modes of ComfyUI's editor: 2 is muted, 4 is bypassed.
const INACTIVE_MODES: [&str; 2] = ["2", "4"];

/// A longer class or id is none. Every reference tells its node's, so one long name would be kept as often as
/// the node has widgets.
const LONGEST_NAME: usize = 256;

/// A node where it is defined.
#[derive(Debug, Clone)]
pub struct Node<'workflow> {
    /// `16` at the root, `<subgraph id>:16` inside a definition.
    pub path: String,
    /// The subgraph definition the node stands in; none at the root.
    pub definition: Option<&'workflow str>,
    /// The node's class, or a definition's id if the node is an instance of a subgraph.
    pub node_type: &'workflow str,
    /// Whether the node is an instance of a subgraph definition.
    pub is_instance: bool,
    /// Whether the node is in API format, with named inputs for widgets.
    pub(super) api: bool,
    /// What holds the widgets: `widgets_values`, or `inputs` in API format.
    pub(super) widgets: Option<&'workflow Value>,
    /// Whether ComfyUI would run it: neither muted nor bypassed, nor in a subgraph all of whose
    /// instances are.
    pub active: bool,
    /// The node's object.
    pub value: &'workflow Value,
}

impl<'workflow> Node<'workflow> {
    /// A node of a group's definition; it has no place of its own.
    pub(super) fn inner(text: &str, node_type: &'workflow str, value: &'workflow Value) -> Self {
        let widgets = value.get("widgets_values");
        Self {
            path: String::new(),
            definition: None,
            node_type,
            is_instance: false,
            api: false,
            widgets,
            active: runs(text, value),
            value,
        }
    }

    /// The id within its graph.
    pub(super) fn local_id(&self) -> &str {
        match self.definition {
            Some(definition) => &self.path[definition.len() + 1..],
            None => &self.path,
        }
    }

    /// How many widgets it has.
    pub(super) fn widget_count(&self) -> usize {
        match self.widgets.map(|widgets| &widgets.kind) {
            Some(Kind::Array(items)) => items.len(),
            Some(Kind::Object(members)) => members.len(),
            _ => 0,
        }
    }

    /// Whether the editor alone knows the node: nothing has to be installed for it, nothing runs.
    pub fn is_virtual(&self) -> bool {
        super::candidate::EDITOR_ONLY.contains(&self.node_type)
    }
}

/// The node types that must be known for the workflow to run, each with a node of it: instances of
/// subgraphs and what only the editor knows are left out, groups stand for the types inside.
pub fn node_types<'workflow>(workflow: &'workflow Workflow) -> Vec<Node<'workflow>> {
    let mut found = Vec::new();
    let definitions = Groups::of(workflow);
    let mut groups = HashSet::new();
    for node in nodes(workflow) {
        if node.is_instance || node.is_virtual() || groups.contains(node.node_type) {
            continue;
        }
        match definitions.find(node.node_type) {
            Some(group) => {
                groups.insert(node.node_type);
                found.extend(group.inner.into_iter().filter(|inner| !inner.is_virtual()));
            }
            None => found.push(node),
        }
    }
    found
}

/// All nodes: the root's first, then each subgraph definition's once, in the order of the file.
///
/// Entries that are not objects with a `type` are passed over, as the editor does.
pub fn nodes(workflow: &Workflow) -> Vec<Node<'_>> {
    if workflow.format() == Format::Api {
        return api_nodes(workflow.root());
    }
    let mut definitions = Vec::new();
    collect_definitions(workflow.root(), &mut definitions);
    let ids: HashSet<&str> = definitions.iter().map(|(id, _)| *id).collect();

    let mut all = Vec::new();
    let mut seen = HashSet::new();
    collect_nodes(workflow, workflow.root(), None, &ids, &mut all);
    for (id, definition) in &definitions {
        if seen.insert(*id) {
            collect_nodes(workflow, definition, Some(id), &ids, &mut all);
        }
    }
    mute_unreachable(&mut all);
    all
}

/// The subgraph definitions with their ids. The editor keeps them in one flat list at the root; a
/// list inside a definition is read all the same.
pub(crate) fn collect_definitions<'workflow>(
    graph: &'workflow Value,
    found: &mut Vec<(&'workflow str, &'workflow Value)>,
) {
    let list = graph.get("definitions").and_then(|definitions| definitions.get("subgraphs"));
    for definition in list.and_then(Value::as_array).unwrap_or_default() {
        if let Some(id) = definition.get("id").and_then(Value::as_str).filter(|id| id.len() <= LONGEST_NAME) {
            found.push((id, definition));
        }
        collect_definitions(definition, found);
    }
}

fn collect_nodes<'workflow>(
    workflow: &'workflow Workflow,
    graph: &'workflow Value,
    definition: Option<&'workflow str>,
    definitions: &HashSet<&str>,
    found: &mut Vec<Node<'workflow>>,
) {
    let list = graph.get("nodes").and_then(Value::as_array).unwrap_or_default();
    for (position, value) in list.iter().enumerate() {
        let Some(node_type) = value.get("type").and_then(Value::as_str) else { continue };
        let id = node_id(workflow, value).unwrap_or_else(|| format!("#{position}"));
        if node_type.len() > LONGEST_NAME || id.len() > LONGEST_NAME {
            continue;
        }
        found.push(Node {
            path: definition.map_or_else(|| id.clone(), |outer| format!("{outer}:{id}")),
            definition,
            node_type,
            is_instance: definitions.contains(node_type),
            api: false,
            widgets: value.get("widgets_values"),
            active: runs(workflow.text(), value),
            value,
        });
    }
}

/// Whether the node's own mode lets it run.
fn runs(text: &str, node: &Value) -> bool {
    !node.get("mode").is_some_and(|mode| INACTIVE_MODES.contains(&mode.text(text)))
}

/// The nodes of an export in API format: a map by id.
fn api_nodes(root: &Value) -> Vec<Node<'_>> {
    let members = root.as_object().unwrap_or_default();
    let node = |id: &String, value| {
        let node_type = Value::get(value, "class_type")?.as_str()?;
        if node_type.len() > LONGEST_NAME || id.len() > LONGEST_NAME {
            return None;
        }
        let widgets = Value::get(value, "inputs");
        let path = id.clone();
        Some(Node { path, definition: None, node_type, is_instance: false, api: true, widgets, active: true, value })
    };
    members.iter().filter_map(|member| node(&member.key, &member.value)).collect()
}

/// The id as written: a number's text or a string.
fn node_id(workflow: &Workflow, node: &Value) -> Option<String> {
    let id = node.get("id")?;
    match &id.kind {
        Kind::String(string) => Some(string.clone()),
        Kind::Number => Some(id.text(workflow.text()).to_owned()),
        _ => None,
    }
}

/// A definition runs only through its instances: nodes of one without an active instance rest.
fn mute_unreachable(all: &mut [Node<'_>]) {
    let mut instances: HashMap<Option<&str>, Vec<&str>> = HashMap::new();
    for node in all.iter().filter(|node| node.is_instance && node.active) {
        instances.entry(node.definition).or_default().push(node.node_type);
    }
    let mut running = HashSet::new();
    let mut waiting = vec![None];
    while let Some(scope) = waiting.pop() {
        for &instance in instances.get(&scope).into_iter().flatten() {
            if running.insert(instance) {
                waiting.push(Some(instance));
            }
        }
    }
    for node in all {
        node.active &= node.definition.is_none_or(|definition| running.contains(definition));
    }
}
