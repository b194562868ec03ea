//! Copies of a model's name that ComfyUI keeps beside the widget.

use std::collections::HashMap;
use std::ops::Range;

use super::found::Found;
use super::leaf::leaves;
use super::nodes::Node;
use crate::json::Value;

/// Adds the copies in a node's `widgets_values_named` to that node's references.
///
/// When a string stands there as often as among the widgets, the copies belong to them in order;
/// otherwise every reference in that string carries all of them.
pub(super) fn add_named(text: &str, node: &Value, references: &mut [Found<'_>]) {
    let mut widgets: HashMap<&str, Vec<usize>> = HashMap::new();
    for found in references.iter() {
        let starts = widgets.entry(found.literal).or_default();
        if !starts.contains(&found.literal_span.start) {
            starts.push(found.literal_span.start);
        }
    }
    for found in references.iter_mut() {
        let copies = named(node, found.literal);
        let equal = &widgets[found.literal];
        let rank = equal.iter().position(|start| *start == found.literal_span.start).unwrap_or_default();
        let own = if copies.len() == equal.len() { &copies[rank..=rank] } else { &copies[..] };
        for span in own {
            found.copy(text, span);
        }
    }
}

/// Where `widgets_values_named` holds this string.
pub(super) fn named(node: &Value, value: &str) -> Vec<Range<usize>> {
    let members = node.get("widgets_values_named").and_then(Value::as_object).unwrap_or_default();
    members
        .iter()
        .filter(|member| member.value.as_str() == Some(value))
        .map(|member| member.value.span.clone())
        .collect()
}

/// Adds the copies in `PrimitiveNode`s, which feed their value to the widget they are linked to, to
/// the references of the same graph that hold the same string.
pub(super) fn add_primitives(text: &str, all: &[Node<'_>], references: &mut [Found<'_>]) {
    let graph = |path: &str| path.rsplit_once(':').map(|(graph, _)| graph.to_owned());
    let mut holding: HashMap<(Option<String>, &str), Vec<usize>> = HashMap::new();
    for (position, found) in references.iter().enumerate() {
        holding.entry((graph(&found.reference.node_id), found.literal)).or_default().push(position);
    }
    for primitive in all.iter().filter(|node| node.node_type == "PrimitiveNode") {
        for leaf in leaves(primitive) {
            for &position in holding.get(&(graph(&primitive.path), leaf.value)).into_iter().flatten() {
                references[position].copy(text, &leaf.span);
            }
        }
    }
}
