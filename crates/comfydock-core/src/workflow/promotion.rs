//! Which widget inside a subgraph each widget of an instance stands for.

use std::collections::HashMap;

use super::links::spelled;
use super::nodes::Node;
use crate::builtin;
use crate::custom;
use crate::json::Value;

/// Subgraphs inside subgraphs are followed this far; the editor makes a handful at most.
const DEEPEST: usize = 16;

/// A widget of a node inside a subgraph.
#[derive(Debug, Clone)]
pub(super) struct Target<'workflow> {
    /// The node's path.
    pub(super) path: String,
    pub(super) node_type: &'workflow str,
    /// The input's name.
    pub(super) input: String,
    /// The widget's position, where the tables or the node tell it.
    pub(super) widget_index: Option<usize>,
}

/// The subgraph definitions, by id.
pub(super) struct Graphs<'workflow, 'all> {
    text: &'workflow str,
    definitions: &'all HashMap<&'workflow str, &'workflow Value>,
}

impl<'workflow, 'all> Graphs<'workflow, 'all> {
    pub(super) fn new(text: &'workflow str, definitions: &'all HashMap<&'workflow str, &'workflow Value>) -> Self {
        Self { text, definitions }
    }

    /// What each widget of the instance stands for, where the file tells.
    pub(super) fn targets(&self, id: &str, instance: &Node<'workflow>) -> Vec<Option<Target<'workflow>>> {
        let Some((&id, &definition)) = self.definitions.get_key_value(id) else { return Vec::new() };
        let widgets = instance.widget_count();
        let proxies = proxies(instance.value);
        if !proxies.is_empty() && proxies.len() == widgets {
            return proxies.iter().map(|proxy| self.of_proxy(id, definition, proxy, 0)).collect();
        }
        // Without proxies the widgets are those inputs of the subgraph that lead to a widget, in order.
        let inputs = list(definition, "inputs").iter();
        let found: Vec<_> = inputs.filter_map(|input| self.of_input(id, definition, input, 0)).map(Some).collect();
        if found.len() == widgets { found } else { Vec::new() }
    }

    /// `["5", "unet_name"]`: a widget of node 5. `["-1", "model"]`: of the subgraph's own input.
    fn of_proxy(
        &self,
        id: &'workflow str,
        definition: &'workflow Value,
        proxy: &Value,
        depth: usize,
    ) -> Option<Target<'workflow>> {
        let (node, name) = match proxy.as_array()? {
            [node, name, ..] => (spelled(self.text, node), name.as_str()?),
            _ => return None,
        };
        if node == "-1" {
            let named = |input: &&Value| input.get("name").and_then(Value::as_str) == Some(name);
            let input = list(definition, "inputs").iter().find(named)?;
            return self.of_input(id, definition, input, depth);
        }
        let value = list(definition, "nodes").iter().find(|value| self.has_id(value, &node))?;
        self.of_widget(id, value, name, depth)
    }

    fn of_input(
        &self,
        id: &'workflow str,
        definition: &'workflow Value,
        input: &Value,
        depth: usize,
    ) -> Option<Target<'workflow>> {
        let wanted = spelled(self.text, input.get("linkIds")?.as_array()?.first()?);
        let link = list(definition, "links").iter().find(|link| self.has_id(link, &wanted))?;
        let node = spelled(self.text, link.get("target_id")?);
        let slot: usize = link.get("target_slot")?.text(self.text).parse().ok()?;
        let value = list(definition, "nodes").iter().find(|value| self.has_id(value, &node))?;
        let input = value.get("inputs")?.as_array()?.get(slot)?;
        let name = input.get("widget")?.get("name").and_then(Value::as_str).unwrap_or_default();
        self.of_widget(id, value, name, depth)
    }

    /// The widget of a node, or, if the node is an instance itself, what that stands for.
    fn of_widget(&self, id: &str, value: &'workflow Value, name: &str, depth: usize) -> Option<Target<'workflow>> {
        let node_type = value.get("type")?.as_str()?;
        if let Some((&inner, &definition)) = self.definitions.get_key_value(node_type).filter(|_| depth < DEEPEST) {
            let named = |proxy: &&Value| {
                proxy.as_array().and_then(|parts| parts.get(1)?.as_str()).is_some_and(|widget| widget == name)
            };
            if let Some(proxy) = proxies(value).iter().find(named) {
                return self.of_proxy(inner, definition, proxy, depth + 1);
            }
            let named = |input: &&Value| input.get("name").and_then(Value::as_str) == Some(name);
            let input = list(definition, "inputs").iter().find(named)?;
            return self.of_input(inner, definition, input, depth + 1);
        }
        let node = spelled(self.text, value.get("id")?);
        let widget_index = builtin::slot_named(node_type, name)
            .map(|slot| slot.widget_index)
            .or_else(|| custom::widget_index(node_type, name));
        Some(Target { path: format!("{id}:{node}"), node_type, input: name.to_owned(), widget_index })
    }

    fn has_id(&self, value: &Value, wanted: &str) -> bool {
        value.get("id").is_some_and(|id| spelled(self.text, id) == wanted)
    }
}

fn proxies(instance: &Value) -> &[Value] {
    let list = instance.get("properties").and_then(|properties| properties.get("proxyWidgets"));
    list.and_then(Value::as_array).unwrap_or_default()
}

fn list<'workflow>(value: &'workflow Value, key: &str) -> &'workflow [Value] {
    value.get(key).and_then(Value::as_array).unwrap_or_default()
}
