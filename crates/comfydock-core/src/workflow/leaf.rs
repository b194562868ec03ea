//! The strings among a node's widgets.

use std::ops::Range;

use super::model_refs::PathStep;
use super::nodes::Node;
use crate::json::{Kind, Value};

/// Members by which packs switch an entry of a list on and off.
const SWITCHES: [&str; 2] = ["on", "active"];

/// Strings deeper than this, or below a longer key, are left alone: every string tells the way to it.
const DEEPEST: usize = 16;
const LONGEST_KEY: usize = 256;

/// What a real list stands under in API format, so that it is not taken for a link.
pub(super) const VALUE: &str = "__value__";

/// A string among a node's widgets.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'workflow> {
    /// Position among the widgets; for widgets kept as an object, the member's position.
    pub(super) index: usize,
    /// The way from the widgets to the string.
    pub(super) path: Vec<PathStep>,
    pub(super) value: &'workflow str,
    pub(super) span: Range<usize>,
    /// Whether the object around it is switched on.
    pub(super) on: bool,
}

impl Leaf<'_> {
    /// Whether the string is a widget of its own, in a plain list of widgets.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.path.as_slice(), [PathStep::Index(_)])
    }
}

/// Every string among the widgets, whatever their shape: list, object, null or absent. Of inputs in
/// API format those are left out that are linked.
pub(super) fn leaves<'workflow>(node: &Node<'workflow>) -> Vec<Leaf<'workflow>> {
    node.widgets.map_or_else(Vec::new, |widgets| below(widgets, node.api))
}

/// Every string below a value.
pub(super) fn strings(value: &Value) -> Vec<Leaf<'_>> {
    below(value, false)
}

fn below(value: &Value, api: bool) -> Vec<Leaf<'_>> {
    let mut walk = Walk { api, path: Vec::new(), index: 0, on: true, found: Vec::new() };
    walk.visit(value);
    walk.found
}

struct Walk<'workflow> {
    api: bool,
    path: Vec<PathStep>,
    index: usize,
    on: bool,
    found: Vec<Leaf<'workflow>>,
}

impl<'workflow> Walk<'workflow> {
    fn visit(&mut self, value: &'workflow Value) {
        let top = self.path.is_empty();
        match &value.kind {
            Kind::String(string) if !top => self.found.push(Leaf {
                index: self.index,
                path: self.path.clone(),
                value: string,
                span: value.span.clone(),
                on: self.on,
            }),
            Kind::Array(items) if !(self.api && is_link(items) && !self.in_value()) => {
                for (position, item) in items.iter().enumerate() {
                    self.step(PathStep::Index(position), position, top, item);
                }
            }
            Kind::Object(members) => {
                let outside = self.on;
                let is_off = |key: &str| value.get(key).is_some_and(|switch| switch.kind == Kind::Bool(false));
                self.on &= top || !SWITCHES.into_iter().any(is_off);
                for (position, member) in members.iter().enumerate() {
                    self.step(PathStep::Key(member.key.clone()), position, top, &member.value);
                }
                self.on = outside;
            }
            _ => {}
        }
    }

    /// Whether the walk stands in `{"__value__": …}`.
    fn in_value(&self) -> bool {
        matches!(self.path.last(), Some(PathStep::Key(key)) if key == VALUE)
    }

    fn step(&mut self, step: PathStep, position: usize, top: bool, value: &'workflow Value) {
        let is_long = matches!(&step, PathStep::Key(key) if key.len() > LONGEST_KEY);
        if is_long || self.path.len() == DEEPEST {
            return;
        }
        self.path.push(step);
        if top {
            self.index = position;
        }
        self.visit(value);
        self.path.pop();
    }
}

/// `["4", 0]`: the output of another node.
fn is_link(items: &[Value]) -> bool {
    matches!(items, [from, slot] if from.as_str().is_some() && slot.kind == Kind::Number)
}
