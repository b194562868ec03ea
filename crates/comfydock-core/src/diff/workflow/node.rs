//! Two nodes with one id.

use std::collections::{HashMap, HashSet};

use super::graph::Node;
use super::keys::{self, Role};
use super::widgets::{self, Side};
use super::{NodeDifference, NodeName, Property};
use crate::diff::value::{Json, named};
use crate::diff::{Change, Pair};
use crate::json::{Member, Value};
use crate::workflow::{EDITOR_ONLY, same_value};

/// How two nodes differ, and which members say no more than how it looks.
pub(super) fn compare(
    graph: Option<&str>,
    before: Side<'_, '_>,
    after: Side<'_, '_>,
) -> (Option<NodeDifference>, Vec<String>) {
    let (one, other) = (before.node, after.node);
    if same_value(one.value, before.text, other.value, after.text) {
        return (None, Vec::new());
    }
    let mut found = NodeDifference {
        graph: graph.map(named),
        change: Change::Changed,
        node: NodeName::of(other),
        was: (one.class != other.class).then(|| named(one.kind)),
        mode: Pair::of(mode(before), mode(after)),
        title: Pair::of(named(one.title.unwrap_or_default()), named(other.title.unwrap_or_default())),
        widgets: Vec::new(),
        properties: Vec::new(),
    };
    if found.was.is_none() {
        found.widgets = widgets::compare(before, after);
        // A bend of a link takes the names of what it leads; that is no change of its own.
        if !EDITOR_ONLY.contains(&one.class) {
            slots("input", one.value.get("inputs"), other.value.get("inputs"), &mut found.properties);
            slots("output", one.value.get("outputs"), other.value.get("outputs"), &mut found.properties);
        }
    }
    let texts = (before.text, after.text);
    let mut layout = Vec::new();
    members((one.value, other.value), texts, "", keys::of_node, &mut found.properties, &mut layout);
    if let (Some(one), Some(other)) = (one.value.get("properties"), other.value.get("properties")) {
        let mut quiet = Vec::new();
        members((one, other), texts, "properties.", keys::of_property, &mut found.properties, &mut quiet);
        layout.extend(quiet);
    } else if one.value.get("properties").is_some() != other.value.get("properties").is_some() {
        layout.push("properties".to_owned());
    }
    let nothing = found.was.is_none()
        && found.mode.is_none()
        && found.title.is_none()
        && found.widgets.is_empty()
        && found.properties.is_empty();
    ((!nothing).then_some(found), layout)
}

/// Holds the members of two objects against each other, each by what it is.
pub(super) fn members(
    (before, after): (&Value, &Value),
    (before_text, after_text): (&str, &str),
    prefix: &str,
    role: fn(&str) -> Role,
    content: &mut Vec<Property>,
    layout: &mut Vec<String>,
) {
    let [one, other] = [before, after].map(|value| value.as_object().unwrap_or_default());
    let by_key = |members: &'_ [Member]| -> HashMap<String, usize> {
        members.iter().enumerate().map(|(at, member)| (member.key.clone(), at)).collect()
    };
    let (earlier, later) = (by_key(one), by_key(other));
    let mut differs = |key: &str| {
        let [was, is] =
            [(one, &earlier), (other, &later)].map(|(members, at)| at.get(key).map(|at| &members[*at].value));
        if let (Some(was), Some(is)) = (was, is)
            && same_value(was, before_text, is, after_text)
        {
            return;
        }
        match role(key) {
            Role::Told => {}
            Role::Layout => layout.push(format!("{prefix}{}", named(key))),
            Role::Content => content.push(Property {
                graph: None,
                key: format!("{prefix}{}", named(key)),
                before: was.map(|value| Json::of(value, before_text)),
                after: is.map(|value| Json::of(value, after_text)),
            }),
        }
    };
    // Of duplicate keys the last counts.
    let earlier_keys = one.iter().enumerate().filter(|(at, member)| earlier[&member.key] == *at);
    let later_keys =
        other.iter().enumerate().filter(|(at, member)| later[&member.key] == *at && !earlier.contains_key(&member.key));
    for (_, member) in earlier_keys.chain(later_keys) {
        differs(&member.key);
    }
}

/// Inputs or outputs that one side alone has. Those of widgets come and go with the editor's version.
pub(super) fn slots(what: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Property>) {
    let typed = |slots: Option<&Value>| -> Vec<(String, Option<String>)> {
        let slots = slots.and_then(Value::as_array).unwrap_or_default();
        let without_widget = slots.iter().filter(|slot| slot.get("widget").is_none());
        without_widget
            .filter_map(|slot| {
                let kind = slot.get("type").and_then(Value::as_str).map(str::to_owned);
                Some((slot.get("name")?.as_str()?.to_owned(), kind))
            })
            .collect()
    };
    let (one, other) = (typed(before), typed(after));
    // A widget that became an input, or the other way round, is told by its link.
    let (one_widgets, other_widgets) = (of_widgets(before), of_widgets(after));
    let mut earlier: HashMap<&str, Option<&str>> =
        one.iter().map(|(name, kind)| (name.as_str(), kind.as_deref())).collect();
    let property = |name: &str, before: Option<&str>, after: Option<&str>| Property {
        graph: None,
        key: format!("{what} {}", named(name)),
        before: before.map(Json::string),
        after: after.map(Json::string),
    };
    for (name, kind) in &other {
        match earlier.remove(name.as_str()) {
            Some(was) if was == kind.as_deref() => {}
            Some(was) => found.push(property(name, was, kind.as_deref())),
            None if one_widgets.contains(name.as_str()) => {}
            None => found.push(property(name, None, Some(kind.as_deref().unwrap_or_default()))),
        }
    }
    for (name, kind) in one.iter().filter(|(name, _)| !other_widgets.contains(name.as_str())) {
        if earlier.remove(name.as_str()).is_some() {
            found.push(property(name, Some(kind.as_deref().unwrap_or_default()), None));
        }
    }
}

fn of_widgets(slots: Option<&Value>) -> HashSet<&str> {
    let slots = slots.and_then(Value::as_array).unwrap_or_default();
    let with_widget = slots.iter().filter(|slot| slot.get("widget").is_some());
    with_widget.filter_map(|slot| slot.get("name")?.as_str()).collect()
}

fn mode(side: Side<'_, '_>) -> String {
    match side.node.value.get("mode").map(|mode| mode.text(side.text)) {
        None | Some("0") => "active".to_owned(),
        Some("2") => "muted".to_owned(),
        Some("4") => "bypassed".to_owned(),
        Some(other) => format!("mode {}", other.chars().take(16).collect::<String>()),
    }
}

impl NodeName {
    pub(super) fn of(node: &Node<'_>) -> Self {
        Self { id: named(&node.id), kind: named(node.kind), title: node.title.map(named) }
    }

    pub(super) fn plain(id: &str, kind: &str) -> Self {
        Self { id: named(id), kind: kind.to_owned(), title: None }
    }
}
