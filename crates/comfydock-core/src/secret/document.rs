//! Secrets in JSON: workflows as the editor saves them, in API format, and anything else.
//!
//! One walk reads all of them, because parts of one lie inside the other: definitions of subgraphs,
//! group nodes under `extra`, prompts kept beside the graph. A node is recognised by what it is, and
//! where a string stands in it says how much its looks count.

use std::collections::HashSet;
use std::rc::Rc;

use super::named::{self, Name};
use super::{Found, RANDOM_VALUE, first_characters, in_bytes};
use crate::admission::FINDING_LIMIT;
use crate::json::{Kind, Value};
use crate::violation::{Field, NodePlace, Place};

/// The secrets of a document whose text is `text`.
pub(super) fn find(text: &str, root: &Value) -> Vec<Found> {
    let mut walk = Walk { text, found: Vec::new(), seen: HashSet::new() };
    walk.value(root, &At { node: None, credential: false, scope: None, keys: Vec::new(), field: None });
    walk.found
}

struct Walk<'text> {
    text: &'text str,
    found: Vec<Found>,
    /// The same complaint is made once.
    seen: HashSet<Found>,
}

/// Where the walk is; copied for every value, so nothing large is in it.
#[derive(Clone)]
struct At<'text> {
    node: Option<Rc<NodePlace>>,
    /// Whether the node is there to hold a credential.
    credential: bool,
    /// The subgraph or group whose nodes come.
    scope: Option<&'text str>,
    /// The keys on the way, from the node or the root.
    keys: Vec<&'text str>,
    /// The widget, once the walk is in one, with what its name says.
    field: Option<(Rc<Field>, Option<Name>)>,
}

impl<'text> At<'text> {
    fn below(&self, key: &'text str) -> Self {
        let mut at = self.clone();
        at.keys.push(key);
        at
    }

    fn in_widget(&self, field: Field, name: Option<Name>) -> Self {
        Self { field: Some((Rc::new(field), name)), ..self.clone() }
    }

    /// What the place's name says: the widget's, that of the nearest key below it, or the node's.
    fn name(&self) -> Option<Name> {
        let widget = self.field.as_ref().and_then(|(_, name)| *name);
        let key = self.keys.last().and_then(|key| named::of_name(key));
        let node = (self.credential && self.field.is_some()).then_some(Name::Strong);
        widget.max(key).max(node)
    }

    /// Names are somebody's text too: one that holds a secret is not repeated.
    fn place(&self) -> Place {
        let quiet = |text: &str| if in_bytes(text.as_bytes()).is_empty() { text.to_owned() } else { "…".to_owned() };
        let field = match self.field.as_ref().map(|(field, _)| &**field) {
            Some(Field::Widget(name)) => Field::Widget(quiet(name)),
            Some(field) => field.clone(),
            None => Field::Property(quiet(&self.keys.join("."))),
        };
        let node = self.node.as_ref().map(|node| NodePlace {
            id: quiet(&node.id),
            kind: quiet(&node.kind),
            title: node.title.as_deref().map(quiet),
        });
        Place { node, field }
    }
}

impl<'text> Walk<'text> {
    fn value(&mut self, value: &'text Value, at: &At<'text>) {
        match &value.kind {
            Kind::String(string) => self.string(string, at),
            Kind::Array(items) if at.keys.last() == Some(&"nodes") && at.field.is_none() => {
                for (position, item) in items.iter().enumerate() {
                    match self.editor_node(item, position, at) {
                        Some(node) => self.node(item, &node),
                        None => self.value(item, at),
                    }
                }
            }
            Kind::Array(items) => items.iter().for_each(|item| self.value(item, at)),
            Kind::Object(_) => self.object(value, at),
            Kind::Null | Kind::Bool(_) | Kind::Number => {}
        }
    }

    fn object(&mut self, object: &'text Value, at: &At<'text>) {
        let mut at = at.clone();
        if at.field.is_none() && object.get("nodes").and_then(Value::as_array).is_some() {
            // A subgraph's definition has an id; a group node's is its key; a workflow has neither.
            let id = object.get("id").and_then(Value::as_str);
            at.scope = match (at.keys.as_slice(), id) {
                ([.., "subgraphs"], Some(id)) => Some(id),
                ([.., "groupNodes", name], _) => Some(name),
                _ => at.scope,
            };
        }
        for member in object.as_object().unwrap_or_default() {
            self.shapes(&member.key, &at);
            match self.api_node(&member.key, &member.value).filter(|_| at.field.is_none()) {
                Some(node) => self.node(&member.value, &node),
                None => self.value(&member.value, &at.below(&member.key)),
            }
        }
    }

    /// A node as the editor keeps it in a list of nodes.
    fn editor_node(&self, value: &'text Value, position: usize, at: &At<'text>) -> Option<At<'text>> {
        let kind = value.get("type").and_then(Value::as_str)?;
        let id = match value.get("id").map(|id| (&id.kind, id)) {
            Some((Kind::String(string), _)) => string.clone(),
            Some((Kind::Number, id)) => id.text(self.text).to_owned(),
            _ => position.to_string(),
        };
        let id = at.scope.map_or_else(|| id.clone(), |scope| format!("{scope}:{id}"));
        Some(Self::at_node(id, kind, value.get("title").and_then(Value::as_str)))
    }

    /// A node in API format: its id is the key.
    fn api_node(&self, key: &str, value: &'text Value) -> Option<At<'text>> {
        let kind = value.get("class_type").and_then(Value::as_str)?;
        let title = value.get("_meta").and_then(|meta| meta.get("title")).and_then(Value::as_str);
        Some(Self::at_node(key.to_owned(), kind, title))
    }

    fn at_node(id: String, kind: &str, title: Option<&str>) -> At<'text> {
        let title = title.filter(|title| !title.is_empty() && *title != kind);
        At {
            credential: named::is_credential_node(kind) || title.is_some_and(named::is_credential_node),
            node: Some(Rc::new(NodePlace { id, kind: kind.to_owned(), title: title.map(str::to_owned) })),
            scope: None,
            keys: Vec::new(),
            field: None,
        }
    }

    fn node(&mut self, node: &'text Value, at: &At<'text>) {
        for member in node.as_object().unwrap_or_default() {
            self.shapes(&member.key, at);
            let below = at.below(&member.key);
            match (member.key.as_str(), &member.value.kind) {
                ("widgets_values", Kind::Array(items)) => self.listed_widgets(node, items, at),
                // Widgets by name; and in API format the inputs, where a link is a list of id and slot.
                ("widgets_values" | "widgets_values_named" | "inputs", Kind::Object(members)) => {
                    for widget in members {
                        self.shapes(&widget.key, &below);
                        let field = Field::Widget(widget.key.clone());
                        self.value(&widget.value, &at.in_widget(field, named::of_name(&widget.key)));
                    }
                }
                // What else has a shape stands in it too: a subgraph inside, a prompt that was kept.
                _ => self.value(&member.value, &below),
            }
        }
    }

    fn listed_widgets(&mut self, node: &'text Value, items: &'text [Value], at: &At<'text>) {
        let names = widget_names(node);
        let aligned = names.len() == items.len();
        // With some names missing nobody knows which value the name belongs to: it may be any of them.
        let secret = names.iter().filter_map(|name| Some((*name, named::of_name(name)?))).max_by_key(|(_, name)| *name);
        for (position, item) in items.iter().enumerate() {
            let (field, name) = match (aligned, secret) {
                (true, _) => (Field::Widget(names[position].to_owned()), named::of_name(names[position])),
                (false, Some((_, name))) => (Field::WidgetAt(position), Some(name)),
                (false, None) => (Field::WidgetAt(position), None),
            };
            let at = at.in_widget(field, name);
            if let (Some(string), false, Some((name, strength))) = (item.as_str(), aligned, secret)
                && named::is_secret(string, strength)
            {
                // What looks like a secret is the one that the name announces.
                self.string(string, &at.in_widget(Field::Widget(name.to_owned()), Some(strength)));
            } else {
                self.value(item, &at);
            }
        }
    }

    fn string(&mut self, string: &str, at: &At<'text>) {
        if !self.shapes(string, at)
            && let Some(name) = at.name()
            && named::is_secret(string, name)
        {
            self.add(RANDOM_VALUE, "a random value where a key or a password belongs", string.trim().as_bytes(), at);
        }
    }

    /// Looks for shapes; true when there was one.
    fn shapes(&mut self, string: &str, at: &At<'text>) -> bool {
        let hits = in_bytes(string.as_bytes());
        for hit in &hits {
            self.add(hit.kind, hit.what, &string.as_bytes()[hit.secret..hit.end], at);
        }
        !hits.is_empty()
    }

    fn add(&mut self, kind: &'static str, what: &'static str, secret: &[u8], at: &At<'text>) {
        if self.found.len() > FINDING_LIMIT {
            return;
        }
        let found = Found { kind, what, shown: first_characters(secret), place: Some(at.place()), line: None };
        if self.seen.insert(found.clone()) {
            self.found.push(found);
        }
    }
}

/// The names of a node's widgets in their order, as far as the file tells them: what a subgraph shows of
/// the nodes inside, the inputs that belong to widgets, what a primitive stands for.
fn widget_names(node: &Value) -> Vec<&str> {
    let proxies = node.get("properties").and_then(|properties| properties.get("proxyWidgets"));
    let proxies = proxies.and_then(Value::as_array).unwrap_or_default();
    let shown: Vec<&str> = proxies.iter().filter_map(|proxy| proxy.as_array()?.get(1)?.as_str()).collect();
    if !shown.is_empty() {
        return shown;
    }
    let named = |key: &str| -> Vec<&str> {
        let slots = node.get(key).and_then(Value::as_array).unwrap_or_default();
        slots.iter().filter_map(|slot| slot.get("widget")?.get("name")?.as_str()).collect()
    };
    let inputs = named("inputs");
    if inputs.is_empty() && node.get("type").and_then(Value::as_str) == Some("PrimitiveNode") {
        return named("outputs");
    }
    inputs
}
