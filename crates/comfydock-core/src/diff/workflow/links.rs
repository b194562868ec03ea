//! Links by what they connect, whatever their ids.

use std::collections::HashMap;

use super::graph::{Graph, Scope};
use super::{End, NodeName};
use crate::diff::value::named;
use crate::json::{Kind, Value};
use crate::workflow::spelled;

/// The ends that stand for a subgraph's own inputs and outputs.
const SUBGRAPH_INPUT: &str = "-10";
const SUBGRAPH_OUTPUT: &str = "-20";

/// Slots of a node with more than these have no names, only numbers.
const MOST_SLOTS: usize = 256;

/// Where a link ends: a node's id and the input's name.
pub(super) type Target = (String, String);

/// The links of a graph by where they end, in the order of the file. An input has one link; of several
/// the last counts.
pub(super) fn of<'t>(graph: &Graph<'t>, text: &'t str, api: bool) -> (Vec<Target>, HashMap<Target, End>) {
    let mut order = Vec::new();
    let mut links = HashMap::new();
    let mut add = |target: Target, origin: End| {
        if links.insert(target.clone(), origin).is_none() {
            order.push(target);
        }
    };
    if api {
        for (_, node) in &graph.nodes {
            for member in node.value.get("inputs").and_then(Value::as_object).unwrap_or_default() {
                if let Some((origin, slot)) = api_link(&member.value, text) {
                    add((node.id.clone(), member.key.clone()), end(graph, &origin, slot));
                }
            }
        }
        return (order, links);
    }
    for link in graph.value.get("links").and_then(Value::as_array).unwrap_or_default() {
        let part = |position: usize, key: &str| match link.as_array() {
            Some(parts) => parts.get(position),
            None => link.get(key),
        };
        // A group's links say no ids of their own and name nodes by position.
        let (first, mark) = if matches!(graph.scope, Scope::Group(_)) { (0, "#") } else { (1, "") };
        let ends = [
            part(first, "origin_id"),
            part(first + 1, "origin_slot"),
            part(first + 2, "target_id"),
            part(first + 3, "target_slot"),
        ];
        let [Some(origin), Some(origin_slot), Some(target), Some(target_slot)] = ends else { continue };
        let id = |value: &Value| format!("{mark}{}", spelled(text, value));
        let slot = |value: &Value| spelled(text, value);
        let target = id(target);
        let input = input_name(graph, &target, &slot(target_slot));
        add((target, input), end(graph, &id(origin), slot(origin_slot)));
    }
    (order, links)
}

/// In API format an input is linked if it is a list of an id and a number.
pub(super) fn api_link(value: &Value, text: &str) -> Option<(String, String)> {
    match value.as_array()? {
        [origin, slot] if slot.kind == Kind::Number && matches!(origin.kind, Kind::String(_) | Kind::Number) => {
            Some((spelled(text, origin), slot.text(text).to_owned()))
        }
        _ => None,
    }
}

fn end(graph: &Graph<'_>, id: &str, slot: String) -> End {
    if id == SUBGRAPH_INPUT && graph.linked(id).is_none() {
        let output = named(&slot_name(graph.value.get("inputs"), &slot).unwrap_or(slot));
        return End { node: NodeName::plain(id, "subgraph input"), output };
    }
    match graph.linked(id) {
        Some(node) => {
            let output = named(&slot_name(node.value.get("outputs"), &slot).unwrap_or(slot));
            End { node: NodeName::of(node), output }
        }
        None => End { node: NodeName::plain(id, "no node"), output: named(&slot) },
    }
}

/// What the link ends at, as people know it.
pub(super) fn target_name(graph: &Graph<'_>, id: &str) -> NodeName {
    match graph.linked(id) {
        Some(node) => NodeName::of(node),
        None if id == SUBGRAPH_OUTPUT => NodeName::plain(id, "subgraph output"),
        None => NodeName::plain(id, "no node"),
    }
}

fn input_name(graph: &Graph<'_>, id: &str, slot: &str) -> String {
    let slots = match graph.linked(id) {
        Some(node) => node.value.get("inputs"),
        None if id == SUBGRAPH_OUTPUT => graph.value.get("outputs"),
        None => None,
    };
    slot_name(slots, slot).unwrap_or_else(|| slot.to_owned())
}

/// The name of a slot, if no other has it.
fn slot_name(slots: Option<&Value>, slot: &str) -> Option<String> {
    let slots = slots?.as_array().filter(|slots| slots.len() <= MOST_SLOTS)?;
    let name = |slot: &'_ Value| slot.get("name").and_then(Value::as_str).map(str::to_owned);
    let found = name(slots.get(slot.parse::<usize>().ok()?)?).filter(|name| !name.is_empty())?;
    let several = slots.iter().filter(|other| name(other).as_ref() == Some(&found)).count() > 1;
    Some(if several { format!("{found} {slot}") } else { found })
}
