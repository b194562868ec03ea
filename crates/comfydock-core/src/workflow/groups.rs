//! Group nodes: one node on the canvas that stands for several, their widgets one after the other.
//!
//! ComfyUI's own are `workflow/NAME` (later `workflow>NAME`), defined in `extra.groupNodes`; those of
//! the Workflow Component pack are `## NAME [hash]`, defined in `components`. The values in a
//! definition are those at the time it was made; what runs stands on the instance.

use std::collections::HashMap;

use super::Workflow;
use super::candidate::looks_like_a_file;
use super::leaf::{Leaf, leaves};
use super::links::widget_named;
use super::model_refs::PathStep;
use super::nodes::Node;
use super::seat::{Seat, Widgets};
use crate::builtin;
use crate::custom;
use crate::json::Value;

/// Inputs are looked for at so many nodes of a group; real groups have a handful.
const MOST_NAMED: usize = 64;

/// The nodes a group node stands for, in the order of their widgets.
#[derive(Debug, Clone)]
pub(super) struct Group<'workflow> {
    pub(super) inner: Vec<Node<'workflow>>,
    /// How many widgets stand before those of each node.
    offsets: Vec<usize>,
    total: usize,
    /// The widgets that name files.
    known: Vec<Origin>,
}

/// Whether a node of this type stands for a group.
pub(super) fn is_group(node_type: &str) -> bool {
    node_type.starts_with("workflow/")
        || node_type.starts_with("workflow>")
        || (node_type.starts_with("## ") && node_type.ends_with(']'))
}

/// The definitions of a workflow's groups.
pub(super) struct Groups<'workflow> {
    text: &'workflow str,
    own: HashMap<&'workflow str, &'workflow Value>,
    components: HashMap<&'workflow str, &'workflow Value>,
}

impl<'workflow> Groups<'workflow> {
    pub(super) fn of(workflow: &'workflow Workflow) -> Self {
        let by_name = |value: Option<&'workflow Value>| -> HashMap<_, _> {
            let members = value.and_then(Value::as_object).unwrap_or_default();
            members.iter().map(|member| (member.key.as_str(), &member.value)).collect()
        };
        let root = workflow.root();
        Self {
            text: workflow.text(),
            own: by_name(root.get("extra").and_then(|extra| extra.get("groupNodes"))),
            components: by_name(root.get("components")),
        }
    }

    /// The group of this type, if the workflow defines it.
    pub(super) fn find(&self, node_type: &str) -> Option<Group<'workflow>> {
        let name = node_type.strip_prefix("workflow/").or_else(|| node_type.strip_prefix("workflow>"));
        let definition = match name {
            Some(name) => self.own.get(name)?,
            None if is_group(node_type) => self.components.get(node_type)?,
            None => return None,
        };
        let nodes = definition.get("nodes")?.as_array()?;
        let inner = nodes.iter().filter_map(|value| {
            let node_type = value.get("type").and_then(Value::as_str)?;
            Some(Node::inner(self.text, node_type, value))
        });
        Some(Group::of(inner.collect()))
    }
}

/// A widget of a node inside a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    /// The node's position in the group.
    pub(super) inner: usize,
    /// The way from its widgets to the string.
    pub(super) path: Vec<PathStep>,
}

impl<'workflow> Group<'workflow> {
    fn of(inner: Vec<Node<'workflow>>) -> Self {
        let (mut offsets, mut total, mut known) = (Vec::new(), 0, Vec::new());
        for (position, node) in inner.iter().enumerate() {
            offsets.push(total);
            total += node.widget_count();
            let names = |leaf: &Leaf<'_>| looks_like_a_file(leaf.value) || is_known(node.node_type, &leaf.path);
            let leaves = leaves(node).into_iter().filter(names);
            known.extend(leaves.map(|leaf| Origin { inner: position, path: leaf.path }));
        }
        Self { inner, offsets, total, known }
    }

    /// Where each string of the instance belongs.
    ///
    /// Widget by widget if there are as many as the inner nodes have together. The editor leaves out
    /// widgets that are linked inside the group; then names of files are matched in their order, if
    /// there are as many.
    pub(super) fn origins(&self, instance: &Node<'_>, strings: &[Leaf<'_>]) -> Vec<Option<Origin>> {
        if self.fits(instance) {
            return strings.iter().map(|leaf| self.at(&leaf.path)).collect();
        }
        let names = |leaf: &Leaf<'_>| looks_like_a_file(leaf.value);
        let wanted = strings.iter().filter(|leaf| names(leaf)).count();
        let mut known = if self.known.len() == wanted { self.known.as_slice() } else { &[] }.iter().cloned();
        strings.iter().map(|leaf| if names(leaf) { known.next() } else { None }).collect()
    }

    /// Whether the instance has every widget of the nodes inside.
    fn fits(&self, instance: &Node<'_>) -> bool {
        self.total == instance.widget_count()
    }

    fn at(&self, path: &[PathStep]) -> Option<Origin> {
        let (PathStep::Index(index), rest) = path.split_first()? else { return None };
        let inner = self.offsets.partition_point(|offset| offset <= index).checked_sub(1)?;
        let path = std::iter::once(PathStep::Index(index - self.offsets[inner])).chain(rest.iter().cloned()).collect();
        Some(Origin { inner, path })
    }

    /// The widget that an input of the instance stands for: the editor calls it as the node inside
    /// does, with that node's title or type before it where a name is taken.
    pub(super) fn named(&self, name: &str) -> Option<Origin> {
        self.inner.iter().take(MOST_NAMED).enumerate().find_map(|(inner, node)| {
            let title = node.value.get("title").and_then(Value::as_str);
            let behind = |before: &str| name.strip_prefix(before)?.strip_prefix(' ');
            let own = title.and_then(behind).or_else(|| behind(node.node_type)).unwrap_or(name);
            let index = widget_named(node.node_type, node.widgets, own)?;
            Some(Origin { inner, path: vec![PathStep::Index(index)] })
        })
    }

    /// How the tables are asked for a widget of an instance.
    pub(super) fn seat(&self, instance: &Node<'workflow>, origin: &Origin) -> Seat<'workflow> {
        let node = &self.inner[origin.inner];
        // Where widgets are left out, the definition is all that tells of switches and counts.
        let (widgets, offset) =
            if self.fits(instance) { (instance.widgets, self.offsets[origin.inner]) } else { (node.widgets, 0) };
        Seat { node_type: node.node_type, path: origin.path.clone(), widgets: Widgets::elsewhere(widgets), offset }
    }

    /// Whether the node inside is neither muted nor bypassed.
    pub(super) fn runs(&self, origin: &Origin) -> bool {
        self.inner[origin.inner].active
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
