//! Copies of a model's name that ComfyUI keeps beside the widget.

use std::collections::HashMap;
use std::ops::Range;

use super::candidate::leaves;
use super::model_refs::ModelRef;
use super::nodes::Node;
use crate::json::Value;

/// Adds the copies in a node's `widgets_values_named` to that node's references.
///
/// When a value stands there as often as among the widgets, the copies belong to them in order;
/// otherwise every reference of that value carries all of them.
pub(super) fn add_named(node: &Value, references: &mut [ModelRef]) {
    for (position, value) in values(references).into_iter().enumerate() {
        let copies = named(node, &value);
        let equal: Vec<usize> = (0..references.len()).filter(|&other| references[other].value == value).collect();
        if copies.len() == equal.len() {
            let rank = equal.iter().position(|&other| other == position).unwrap_or_default();
            references[position].mirrors.push(copies[rank].clone());
        } else {
            references[position].mirrors.extend(copies);
        }
    }
}

fn values(references: &[ModelRef]) -> Vec<String> {
    references.iter().map(|reference| reference.value.clone()).collect()
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
pub(super) fn add_primitives(all: &[Node<'_>], references: &mut [ModelRef]) {
    let graph = |path: &str| path.rsplit_once(':').map(|(graph, _)| graph.to_owned());
    let mut holding: HashMap<(Option<String>, String), Vec<usize>> = HashMap::new();
    for (position, reference) in references.iter().enumerate() {
        let key = (graph(&reference.node_id), reference.value.clone());
        holding.entry(key).or_default().push(position);
    }
    for primitive in all.iter().filter(|node| node.node_type == "PrimitiveNode") {
        for leaf in leaves(primitive.value) {
            let key = (graph(&primitive.path), leaf.value.to_owned());
            for &position in holding.get(&key).into_iter().flatten() {
                references[position].mirrors.push(leaf.span.clone());
            }
        }
    }
}
