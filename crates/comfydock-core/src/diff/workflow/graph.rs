//! The graphs of a workflow and their nodes, ready to be held against those of another.

use std::collections::HashMap;

use crate::json::Value;
use crate::workflow::{Format, Workflow, collect_definitions, spelled};

/// Which graph of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scope<'t> {
    /// The one the file opens with.
    Root,
    /// A subgraph's definition, by id.
    Subgraph(&'t str),
    /// A group node's definition, by name: ComfyUI's own, or of the Workflow Component pack.
    Group(&'t str),
}

/// A node's identity in its graph: its id, and which of several with that id.
pub(super) type NodeKey = (String, usize);

/// A node of either format.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) id: String,
    pub(super) class: &'t str,
    /// The class as people know it: a subgraph's name for its instances.
    pub(super) kind: &'t str,
    pub(super) title: Option<&'t str>,
    pub(super) value: &'t Value,
}

/// One graph.
#[derive(Debug)]
pub(super) struct Graph<'t> {
    pub(super) scope: Scope<'t>,
    /// What the user calls it; none for the root.
    pub(super) name: Option<&'t str>,
    pub(super) value: &'t Value,
    /// In the order of the file.
    pub(super) nodes: Vec<(NodeKey, Node<'t>)>,
    by_key: HashMap<NodeKey, usize>,
}

/// A workflow, taken apart.
pub(super) struct Parts<'t> {
    pub(super) text: &'t str,
    pub(super) api: bool,
    /// Each with which of several of its scope it is.
    pub(super) graphs: Vec<(usize, Graph<'t>)>,
}

impl<'t> Parts<'t> {
    pub(super) fn of(workflow: &'t Workflow) -> Self {
        let (text, root) = (workflow.text(), workflow.root());
        let api = workflow.format() == Format::Api;
        let mut definitions = Vec::new();
        if !api {
            collect_definitions(root, &mut definitions);
        }
        let names: HashMap<&str, &str> = definitions
            .iter()
            .rev()
            .filter_map(|(id, definition)| Some((*id, definition.get("name")?.as_str()?)))
            .collect();
        let mut found = vec![Graph::of(text, Scope::Root, None, root, &names, api)];
        for (id, definition) in definitions {
            let name = names.get(id).copied().unwrap_or(id);
            found.push(Graph::of(text, Scope::Subgraph(id), Some(name), definition, &names, false));
        }
        let groups = if api { None } else { root.get("extra").and_then(|extra| extra.get("groupNodes")) };
        for group in [groups, root.get("components").filter(|_| !api)].into_iter().flatten() {
            for member in group.as_object().unwrap_or_default() {
                let (scope, name) = (Scope::Group(&member.key), Some(member.key.as_str()));
                found.push(Graph::of(text, scope, name, &member.value, &names, false));
            }
        }
        let mut seen: HashMap<Scope<'t>, usize> = HashMap::new();
        let graphs = found.into_iter().map(|graph| {
            let count = seen.entry(graph.scope).or_default();
            *count += 1;
            (*count, graph)
        });
        Self { text, api, graphs: graphs.collect() }
    }
}

impl<'t> Graph<'t> {
    fn of(
        text: &'t str,
        scope: Scope<'t>,
        name: Option<&'t str>,
        value: &'t Value,
        names: &HashMap<&str, &'t str>,
        api: bool,
    ) -> Self {
        let mut graph = Self { scope, name, value, nodes: Vec::new(), by_key: HashMap::new() };
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut add = |id: String, class: &'t str, title: Option<&'t str>, value: &'t Value| {
            let count = seen.entry(id.clone()).or_default();
            *count += 1;
            let key = (id.clone(), *count);
            let kind = names.get(class).copied().unwrap_or(class);
            graph.by_key.insert(key.clone(), graph.nodes.len());
            graph.nodes.push((key, Node { id, class, kind, title: title.filter(|title| *title != kind), value }));
        };
        if api {
            for member in value.as_object().unwrap_or_default() {
                let Some(class) = member.value.get("class_type").and_then(Value::as_str) else { continue };
                let title = member.value.get("_meta").and_then(|meta| meta.get("title")).and_then(Value::as_str);
                add(member.key.clone(), class, title, &member.value);
            }
            return graph;
        }
        for (position, node) in value.get("nodes").and_then(Value::as_array).unwrap_or_default().iter().enumerate() {
            let Some(class) = node.get("type").and_then(Value::as_str) else { continue };
            // The nodes of a group are told apart by where they stand: their ids are all -1.
            let id = match node.get("id").filter(|_| !matches!(scope, Scope::Group(_))) {
                Some(id) => spelled(text, id),
                None => format!("#{position}"),
            };
            add(id, class, node.get("title").and_then(Value::as_str), node);
        }
        graph
    }

    pub(super) fn node(&self, key: &NodeKey) -> Option<&Node<'t>> {
        self.by_key.get(key).map(|position| &self.nodes[*position].1)
    }

    /// The node a link means: of several with one id the first.
    pub(super) fn linked(&self, id: &str) -> Option<&Node<'t>> {
        self.node(&(id.to_owned(), 1))
    }
}
