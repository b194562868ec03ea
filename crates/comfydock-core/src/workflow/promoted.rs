//! Values that subgraph instances hold for widgets of the nodes inside.

use std::collections::{HashMap, HashSet};

use super::candidate::{Leaf, leaves, looks_like_a_file};
use super::model_refs::{Confidence, ModelRef};
use super::nodes::{Node, collect_definitions};
use super::{Workflow, embedded, mirrors};
use crate::builtin;
use crate::json::Value;

/// Adds what the instances hold: as mirrors of the references inside, or as references of their own.
pub(super) fn add(workflow: &Workflow, all: &[Node<'_>], references: &mut Vec<ModelRef>) {
    let mut list = Vec::new();
    collect_definitions(workflow.root(), &mut list);
    let definitions: HashMap<&str, &Value> = list.into_iter().collect();

    let mut inside: HashMap<&str, Vec<&Node<'_>>> = HashMap::new();
    let mut instances: HashMap<&str, Vec<&Node<'_>>> = HashMap::new();
    for node in all {
        if let Some(definition) = node.definition {
            inside.entry(definition).or_default().push(node);
        }
        if node.is_instance {
            instances.entry(node.node_type).or_default().push(node);
        }
    }
    // An inner subgraph reaches fewer definitions than the one around it, so inner values come first.
    let mut used: Vec<_> = instances.keys().map(|&id| (reachable(id, &inside), id)).collect();
    used.sort_by_key(|(reachable, id)| (reachable.len(), *id));

    for (reachable, id) in used {
        let paths: HashSet<&str> = reachable
            .iter()
            .flat_map(|definition| inside.get(definition).into_iter().flatten())
            .map(|node| node.path.as_str())
            .collect();
        let inner = Inner::new(&paths, references);
        for instance in &instances[id] {
            let targets =
                definitions.get(id).map(|definition| targets(workflow, definition, instance.value)).unwrap_or_default();
            let single = instances[id].len() == 1;
            Promotion { instance, inner: &inner, targets, single }.apply(references);
        }
    }
}

/// The references inside a subgraph, by their position among all.
struct Inner {
    positions: Vec<usize>,
    by_value: HashMap<String, Vec<usize>>,
}

impl Inner {
    fn new(paths: &HashSet<&str>, references: &[ModelRef]) -> Self {
        let mut inner = Self { positions: Vec::new(), by_value: HashMap::new() };
        for (position, reference) in references.iter().enumerate() {
            if paths.contains(reference.node_id.as_str()) {
                inner.positions.push(position);
                inner.by_value.entry(reference.value.clone()).or_default().push(position);
            }
        }
        inner
    }

    fn holding(&self, value: &str) -> &[usize] {
        self.by_value.get(value).map_or(&[], Vec::as_slice)
    }
}

/// The definition and every definition instanced below it.
fn reachable<'all>(definition: &'all str, inside: &HashMap<&'all str, Vec<&Node<'all>>>) -> HashSet<&'all str> {
    let mut found = HashSet::from([definition]);
    let mut waiting = vec![definition];
    while let Some(definition) = waiting.pop() {
        for node in inside.get(definition).into_iter().flatten().filter(|node| node.is_instance) {
            if found.insert(node.node_type) {
                waiting.push(node.node_type);
            }
        }
    }
    found
}

/// The inner node that each widget of an instance stands for, by its path, where the file tells.
fn targets(workflow: &Workflow, definition: &Value, instance: &Value) -> Vec<Option<String>> {
    let text = workflow.text();
    let id = definition.get("id").and_then(Value::as_str).unwrap_or_default();
    let spelled = |value: &Value| value.as_str().map_or_else(|| value.text(text).to_owned(), str::to_owned);
    let widgets = instance.get("widgets_values").and_then(Value::as_array).map_or(0, <[_]>::len);

    let proxies = instance.get("properties").and_then(|properties| properties.get("proxyWidgets"));
    let proxies = proxies.and_then(Value::as_array).unwrap_or_default();
    if !proxies.is_empty() && proxies.len() == widgets {
        let inner = |proxy: &Value| Some(spelled(proxy.as_array()?.first()?));
        return proxies.iter().map(|proxy| inner(proxy).map(|inner| format!("{id}:{inner}"))).collect();
    }

    // Without proxies the widgets are those inputs of the subgraph that lead to a widget, in order.
    let array = |key| definition.get(key).and_then(Value::as_array).unwrap_or_default();
    let by_id = |list: &'static str, wanted: &str| {
        array(list).iter().find(|item| item.get("id").is_some_and(|id| spelled(id) == wanted))
    };
    let target = |input: &Value| -> Option<String> {
        let link = by_id("links", &spelled(input.get("linkIds")?.as_array()?.first()?))?;
        let node = spelled(link.get("target_id")?);
        let slot: usize = link.get("target_slot")?.text(text).parse().ok()?;
        let input = by_id("nodes", &node)?.get("inputs")?.as_array()?.get(slot)?;
        input.get("widget").map(|_| format!("{id}:{node}"))
    };
    let found: Vec<_> = array("inputs").iter().filter_map(target).map(Some).collect();
    if found.len() == widgets { found } else { Vec::new() }
}

struct Promotion<'all> {
    instance: &'all Node<'all>,
    inner: &'all Inner,
    /// Per widget, the path of the node inside.
    targets: Vec<Option<String>>,
    single: bool,
}

impl Promotion<'_> {
    fn apply(&self, references: &mut Vec<ModelRef>) {
        let entries = embedded::of_node(self.instance.value);
        let mut own = Vec::new();
        for leaf in leaves(self.instance.value) {
            if builtin::is_virtual(leaf.value.trim()) {
                continue;
            }
            let equal = self.equal(&leaf, references);
            if self.single && !equal.is_empty() {
                for position in equal {
                    references[position].mirrors.push(leaf.span.clone());
                    references[position].mirrors.extend(mirrors::named(self.instance.value, leaf.value));
                }
            } else if !equal.is_empty() || looks_like_a_file(leaf.value) {
                own.push(self.own(&leaf, &equal, references));
            }
        }
        mirrors::add_named(self.instance.value, &mut own);
        for entry in &entries {
            for reference in &mut own {
                entry.attach(reference);
            }
            for &position in &self.inner.positions {
                entry.attach(&mut references[position]);
            }
        }
        references.append(&mut own);
    }

    /// The references inside that hold this very string; those of the widget's own target if any do.
    fn equal(&self, leaf: &Leaf<'_>, references: &[ModelRef]) -> Vec<usize> {
        let all = self.inner.holding(leaf.value);
        let target = self.target(leaf);
        let at_target = |position: &usize| Some(references[*position].node_id.as_str()) == target;
        let there: Vec<usize> = all.iter().copied().filter(at_target).collect();
        if there.is_empty() { all.to_vec() } else { there }
    }

    fn target(&self, leaf: &Leaf<'_>) -> Option<&str> {
        self.targets.get(leaf.index).filter(|_| leaf.is_plain())?.as_deref()
    }

    /// A reference of the instance itself; its category is that of the widget it stands for.
    fn own(&self, leaf: &Leaf<'_>, equal: &[usize], references: &[ModelRef]) -> ModelRef {
        let mut reference = ModelRef::new(self.instance, leaf);
        let target = self.target(leaf);
        let at_target = self.inner.positions.iter().filter(|&&at| Some(references[at].node_id.as_str()) == target);
        let likely: Vec<&ModelRef> = if equal.is_empty() {
            at_target.map(|&at| &references[at]).collect()
        } else {
            equal.iter().map(|&at| &references[at]).collect()
        };
        if let Some(first) = likely.first() {
            if likely.iter().all(|other| other.category == first.category) {
                reference.category.clone_from(&first.category);
            }
            reference.confidence = Confidence::High;
        }
        for &at in equal {
            for source in &references[at].embedded {
                if !reference.embedded.contains(source) {
                    reference.embedded.push(source.clone());
                }
            }
        }
        reference
    }
}
