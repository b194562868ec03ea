//! Widgets whose stored value is not what runs, because a link feeds them.

use std::collections::{HashMap, HashSet};

use super::nodes::Node;
use super::{Workflow, nodes};
use crate::builtin;
use crate::custom;
use crate::json::Value;

/// Nodes that only lead a link around a corner. (`extra.reroutes` are bends of one link, which keeps
/// its origin.)
const REROUTES: [&str; 2] = ["Reroute", "Reroute (rgthree)"];

/// A link within its graph.
type Link<'workflow> = (Option<&'workflow str>, String);

/// Where a widget's value comes from instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    /// The `PrimitiveNode` at this position among all nodes: its own value is put into the widget.
    Primitive(usize),
    /// Something that only running tells.
    Other,
}

/// A widget's input that a link feeds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fed<'workflow> {
    /// The widget's name.
    pub(super) name: &'workflow str,
    pub(super) feed: Feed,
    /// The widget's position, if every widget of the node has an input.
    pub(super) position: Option<usize>,
}

/// What the links of a workflow bring.
pub(super) struct Links<'workflow> {
    text: &'workflow str,
    /// Graphs that say what is linked, even if nothing is.
    known: HashSet<Option<&'workflow str>>,
    feeds: HashMap<Link<'workflow>, Option<Feed>>,
}

impl<'workflow> Links<'workflow> {
    /// Links from a subgraph's own inputs bring nothing: they are no matter of the nodes inside (see
    /// `promoted`).
    pub(super) fn of(workflow: &'workflow Workflow, all: &[Node<'workflow>]) -> Self {
        let text = workflow.text();
        let mut graphs = vec![(None, workflow.root())];
        let mut definitions = Vec::new();
        nodes::collect_definitions(workflow.root(), &mut definitions);
        graphs.extend(definitions.into_iter().map(|(id, definition)| (Some(id), definition)));
        let mut known = HashSet::new();
        let mut origins: HashMap<Link<'workflow>, String> = HashMap::new();
        for (graph, value) in graphs {
            let Some(links) = value.get("links").and_then(Value::as_array) else { continue };
            known.insert(graph);
            for link in links {
                let (id, origin) = match link.as_array() {
                    Some(parts) => (parts.first(), parts.get(1)),
                    None => (link.get("id"), link.get("origin_id")),
                };
                if let (Some(id), Some(origin)) = (id, origin) {
                    origins.insert((graph, spelled(text, id)), spelled(text, origin));
                }
            }
        }
        let nodes: HashMap<(Option<&str>, &str), usize> =
            all.iter().enumerate().map(|(at, node)| ((node.definition, node.local_id()), at)).collect();
        let mut links = Self { text, known, feeds: HashMap::new() };
        for link in origins.keys() {
            links.follow(link, &origins, |graph, id| nodes.get(&(graph, id)).map(|&at| (at, &all[at])));
        }
        links
    }

    /// Follows a link back over the nodes that only pass it on; every link on the way brings the same.
    fn follow<'all>(
        &mut self,
        link: &Link<'workflow>,
        origins: &HashMap<Link<'workflow>, String>,
        node: impl Fn(Option<&'workflow str>, &str) -> Option<(usize, &'all Node<'workflow>)>,
    ) where
        'workflow: 'all,
    {
        let mut way = Vec::new();
        let mut next = Some(link.clone());
        let feed = loop {
            let Some(link) = next else { break None };
            if let Some(feed) = self.feeds.get(&link) {
                break *feed;
            }
            // For the time being, so that a ring ends.
            self.feeds.insert(link.clone(), None);
            let origin = origins.get(&link).and_then(|origin| node(link.0, origin));
            let graph = link.0;
            way.push(link);
            let Some((at, origin)) = origin else { break None };
            match origin.node_type {
                "PrimitiveNode" => break Some(Feed::Primitive(at)),
                passing if REROUTES.contains(&passing) => {
                    let input = origin.value.get("inputs").and_then(|inputs| inputs.as_array()?.first()?.get("link"));
                    next = input.map(|link| (graph, spelled(self.text, link)));
                }
                _ => break Some(Feed::Other),
            }
        };
        for link in way {
            self.feeds.insert(link, feed);
        }
    }

    /// Whether the graph says what is linked.
    pub(super) fn are_known(&self, graph: Option<&'workflow str>) -> bool {
        self.known.contains(&graph)
    }

    /// The node's widgets that a link feeds.
    pub(super) fn fed(&self, node: &Node<'workflow>) -> Vec<Fed<'workflow>> {
        let inputs = node.value.get("inputs").and_then(Value::as_array).unwrap_or_default();
        let with_widget: Vec<(&str, Option<Feed>)> = inputs
            .iter()
            .filter_map(|input| {
                let name = input.get("widget")?.get("name")?.as_str()?;
                let link = input.get("link").filter(|link| !link.is_null());
                let feed = link.and_then(|link| self.feeds.get(&(node.definition, spelled(self.text, link))));
                Some((name, feed.copied().flatten()))
            })
            .collect();
        // Not every widget has an input; only if all do, their order tells the position.
        let all_have_one = with_widget.len() == node.widget_count();
        let fed = |(position, &(name, feed)): (usize, &(&'workflow str, Option<Feed>))| {
            Some(Fed { name, feed: feed?, position: all_have_one.then_some(position) })
        };
        with_widget.iter().enumerate().filter_map(fed).collect()
    }
}

/// The position of a node's widget of this name, where the tables or the node tell it.
pub(super) fn widget_named(node_type: &str, widgets: Option<&Value>, name: &str) -> Option<usize> {
    let named = || widgets?.as_object()?.iter().position(|member| member.key == name);
    builtin::slot_named(node_type, name)
        .map(|slot| slot.widget_index)
        .or_else(|| custom::widget_index(node_type, name))
        .or_else(named)
}

/// An id as text, whether it is written as a number or as a string.
pub(crate) fn spelled(text: &str, value: &Value) -> String {
    value.as_str().map_or_else(|| value.text(text).to_owned(), str::to_owned)
}
