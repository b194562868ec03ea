//! Which widgets inside a subgraph each widget of an instance stands for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::Workflow;
use super::held::Spot;
use super::links::{spelled, widget_named};
use super::model_refs::PathStep;
use super::nodes::{Node, collect_definitions};
use super::seat::{Seat, Widgets};
use crate::json::Value;

/// So many steps are taken from one widget inwards; the editor makes a handful at most.
const MOST_STEPS: usize = 64;

/// Proxies of this kind show something and hold no value.
const ONLY_SHOWN: &str = "$$";

/// A widget of an instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Widget<'workflow> {
    /// Its name; empty if the file does not tell.
    pub(super) name: &'workflow str,
    /// The widgets it stands for, those of instances in between before the last ones.
    pub(super) targets: Vec<Target<'workflow>>,
}

/// A widget inside a subgraph.
#[derive(Debug, Clone)]
pub(super) struct Target<'workflow> {
    graph: &'workflow str,
    node: String,
    node_type: &'workflow str,
    widgets: Option<&'workflow Value>,
    /// The widget's name.
    pub(super) name: &'workflow str,
    /// Whether the node is a loader and no instance of a subgraph.
    pub(super) is_last: bool,
    /// Whether the only way to it is this one: every instance it was reached through is the only one of
    /// its subgraph.
    pub(super) is_sole: bool,
}

impl<'workflow> Target<'workflow> {
    /// Where it stands, by its place among a node's widgets.
    pub(super) fn spot(&self, widget: Option<usize>) -> Spot<'workflow> {
        Spot { graph: Some(self.graph), node: self.node.clone(), widget }
    }

    /// The widget's position, where the tables or the node tell it; of an instance nothing tells it here.
    pub(super) fn position(&self) -> Option<usize> {
        widget_named(self.node_type, self.widgets, self.name).filter(|_| self.is_last)
    }

    /// How the tables are asked for it: by its position if that is known, else by name.
    pub(super) fn seat(&self) -> Seat<'workflow> {
        let step = self.position().map_or_else(|| PathStep::Key(self.name.to_owned()), PathStep::Index);
        Seat { node_type: self.node_type, path: vec![step], widgets: Widgets::elsewhere(self.widgets), offset: 0 }
    }
}

/// A subgraph's definition, its parts by name and id.
struct Graph<'workflow> {
    inputs: &'workflow [Value],
    inputs_by_name: HashMap<&'workflow str, &'workflow Value>,
    nodes: HashMap<String, &'workflow Value>,
    links: HashMap<String, &'workflow Value>,
    instances: usize,
}

/// The subgraph definitions, by id.
pub(super) struct Graphs<'workflow> {
    text: &'workflow str,
    graphs: HashMap<&'workflow str, Graph<'workflow>>,
    /// The proxies of instances inside definitions by the widget's name.
    proxies: HashMap<usize, HashMap<&'workflow str, &'workflow Value>>,
    /// What the inputs of a definition lead to, once it was asked.
    inputs: RefCell<HashMap<&'workflow str, Rc<[Widget<'workflow>]>>>,
}

impl<'workflow> Graphs<'workflow> {
    pub(super) fn of(workflow: &'workflow Workflow, all: &[Node<'workflow>]) -> Self {
        let text = workflow.text();
        let mut list = Vec::new();
        collect_definitions(workflow.root(), &mut list);
        let mut graphs = HashMap::new();
        for (id, definition) in list {
            // Of definitions with one id the first counts, as everywhere.
            graphs.entry(id).or_insert_with(|| Graph::of(text, definition));
        }
        let mut names = HashMap::new();
        for node in all.iter().filter(|node| node.is_instance) {
            if let Some(graph) = graphs.get_mut(node.node_type) {
                graph.instances += 1;
            }
            let by_name: &mut HashMap<_, _> = names.entry(node.value.span.start).or_default();
            for proxy in proxies(node.value) {
                if let Some(name) = proxy.as_array().and_then(|parts| parts.get(1)?.as_str()) {
                    by_name.entry(name).or_insert(proxy);
                }
            }
        }
        Self { text, graphs, proxies: names, inputs: RefCell::default() }
    }

    /// How many instances the definition has.
    pub(super) fn instances(&self, id: &str) -> usize {
        self.graphs.get(id).map_or(0, |graph| graph.instances)
    }

    /// The instance's widgets in their order; none if the file does not tell which is which.
    pub(super) fn widgets(&self, instance: &Node<'workflow>) -> Rc<[Widget<'workflow>]> {
        let Some((&id, graph)) = self.graphs.get_key_value(instance.node_type) else { return Rc::new([]) };
        let count = instance.widget_count();
        let proxies: Vec<_> = proxies(instance.value).collect();
        if !proxies.is_empty() && proxies.len() == count {
            return proxies.into_iter().map(|proxy| self.walk(|walk| walk.proxy(id, proxy))).collect();
        }
        // Without proxies the widgets are those inputs of the subgraph that lead to a widget, in order.
        let mut known = self.inputs.borrow_mut();
        let found = known.entry(id).or_insert_with(|| {
            let found = graph.inputs.iter().map(|input| self.walk(|walk| walk.input(id, input)));
            found.filter(|widget| !widget.targets.is_empty()).collect()
        });
        if found.len() == count { Rc::clone(found) } else { Rc::new([]) }
    }

    /// What the instance's input of this name leads to, whether or not it holds a value of its own.
    pub(super) fn input(&self, instance: &Node<'workflow>, name: &str) -> Widget<'workflow> {
        let found = self.graphs.get_key_value(instance.node_type);
        let input = found.and_then(|(&id, graph)| Some((id, *graph.inputs_by_name.get(name)?)));
        if let Some((id, input)) = input {
            return self.walk(|walk| walk.input(id, input));
        }
        let proxy = self.proxies.get(&instance.value.span.start).and_then(|proxies| proxies.get(name));
        match (found, proxy) {
            (Some((&id, _)), Some(proxy)) => self.walk(|walk| walk.proxy(id, proxy)),
            _ => Widget::default(),
        }
    }

    fn walk(&self, from: impl FnOnce(&mut Walk<'_, 'workflow>) -> Option<&'workflow str>) -> Widget<'workflow> {
        let mut walk = Walk { graphs: self, steps: 0, is_sole: true, targets: Vec::new() };
        let name = from(&mut walk).unwrap_or_default();
        // Without an end nothing is known of the widget.
        let ends = walk.targets.iter().any(|target| target.is_last);
        Widget { name, targets: if ends { walk.targets } else { Vec::new() } }
    }
}

impl<'workflow> Graph<'workflow> {
    fn of(text: &str, definition: &'workflow Value) -> Self {
        let by_id = |key| {
            let with_id = |value: &'workflow Value| Some((spelled(text, value.get("id")?), value));
            // Of several with one id the first counts.
            list(definition, key).iter().rev().filter_map(with_id).collect()
        };
        let inputs = list(definition, "inputs");
        let named = |input: &'workflow Value| Some((input.get("name")?.as_str()?, input));
        Self {
            inputs,
            inputs_by_name: inputs.iter().rev().filter_map(named).collect(),
            nodes: by_id("nodes"),
            links: by_id("links"),
            instances: 0,
        }
    }
}

/// The way from one widget inwards.
struct Walk<'all, 'workflow> {
    graphs: &'all Graphs<'workflow>,
    steps: usize,
    is_sole: bool,
    targets: Vec<Target<'workflow>>,
}

impl<'workflow> Walk<'_, 'workflow> {
    /// `["5", "unet_name"]`: a widget of node 5. `["-1", "model"]`: of the subgraph's own input. Returns
    /// the widget's name.
    fn proxy(&mut self, id: &'workflow str, proxy: &'workflow Value) -> Option<&'workflow str> {
        let (node, name) = match proxy.as_array()? {
            [node, name, ..] => (spelled(self.graphs.text, node), name.as_str()?),
            _ => return None,
        };
        let graph = self.graphs.graphs.get(id)?;
        if node == "-1" {
            return self.input(id, graph.inputs_by_name.get(name)?);
        }
        self.widget(id, graph.nodes.get(&node)?, name);
        Some(name)
    }

    /// Every widget that an input of the subgraph is linked to.
    fn input(&mut self, id: &'workflow str, input: &'workflow Value) -> Option<&'workflow str> {
        for link in input.get("linkIds").and_then(Value::as_array).unwrap_or_default() {
            self.link(id, &spelled(self.graphs.text, link));
            if self.steps > MOST_STEPS {
                break;
            }
        }
        input.get("name")?.as_str()
    }

    fn link(&mut self, id: &'workflow str, link: &str) -> Option<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return None;
        }
        let graph = self.graphs.graphs.get(id)?;
        let link = graph.links.get(link)?;
        let node = graph.nodes.get(&spelled(self.graphs.text, link.get("target_id")?))?;
        let slot: usize = link.get("target_slot")?.text(self.graphs.text).parse().ok()?;
        let input = node.get("inputs")?.as_array()?.get(slot)?;
        let name = input.get("widget")?.get("name").and_then(Value::as_str).unwrap_or_default();
        self.widget(id, node, name);
        Some(())
    }

    /// The widget of a node, and, if the node is an instance itself, what that stands for.
    fn widget(&mut self, id: &'workflow str, value: &'workflow Value, name: &'workflow str) -> Option<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return None;
        }
        let graphs = self.graphs;
        let node_type = value.get("type")?.as_str()?;
        let inner = graphs.graphs.get_key_value(node_type);
        self.targets.push(Target {
            graph: id,
            node: spelled(graphs.text, value.get("id")?),
            node_type,
            widgets: value.get("widgets_values"),
            name,
            is_last: inner.is_none(),
            is_sole: self.is_sole,
        });
        let (&inner, graph) = inner?;
        let outside = self.is_sole;
        self.is_sole &= graph.instances == 1;
        match graphs.proxies.get(&value.span.start).and_then(|proxies| proxies.get(name)) {
            Some(proxy) => self.proxy(inner, proxy),
            None => graph.inputs_by_name.get(name).and_then(|input| self.input(inner, input)),
        };
        self.is_sole = outside;
        Some(())
    }
}

fn proxies(instance: &Value) -> impl Iterator<Item = &Value> {
    let list = instance.get("properties").and_then(|properties| properties.get("proxyWidgets"));
    let shown = |proxy: &&Value| {
        let name = proxy.as_array().and_then(|parts| parts.get(1)?.as_str());
        !name.is_some_and(|name| name.starts_with(ONLY_SHOWN))
    };
    list.and_then(Value::as_array).unwrap_or_default().iter().filter(shown)
}

fn list<'workflow>(value: &'workflow Value, key: &str) -> &'workflow [Value] {
    value.get(key).and_then(Value::as_array).unwrap_or_default()
}
