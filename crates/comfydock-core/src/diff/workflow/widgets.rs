//! Widgets of two nodes of one class, side by side.

use std::collections::HashMap;

use super::WidgetDifference;
use super::graph::Node;
use super::links::api_link;
use crate::builtin;
use crate::diff::value::{Json, named};
use crate::json::{Kind, Value};
use crate::workflow::same_value;

/// What the editor puts behind these widgets, without an input of its own.
const SEEDS: [&str; 2] = ["seed", "noise_seed"];
const CONTROL: &str = "control_after_generate";

/// A node and the text it stands in.
#[derive(Clone, Copy)]
pub(super) struct Side<'a, 't> {
    pub(super) node: &'a Node<'t>,
    pub(super) text: &'t str,
    pub(super) api: bool,
}

/// One widget: its name where that is known, its position where it has one.
struct Widget<'t> {
    name: Option<&'t str>,
    index: Option<usize>,
    value: &'t Value,
}

/// The widgets that differ.
pub(super) fn compare(before: Side<'_, '_>, after: Side<'_, '_>) -> Vec<WidgetDifference> {
    let (one, other) = (widgets(before), widgets(after));
    let all_named = |widgets: &[Widget<'_>]| widgets.iter().all(|widget| widget.name.is_some());
    // A newer version of a node may have a widget more, in the middle: names tell which is which.
    let by_name = all_named(&one) && all_named(&other);
    let key = |widget: &Widget<'_>| match widget.index.filter(|_| !by_name) {
        Some(index) => index.to_string(),
        None => widget.name.unwrap_or_default().to_owned(),
    };
    let mut later: HashMap<String, &Widget<'_>> = other.iter().map(|widget| (key(widget), widget)).collect();
    let mut found = Vec::new();
    for widget in &one {
        let met = later.remove(&key(widget));
        let name = widget.name.or_else(|| met.and_then(|met| met.name)).map(named);
        let index = met.map_or(widget.index, |met| met.index);
        let mut place = WidgetDifference { name, index, path: Vec::new(), before: None, after: None };
        let sides = [Some((widget.value, before.text)), met.map(|met| (met.value, after.text))];
        descend(&mut place, sides, &mut found);
    }
    for widget in other.iter().filter(|widget| later.contains_key(&key(widget))) {
        let name = widget.name.map(named);
        let mut place = WidgetDifference { name, index: widget.index, path: Vec::new(), before: None, after: None };
        descend(&mut place, [None, Some((widget.value, after.text))], &mut found);
    }
    found
}

/// Goes into lists and objects as far as both sides have one, so that of a row of LoRAs only the one
/// that changed is told.
fn descend(place: &mut WidgetDifference, sides: [Option<(&Value, &str)>; 2], found: &mut Vec<WidgetDifference>) {
    if let [Some((before, before_text)), Some((after, after_text))] = sides {
        if same_value(before, before_text, after, after_text) {
            return;
        }
        match (&before.kind, &after.kind) {
            (Kind::Array(before), Kind::Array(after)) if before.len() == after.len() => {
                for (position, (before, after)) in before.iter().zip(after).enumerate() {
                    place.path.push(position.to_string());
                    descend(place, [Some((before, before_text)), Some((after, after_text))], found);
                    place.path.pop();
                }
                return;
            }
            (Kind::Object(before), Kind::Object(after)) => {
                let mut later: HashMap<&str, &Value> =
                    after.iter().map(|member| (member.key.as_str(), &member.value)).collect();
                let earlier: HashMap<&str, &Value> =
                    before.iter().map(|member| (member.key.as_str(), &member.value)).collect();
                for member in before.iter().filter(|member| earlier[member.key.as_str()].span == member.value.span) {
                    let met = later.remove(member.key.as_str());
                    place.path.push(named(&member.key));
                    descend(place, [Some((&member.value, before_text)), met.map(|met| (met, after_text))], found);
                    place.path.pop();
                }
                for member in after.iter().filter(|member| later.remove(member.key.as_str()).is_some()) {
                    place.path.push(named(&member.key));
                    descend(place, [None, Some((&member.value, after_text))], found);
                    place.path.pop();
                }
                return;
            }
            _ => {}
        }
    }
    let [before, after] = sides.map(|side| side.map(|(value, text)| Json::of(value, text)));
    found.push(WidgetDifference { before, after, ..place.clone() });
}

fn widgets<'t>(side: Side<'_, 't>) -> Vec<Widget<'t>> {
    let held = side.node.value.get(if side.api { "inputs" } else { "widgets_values" });
    match held.map(|held| &held.kind) {
        Some(Kind::Array(items)) => {
            let names = names(side.node, items.len());
            let name = |index: usize| names.get(index).copied();
            items
                .iter()
                .enumerate()
                .map(|(index, value)| Widget { name: name(index), index: Some(index), value })
                .collect()
        }
        Some(Kind::Object(members)) => {
            let is_widget = |value: &Value| !side.api || api_link(value, side.text).is_none();
            // Of duplicate keys the last counts.
            let last: HashMap<&str, &Value> =
                members.iter().map(|member| (member.key.as_str(), &member.value)).collect();
            let counts = members.iter().filter(|member| last[member.key.as_str()].span == member.value.span);
            counts
                .filter(|member| is_widget(&member.value))
                .map(|member| Widget { name: Some(&member.key), index: None, value: &member.value })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The names of a node's widgets, if the file or the table tells all of them, each once.
fn names<'t>(node: &Node<'t>, count: usize) -> Vec<&'t str> {
    let told = told(node.value);
    let with_control = told.iter().flat_map(|&name| {
        let control = SEEDS.contains(&name).then_some(CONTROL);
        std::iter::once(name).chain(control)
    });
    let with_control: Vec<&str> = with_control.collect();
    let table = builtin::widgets(node.class).map(<[_]>::to_vec).filter(|table| is_within(&told, table));
    [Some(told), Some(with_control), table]
        .into_iter()
        .flatten()
        .find(|names| names.len() == count && is_distinct(names))
        .unwrap_or_default()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).unwrap_or_default()
}

/// What a subgraph's instance shows of the nodes inside, else the inputs that belong to widgets, else
/// what a primitive stands for.
fn told(node: &Value) -> Vec<&str> {
    let proxies = list(node.get("properties").and_then(|properties| properties.get("proxyWidgets")));
    let shown: Vec<&str> = proxies.iter().filter_map(|proxy| proxy.as_array()?.get(1)?.as_str()).collect();
    if !shown.is_empty() {
        return shown;
    }
    let of_slots = |key: &str| -> Vec<&str> {
        list(node.get(key)).iter().filter_map(|slot| slot.get("widget")?.get("name")?.as_str()).collect()
    };
    let inputs = of_slots("inputs");
    if inputs.is_empty() { of_slots("outputs") } else { inputs }
}

/// Whether all of `names` are in `table`, in that order.
fn is_within(names: &[&str], table: &[&str]) -> bool {
    let mut rest = table.iter();
    names.iter().all(|name| rest.any(|other| other == name))
}

fn is_distinct(names: &[&str]) -> bool {
    let distinct: std::collections::HashSet<&&str> = names.iter().collect();
    distinct.len() == names.len()
}
