//! Which strings among a node's widgets may name a model.

use std::ops::Range;

use super::model_refs::PathStep;
use crate::category;
use crate::json::{Kind, Value};

/// Longer strings are prompts or scripts, not file names.
const LONGEST_NAME: usize = 400;

/// Nodes that exist only in the editor; their text runs nothing. `PrimitiveNode` holds a copy of
/// another widget's value and is handled as a mirror.
const EDITOR_ONLY: [&str; 4] = ["Note", "MarkdownNote", "PrimitiveNode", "Reroute"];

/// Nodes that show text they were given; a model name there is an output.
const DISPLAYS: [&str; 9] = [
    "Display Any (rgthree)",
    "DisplayAny",
    "DisplayText",
    "Lora Info (LoraManager)",
    "PreviewAny",
    "PreviewText",
    "ShowText|pysssss",
    "easy showAnything",
    "easy showText",
];

/// A string among a node's widgets.
#[derive(Debug)]
pub(super) struct Leaf<'workflow> {
    /// Position among the widgets; for widgets kept as an object, the member's position.
    pub(super) index: usize,
    /// The way from `widgets_values` to the string.
    pub(super) path: Vec<PathStep>,
    pub(super) value: &'workflow str,
    pub(super) span: Range<usize>,
}

impl Leaf<'_> {
    /// Whether the string is a widget of its own, in a plain list of widgets.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.path.as_slice(), [PathStep::Index(_)])
    }
}

/// Every string below `widgets_values`, whatever its shape: list, object, null or absent.
pub(super) fn leaves(node: &Value) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    if let Some(values) = node.get("widgets_values") {
        walk(values, &mut Vec::new(), 0, &mut found);
    }
    found
}

fn walk<'workflow>(value: &'workflow Value, path: &mut Vec<PathStep>, index: usize, found: &mut Vec<Leaf<'workflow>>) {
    let top = path.is_empty();
    match &value.kind {
        Kind::String(string) if !top => {
            found.push(Leaf { index, path: path.clone(), value: string, span: value.span.clone() })
        }
        Kind::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                path.push(PathStep::Index(position));
                walk(item, path, if top { position } else { index }, found);
                path.pop();
            }
        }
        Kind::Object(members) => {
            for (position, member) in members.iter().enumerate() {
                path.push(PathStep::Key(member.key.clone()));
                walk(&member.value, path, if top { position } else { index }, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Whether strings of this node type are taken for models by their ending.
pub(super) fn reads_models(node_type: &str) -> bool {
    !EDITOR_ONLY.contains(&node_type) && !DISPLAYS.contains(&node_type) && !node_type.contains("Save")
}

/// Whether a string looks like a model file's name: one line, a known ending, no prompt syntax.
pub(super) fn looks_like_a_file(value: &str) -> bool {
    value.chars().count() <= LONGEST_NAME
        && !value.contains(['\n', '\r', '<', '>', '|', '*', '?', '"'])
        && !value.contains("://")
        && !value.starts_with("embedding:")
        && category::wide_model_extension(value.trim_end())
}
