//! What changed inside a workflow, in terms of nodes, widgets and links.

mod graph;
mod keys;
mod links;
mod node;
mod widgets;

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use self::graph::{Graph, Parts, Scope};
use self::keys::Role;
use self::widgets::Side;
use super::value::{Json, named};
use super::{Change, Pair};
use crate::json::{Kind, Value};
use crate::workflow::{Workflow, same_content};

/// A node as people find it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct NodeName {
    /// Its id in its graph; `#` and a position where it has none.
    pub id: String,
    /// Its class; a subgraph's name for an instance of it.
    pub kind: String,
    /// What the user called it, if that is not the class.
    pub title: Option<String>,
}

/// Where a link comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// The node.
    pub node: NodeName,
    /// The output's name, or its number where the file tells no name.
    pub output: String,
}

/// A widget with another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WidgetDifference {
    /// Its name, where that is known.
    pub name: Option<String>,
    /// Its position, from 0, where widgets are a list.
    pub index: Option<usize>,
    /// The way into a value that is a list or an object.
    pub path: Vec<String>,
    /// What it was; none for a widget that was not there.
    pub before: Option<Json>,
    /// What it is; none for one that is not there.
    pub after: Option<Json>,
}

/// Anything else that has a name and a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Property {
    /// The subgraph or group node; none for the workflow itself.
    pub graph: Option<String>,
    /// Its name: `properties.text`, `input mask`.
    pub key: String,
    /// What it was.
    pub before: Option<Json>,
    /// What it is.
    pub after: Option<Json>,
}

/// A node that is new, gone or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeDifference {
    /// The subgraph or group node it stands in; none at the root.
    pub graph: Option<String>,
    /// What became of it.
    pub change: Change,
    /// The node.
    pub node: NodeName,
    /// The class it had, if that changed: it is another node then, and its widgets are not compared.
    pub was: Option<String>,
    /// `active`, `muted`, `bypassed` or `mode N`.
    pub mode: Option<Pair>,
    /// What the user calls it; empty without a title of its own.
    pub title: Option<Pair>,
    /// Widgets.
    pub widgets: Vec<WidgetDifference>,
    /// Inputs, outputs, properties and what else has a name.
    pub properties: Vec<Property>,
}

/// An input that another node feeds now, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkDifference {
    /// The subgraph or group node it lies in; none at the root.
    pub graph: Option<String>,
    /// The node whose input it is.
    pub node: NodeName,
    /// The input's name, or its number where the file tells no name.
    pub input: String,
    /// What fed it.
    pub before: Option<End>,
    /// What feeds it.
    pub after: Option<End>,
}

/// A definition of a subgraph or a group node that is new or gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartDifference {
    /// New or gone.
    pub change: Change,
    /// What the user calls it.
    pub name: String,
    /// How many nodes are in it.
    pub nodes: usize,
}

/// What only looks different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayoutDifference {
    /// The subgraph or group node; none for the root.
    pub graph: Option<String>,
    /// The node; none for the graph itself.
    pub node: Option<NodeName>,
    /// What of it.
    pub keys: Vec<String>,
}

/// How two workflows differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    /// Subgraphs and group nodes that are new or gone, with all that is in them.
    pub parts: Vec<PartDifference>,
    /// Nodes.
    pub nodes: Vec<NodeDifference>,
    /// Links, each by the input it ends at.
    pub links: Vec<LinkDifference>,
    /// Whatever else has a name and a value.
    pub properties: Vec<Property>,
    /// What only looks different.
    pub layout: Vec<LayoutDifference>,
}

impl Content {
    /// Whether nothing differs, not even the looks.
    pub fn is_empty(&self) -> bool {
        self.runs_the_same() && self.layout.is_empty()
    }

    /// Whether nothing differs but the looks.
    pub fn runs_the_same(&self) -> bool {
        self.parts.is_empty() && self.nodes.is_empty() && self.links.is_empty() && self.properties.is_empty()
    }
}

/// Holds two workflows against each other, in either format. Our metadata never counts. Empty if and
/// only if the two are the same ([`same_content`]): what no other part explains is counted as layout.
pub fn compare(before: &str, after: &str) -> Content {
    let mut content = Content::default();
    if same_content(before, after) {
        return content;
    }
    let parsed = [before, after].map(|text| Workflow::parse_any(text.to_owned()).ok());
    let [Some(one), Some(other)] = &parsed else {
        let readable = parsed.map(|side| side.is_some());
        // Of two that nobody can read it is known that they differ, and no more.
        let text = Property { graph: None, key: "text".to_owned(), before: None, after: None };
        content.properties.push(if readable == [false, false] { text } else { whole("readable", readable) });
        return content;
    };
    let (one, other) = (Parts::of(one), Parts::of(other));
    if one.api == other.api {
        graphs(&one, &other, &mut content);
    } else {
        content.properties.push(whole("API format", [one.api, other.api]));
    }
    if content.is_empty() {
        // Ids of links, the order of nodes, names in the user's language: it runs the same.
        content.layout.push(LayoutDifference { graph: None, node: None, keys: vec!["form".to_owned()] });
    }
    content
}

/// How many nodes a workflow has, those in subgraphs and group nodes included; none if it cannot be read.
pub fn node_count(text: &str) -> Option<usize> {
    let workflow = Workflow::parse_any(text.to_owned()).ok()?;
    Some(Parts::of(&workflow).graphs.iter().map(|(_, graph)| graph.nodes.len()).sum())
}

/// A fact about the whole file.
fn whole(key: &str, [before, after]: [bool; 2]) -> Property {
    let word = |is: bool| Some(Json::string(if is { "yes" } else { "no" }));
    Property { graph: None, key: key.to_owned(), before: word(before), after: word(after) }
}

fn graphs(one: &Parts<'_>, other: &Parts<'_>, content: &mut Content) {
    let mut later: HashMap<(Scope<'_>, usize), &Graph<'_>> =
        other.graphs.iter().map(|(count, graph)| ((graph.scope, *count), graph)).collect();
    let part = |change, graph: &Graph<'_>| PartDifference {
        change,
        name: named(graph.name.unwrap_or_default()),
        nodes: graph.nodes.len(),
    };
    for (count, before) in &one.graphs {
        match later.remove(&(before.scope, *count)) {
            Some(after) => Pairing { one, other, before, after }.compare(content),
            None => content.parts.push(part(Change::Removed, before)),
        }
    }
    for (count, graph) in &other.graphs {
        if later.contains_key(&(graph.scope, *count)) {
            content.parts.push(part(Change::Added, graph));
        }
    }
}

/// One graph on both sides.
struct Pairing<'a, 't> {
    one: &'a Parts<'t>,
    other: &'a Parts<'t>,
    before: &'a Graph<'t>,
    after: &'a Graph<'t>,
}

impl Pairing<'_, '_> {
    fn compare(&self, content: &mut Content) {
        self.nodes(content);
        self.links(content);
        self.members(content);
    }

    fn name(&self) -> Option<String> {
        self.after.name.map(named)
    }

    fn nodes(&self, content: &mut Content) {
        let alone = |change, node: &graph::Node<'_>| NodeDifference {
            graph: self.name(),
            change,
            node: NodeName::of(node),
            was: None,
            mode: None,
            title: None,
            widgets: Vec::new(),
            properties: Vec::new(),
        };
        for (key, before) in &self.before.nodes {
            let Some(after) = self.after.node(key) else {
                content.nodes.push(alone(Change::Removed, before));
                continue;
            };
            let sides = [(before, self.one), (after, self.other)].map(|(node, parts)| Side {
                node,
                text: parts.text,
                api: parts.api,
            });
            let (found, layout) = node::compare(self.after.name, sides[0], sides[1]);
            content.nodes.extend(found);
            if !layout.is_empty() {
                let node = Some(NodeName::of(after));
                content.layout.push(LayoutDifference { graph: self.name(), node, keys: layout });
            }
        }
        let added = self.after.nodes.iter().filter(|(key, _)| self.before.node(key).is_none());
        content.nodes.extend(added.map(|(_, node)| alone(Change::Added, node)));
    }

    fn links(&self, content: &mut Content) {
        let (order, before) = links::of(self.before, self.one.text, self.one.api);
        let (later_order, mut after) = links::of(self.after, self.other.text, self.other.api);
        let known: HashSet<&links::Target> = order.iter().collect();
        let added: Vec<&links::Target> = later_order.iter().filter(|target| !known.contains(target)).collect();
        for target in order.iter().chain(added) {
            let (was, is) = (before.get(target), after.remove(target));
            let place = |end: Option<&End>| end.map(|end| (end.node.id.clone(), end.output.clone()));
            if place(was) == place(is.as_ref()) {
                continue;
            }
            let (id, input) = target;
            let graph = if self.after.linked(id).is_some() { self.after } else { self.before };
            content.links.push(LinkDifference {
                graph: self.name(),
                node: links::target_name(graph, id),
                input: named(input),
                before: was.cloned(),
                after: is,
            });
        }
    }

    /// Whatever the graph has besides nodes and links.
    fn members(&self, content: &mut Content) {
        let (mut properties, mut layout) = (Vec::new(), Vec::new());
        let values = (self.before.value, self.after.value);
        let texts = (self.one.text, self.other.text);
        if self.one.api {
            // Every member is a node; what is none has a name all the same.
            let is_node = |value: &Value| value.get("class_type").is_some_and(|class| class.as_str().is_some());
            node::members(values, texts, "", |_| Role::Content, &mut properties, &mut layout);
            let of = |value: &Value, key: &str| value.get(key).is_some_and(is_node);
            properties.retain(|found| !of(values.0, &found.key) && !of(values.1, &found.key));
        } else {
            node::members(values, texts, "", keys::of_graph, &mut properties, &mut layout);
            for (what, key) in [("input", "inputs"), ("output", "outputs")] {
                node::slots(what, values.0.get(key), values.1.get(key), &mut properties);
            }
            let nothing = Value { span: 0..0, kind: Kind::Null };
            let [one, other] = [values.0, values.1].map(|value| value.get("extra").unwrap_or(&nothing));
            node::members((one, other), texts, "extra.", keys::of_extra, &mut properties, &mut layout);
        }
        let graph = self.name();
        content.properties.extend(properties.into_iter().map(|property| Property { graph: graph.clone(), ..property }));
        if !layout.is_empty() {
            content.layout.push(LayoutDifference { graph, node: None, keys: layout });
        }
    }
}
