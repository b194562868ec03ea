//! Values that subgraph instances hold for widgets of the nodes inside.

use std::collections::{HashMap, HashSet};

use super::candidate::{Place, candidates};
use super::embedded::{Listing, Scope};
use super::found::Found;
use super::leaf::{Leaf, leaves};
use super::model_refs::{Alias, Confidence, PathStep};
use super::nodes::{Node, collect_definitions};
use super::promotion::{Graphs, Target};
use super::reason::Reason;
use super::{Workflow, mirrors};
use crate::builtin;
use crate::json::Value;

/// Adds what the instances hold: as mirrors of the references inside, or as references of their own.
pub(super) fn add<'workflow>(
    workflow: &'workflow Workflow,
    all: &[Node<'workflow>],
    references: &mut Vec<Found<'workflow>>,
) {
    let mut list = Vec::new();
    collect_definitions(workflow.root(), &mut list);
    let definitions: HashMap<&str, &Value> = list.into_iter().collect();
    let graphs = Graphs::new(workflow.text(), &definitions);

    let mut inside: HashMap<&str, Vec<&Node<'_>>> = HashMap::new();
    let mut instances: HashMap<&str, Vec<&Node<'workflow>>> = HashMap::new();
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
        let mut replaced: HashMap<usize, usize> = HashMap::new();
        for instance in &instances[id] {
            let targets = graphs.targets(id, instance);
            let single = instances[id].len() == 1;
            let promotion = Promotion { text: workflow.text(), instance, inner: &inner, targets, single };
            for position in promotion.apply(references) {
                *replaced.entry(position).or_default() += 1;
            }
        }
        // A value that every instance replaces by its own never runs.
        for (position, count) in replaced {
            references[position].reference.active &= count < instances[id].len();
        }
    }
}

/// The references inside a subgraph, by their position among all.
struct Inner<'workflow> {
    positions: Vec<usize>,
    by_literal: HashMap<&'workflow str, Vec<usize>>,
}

impl<'workflow> Inner<'workflow> {
    fn new(paths: &HashSet<&str>, references: &[Found<'workflow>]) -> Self {
        let mut inner = Self { positions: Vec::new(), by_literal: HashMap::new() };
        for (position, found) in references.iter().enumerate() {
            if paths.contains(found.reference.node_id.as_str()) {
                inner.positions.push(position);
                inner.by_literal.entry(found.literal).or_default().push(position);
            }
        }
        inner
    }

    fn holding(&self, literal: &str) -> &[usize] {
        self.by_literal.get(literal).map_or(&[], Vec::as_slice)
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

struct Promotion<'all, 'workflow> {
    text: &'all str,
    instance: &'all Node<'workflow>,
    inner: &'all Inner<'workflow>,
    /// Per widget, what it stands for.
    targets: Vec<Option<Target<'workflow>>>,
    single: bool,
}

impl<'workflow> Promotion<'_, 'workflow> {
    /// Returns the references inside whose value the instance replaces by another.
    fn apply(&self, references: &mut Vec<Found<'workflow>>) -> Vec<usize> {
        let listing = Listing::of_node(self.instance.value);
        let mut own = Vec::new();
        let mut replaced = Vec::new();
        for leaf in leaves(self.instance) {
            if builtin::is_virtual(leaf.value.trim()) {
                continue;
            }
            let equal = self.equal(&leaf, references);
            if self.single && !equal.is_empty() {
                for position in equal {
                    self.tie(&leaf, &mut references[position]);
                }
            } else {
                let found = self.own(&leaf, &equal, references);
                if !found.is_empty() && equal.is_empty() {
                    replaced.extend(self.at_target(&leaf, references));
                }
                own.extend(found);
            }
        }
        mirrors::add_named(self.text, self.instance.value, &mut own);
        let mut speaks_of = self.inner.positions.clone();
        speaks_of.extend(references.len()..references.len() + own.len());
        references.append(&mut own);
        listing.attach(references, &speaks_of, Scope::Node);
        replaced
    }

    /// The instance's string is a copy of the inner one.
    fn tie(&self, leaf: &Leaf<'_>, inner: &mut Found<'_>) {
        inner.copy(self.text, &leaf.span);
        for span in mirrors::named(self.instance.value, leaf.value) {
            inner.copy(self.text, &span);
        }
        inner.reference.aliases.push(Alias {
            node_id: self.instance.path.clone(),
            node_type: self.instance.node_type.to_owned(),
            widget_index: leaf.index,
            widget_path: (!leaf.is_plain()).then(|| leaf.path.clone()),
        });
    }

    /// The references inside that hold this very string; those of the widget's own target if any do.
    fn equal(&self, leaf: &Leaf<'_>, references: &[Found<'_>]) -> Vec<usize> {
        let all = self.inner.holding(leaf.value);
        let target = self.target(leaf).map(|target| target.path.as_str());
        let at_target = |position: &usize| Some(references[*position].reference.node_id.as_str()) == target;
        let there: Vec<usize> = all.iter().copied().filter(at_target).collect();
        if there.is_empty() { all.to_vec() } else { there }
    }

    fn target(&self, leaf: &Leaf<'_>) -> Option<&Target<'workflow>> {
        self.targets.get(leaf.index).filter(|_| leaf.is_plain())?.as_ref()
    }

    /// The references at the very widget the instance's string stands for.
    fn at_target(&self, leaf: &Leaf<'_>, references: &[Found<'_>]) -> Vec<usize> {
        let Some(target) = self.target(leaf) else { return Vec::new() };
        let at = |position: &&usize| {
            let reference = &references[**position].reference;
            reference.node_id == target.path && target.widget_index.is_none_or(|index| index == reference.widget_index)
        };
        self.inner.positions.iter().filter(at).copied().collect()
    }

    /// References of the instance itself; what they are is told by the widget they stand for.
    fn own(&self, leaf: &Leaf<'workflow>, equal: &[usize], references: &[Found<'_>]) -> Vec<Found<'workflow>> {
        let by_name = self.target(leaf).map(|target| (target.node_type, [target.step()]));
        let place = match &by_name {
            Some((node_type, path)) => Place { node_type, path },
            None => Place { node_type: self.instance.node_type, path: &leaf.path },
        };
        let mut found = candidates(self.text, self.instance, &place, leaf, !equal.is_empty());
        let likely = if equal.is_empty() { self.at_target(leaf, references) } else { equal.to_vec() };
        for candidate in &mut found {
            if let Some(first) = likely.first().map(|&at| &references[at].reference) {
                let agree = likely.iter().all(|&at| references[at].reference.category == first.category);
                if candidate.category.is_none() && agree {
                    candidate.category.clone_from(&first.category);
                }
                if !candidate.kind.is_tag() {
                    candidate.confidence = Confidence::High;
                    candidate.reason = Reason::Promoted;
                }
            }
        }
        let mut found: Vec<_> =
            found.into_iter().map(|candidate| Found::new(self.text, self.instance, leaf, candidate)).collect();
        for source in equal.iter().flat_map(|&at| &references[at].reference.embedded) {
            for found in &mut found {
                if !found.reference.embedded.contains(source) {
                    found.reference.embedded.push(source.clone());
                }
            }
        }
        found
    }
}

impl Target<'_> {
    /// The widget as the tables are asked for it: by its position if that is known, else by name.
    fn step(&self) -> PathStep {
        self.widget_index.map_or_else(|| PathStep::Key(self.input.clone()), PathStep::Index)
    }
}
