//! Group nodes: one node on the canvas that stands for several, their widgets one after the other.
//!
//! ComfyUI's own are `workflow/NAME` (later `workflow>NAME`), defined in `extra.groupNodes`; those of
//! the Workflow Component pack are `## NAME [hash]`, defined in `components`. The values in a
//! definition are those at the time it was made; what runs stands on the instance.

use super::candidate::looks_like_a_file;
use super::leaf::{Leaf, leaves};
use super::model_refs::PathStep;
use super::nodes::Node;
use crate::builtin;
use crate::custom;
use crate::json::Value;

/// The nodes a group node stands for, in the order of their widgets.
#[derive(Debug, Clone)]
pub(super) struct Group<'workflow> {
    pub(super) inner: Vec<Node<'workflow>>,
}

/// Whether a node of this type stands for a group.
pub(super) fn is_group(node_type: &str) -> bool {
    node_type.starts_with("workflow/")
        || node_type.starts_with("workflow>")
        || (node_type.starts_with("## ") && node_type.ends_with(']'))
}

/// The group's definition, if the workflow has it.
pub(super) fn find<'workflow>(root: &'workflow Value, node_type: &str) -> Option<Group<'workflow>> {
    let name = node_type.strip_prefix("workflow/").or_else(|| node_type.strip_prefix("workflow>"));
    let definition = match name {
        Some(name) => root.get("extra")?.get("groupNodes")?.get(name)?,
        None => root.get("components").filter(|_| is_group(node_type))?.get(node_type)?,
    };
    let nodes = definition.get("nodes")?.as_array()?;
    let inner = nodes.iter().filter_map(|value| {
        let node_type = value.get("type").and_then(Value::as_str)?;
        Some(Node::inner(node_type, value))
    });
    Some(Group { inner: inner.collect() })
}

/// The node type and the widget of it that a string of a group node belongs to.
#[derive(Debug, Clone)]
pub(super) struct Origin<'workflow> {
    pub(super) node_type: &'workflow str,
    pub(super) path: Vec<PathStep>,
}

impl<'workflow> Group<'workflow> {
    /// Where each string of the instance belongs.
    ///
    /// Widget by widget if there are as many as the inner nodes have together. The editor leaves out
    /// widgets that are linked inside the group; then names of files are matched in their order, if
    /// there are as many.
    pub(super) fn origins(&self, instance: &Node<'_>, strings: &[Leaf<'_>]) -> Vec<Option<Origin<'workflow>>> {
        let inner: Vec<(usize, &Node<'_>)> = self.inner.iter().map(|node| (node.widget_count(), node)).collect();
        let total: usize = inner.iter().map(|(count, _)| count).sum();
        if total == instance.widget_count() {
            return strings.iter().map(|leaf| self.at(&leaf.path)).collect();
        }
        let names = |leaf: &Leaf<'_>| looks_like_a_file(leaf.value);
        let known: Vec<Origin<'workflow>> = self
            .inner
            .iter()
            .flat_map(|node| leaves(node).into_iter().map(move |leaf| (node.node_type, leaf)))
            .filter(|(node_type, leaf)| names(leaf) || is_known(node_type, &leaf.path))
            .map(|(node_type, leaf)| Origin { node_type, path: leaf.path })
            .collect();
        let wanted = strings.iter().filter(|leaf| names(leaf)).count();
        let mut known = if known.len() == wanted { known } else { Vec::new() }.into_iter();
        strings.iter().map(|leaf| if names(leaf) { known.next() } else { None }).collect()
    }

    fn at(&self, path: &[PathStep]) -> Option<Origin<'workflow>> {
        let (PathStep::Index(index), rest) = path.split_first()? else { return None };
        let mut index = *index;
        for node in &self.inner {
            let count = node.widget_count();
            if index < count {
                let path = std::iter::once(PathStep::Index(index)).chain(rest.iter().cloned()).collect();
                return Some(Origin { node_type: node.node_type, path });
            }
            index -= count;
        }
        None
    }
}

fn is_known(node_type: &str, path: &[PathStep]) -> bool {
    let slot = match path {
        [PathStep::Index(index)] => builtin::slot(node_type, *index),
        _ => None,
    };
    slot.is_some_and(|slot| slot.kind == builtin::Kind::File)
        || custom::find(node_type, path).is_some_and(|hit| hit.holds == custom::Holds::File)
}
