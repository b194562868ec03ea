//! Widgets whose stored value is not what runs, because a link feeds them.

use std::collections::{HashMap, HashSet};

use super::nodes::Node;
use super::{Workflow, nodes};
use crate::builtin;
use crate::custom;
use crate::json::Value;

/// Which links of a workflow bring a value of their own: the link's graph and id.
pub(super) struct Links<'workflow> {
    text: &'workflow str,
    feeding: HashSet<(Option<&'workflow str>, String)>,
}

impl<'workflow> Links<'workflow> {
    /// Of the links in all graphs those that come from a node other than a `PrimitiveNode`, which holds
    /// the same value as the widget it feeds. Links from a subgraph's own inputs are no matter of the
    /// nodes inside (see `promoted`).
    pub(super) fn of(workflow: &'workflow Workflow, all: &[Node<'workflow>]) -> Self {
        let text = workflow.text();
        let types: HashMap<(Option<&str>, &str), &str> =
            all.iter().map(|node| ((node.definition, node.local_id()), node.node_type)).collect();
        let mut graphs = vec![(None, workflow.root())];
        let mut definitions = Vec::new();
        nodes::collect_definitions(workflow.root(), &mut definitions);
        graphs.extend(definitions.into_iter().map(|(id, definition)| (Some(id), definition)));
        let mut feeding = HashSet::new();
        for (graph, value) in graphs {
            for link in value.get("links").and_then(Value::as_array).unwrap_or_default() {
                let (id, origin) = match link.as_array() {
                    Some(parts) => (parts.first(), parts.get(1)),
                    None => (link.get("id"), link.get("origin_id")),
                };
                let (Some(id), Some(origin)) = (id, origin) else { continue };
                let from = types.get(&(graph, spelled(text, origin).as_str())).copied();
                if from.is_some_and(|from| from != "PrimitiveNode") {
                    feeding.insert((graph, spelled(text, id)));
                }
            }
        }
        Self { text, feeding }
    }

    /// The positions of the node's widgets that a link feeds.
    pub(super) fn fed(&self, node: &Node<'workflow>) -> HashSet<usize> {
        let inputs = node.value.get("inputs").and_then(Value::as_array).unwrap_or_default();
        let with_widget: Vec<(&str, bool)> = inputs
            .iter()
            .filter_map(|input| {
                let name = input.get("widget")?.get("name")?.as_str()?;
                let link = input.get("link").filter(|link| !link.is_null());
                let fed = link.is_some_and(|link| self.feeding.contains(&(node.definition, spelled(self.text, link))));
                Some((name, fed))
            })
            .collect();
        // Not every widget has an input; only if all do, their order tells the position.
        let all_have_one = with_widget.len() == node.widget_count();
        let known = |name: &str| {
            builtin::slot_named(node.node_type, name)
                .map(|slot| slot.widget_index)
                .or_else(|| custom::widget_index(node.node_type, name))
        };
        with_widget
            .iter()
            .enumerate()
            .filter(|(_, (_, fed))| *fed)
            .filter_map(|(position, (name, _))| known(name).or(all_have_one.then_some(position)))
            .collect()
    }
}

/// An id as text, whether it is written as a number or as a string.
pub(super) fn spelled(text: &str, value: &Value) -> String {
    value.as_str().map_or_else(|| value.text(text).to_owned(), str::to_owned)
}
