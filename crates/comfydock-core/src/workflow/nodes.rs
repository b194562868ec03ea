//! Every node of a workflow, subgraphs included.

use std::collections::{HashMap, HashSet};

use super::Workflow;
use crate::json::{Kind, Value};

/// Node modes of ComfyUI's editor: 2 is muted, 4 is bypassed.
const INACTIVE_MODES: [&str; 2] = ["2", "4"];

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
    /// Whether ComfyUI would run it: neither muted nor bypassed, nor in a subgraph all of whose
    /// instances are.
    pub active: bool,
    /// The node's object.
    pub value: &'workflow Value,
}

/// All nodes: the root's first, then each subgraph definition's once, in the order of the file.
///
/// Entries that are not objects with a `type` are passed over, as the editor does.
pub fn nodes(workflow: &Workflow) -> Vec<Node<'_>> {
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
pub(super) fn collect_definitions<'workflow>(
    graph: &'workflow Value,
    found: &mut Vec<(&'workflow str, &'workflow Value)>,
) {
    let list = graph.get("definitions").and_then(|definitions| definitions.get("subgraphs"));
    for definition in list.and_then(Value::as_array).unwrap_or_default() {
        if let Some(id) = definition.get("id").and_then(Value::as_str) {
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
        let inactive = value.get("mode").is_some_and(|mode| INACTIVE_MODES.contains(&mode.text(workflow.text())));
        found.push(Node {
            path: definition.map_or_else(|| id.clone(), |outer| format!("{outer}:{id}")),
            definition,
            node_type,
            is_instance: definitions.contains(node_type),
            active: !inactive,
            value,
        });
    }
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
