//! Values that subgraph instances hold for widgets of the nodes inside.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::candidate::candidates;
use super::embedded::{Listing, Scope};
use super::found::Found;
use super::held::{Held, Spot, Text};
use super::leaf::{Leaf, leaves};
use super::links::{Feed, Links};
use super::mirrors::Named;
use super::model_refs::{Alias, Confidence};
use super::nodes::Node;
use super::primitives::{self, Fed};
use super::promotion::{Graphs, Widget};
use super::reason::Reason;
use super::seat::{Seat, Widgets};
use super::{Workflow, inside};

/// Of the references at one widget so many are asked what it is.
const MOST_LOOKED_AT: usize = 16;

/// What the instances are held against.
struct Promotion<'all, 'workflow> {
    text: &'workflow str,
    all: &'all [Node<'workflow>],
    links: &'all Links<'workflow>,
    graphs: Graphs<'workflow>,
    inside: inside::Inside<'workflow>,
    held: Held<'workflow>,
    /// Of instances that were looked at, the positions of their widgets by name.
    names: HashMap<Spot<'workflow>, HashMap<&'workflow str, usize>>,
    /// References that never run, because every instance has another value.
    replaced: HashSet<usize>,
}

/// Adds what the instances hold: as mirrors of the references inside, or as references of their own. Tells
/// which `PrimitiveNode`s feed them.
pub(super) fn add<'workflow>(
    workflow: &'workflow Workflow,
    all: &[Node<'workflow>],
    links: &Links<'workflow>,
    references: &mut Vec<Found<'workflow>>,
) -> Vec<Fed<'workflow>> {
    let mut instances: HashMap<&str, Vec<&Node<'workflow>>> = HashMap::new();
    for node in all.iter().filter(|node| node.is_instance) {
        instances.entry(node.node_type).or_default().push(node);
    }
    let mut promotion = Promotion {
        text: workflow.text(),
        all,
        links,
        graphs: Graphs::of(workflow, all),
        inside: inside::Inside::of(all),
        held: Held::of(references),
        names: HashMap::new(),
        replaced: HashSet::new(),
    };
    let mut fed = Vec::new();
    // What stands inside comes first: an instance's value may be a copy of a value two levels down.
    for id in promotion.inside.innermost_first() {
        let Some(instances) = instances.get(id) else { continue };
        let runs = instances.iter().any(|instance| instance.active);
        let counted = instances.iter().filter(|instance| instance.active || !runs).count();
        let mut replaced: HashMap<Spot<'_>, usize> = HashMap::new();
        for instance in instances {
            let spots = promotion.instance(instance, references, &mut fed);
            for spot in spots.into_iter().filter(|_| instance.active || !runs) {
                *replaced.entry(spot).or_default() += 1;
            }
        }
        // A value that every instance replaces by its own never runs.
        for (spot, _) in replaced.into_iter().filter(|(_, count)| *count == counted) {
            for position in promotion.held.at(&spot) {
                references[position].reference.active = false;
                promotion.replaced.insert(position);
            }
        }
    }
    fed
}

impl<'workflow> Promotion<'_, 'workflow> {
    /// Returns the widgets inside whose value the instance replaces by another.
    fn instance(
        &mut self,
        instance: &Node<'workflow>,
        references: &mut Vec<Found<'workflow>>,
        fed: &mut Vec<Fed<'workflow>>,
    ) -> HashSet<Spot<'workflow>> {
        let widgets = self.graphs.widgets(instance);
        let names = widgets.iter().enumerate().rev().map(|(position, widget)| (widget.name, position)).collect();
        self.names.insert(Spot::of(instance, None), names);
        let strings = leaves(instance);
        let named = Named::of(instance.value, &strings);
        let mut replaced = HashSet::new();
        let linked = self.linked(instance, &widgets, references, &mut replaced, fed);

        let near = self.inside.near(instance.node_type);
        let mut speaks_of = BTreeSet::new();
        let mut met = HashSet::new();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut own = Vec::new();
        let single = self.graphs.instances(instance.node_type) == 1;
        for leaf in &strings {
            let widget = widgets.get(leaf.index).filter(|widget| leaf.is_plain() && !widget.targets.is_empty());
            let nth = seen.entry(leaf.value).or_default();
            let text = self.held.text(leaf.value);
            let equal = match (text, widget) {
                (None, _) => Vec::new(),
                (Some(text), Some(widget)) => self.equal(widget, text),
                (Some(text), None) => self.alike(&near, text, *nth),
            };
            *nth += 1;
            if let Some(widget) = widget {
                let others = self.spots(widget).filter(|spot| self.holds_another(spot, leaf.value, references));
                replaced.extend(others);
                let new = self.spots(widget).filter(|spot| met.insert(spot.clone()));
                speaks_of.extend(new.flat_map(|spot| self.held.at(&spot).collect::<Vec<_>>()));
            }
            if let Some(text) = text.filter(|_| single && !equal.is_empty()) {
                for &position in &equal {
                    tie(instance, leaf, &named, &mut references[position]);
                    self.held.tie(&references[position], instance.definition, text);
                }
                speaks_of.extend(equal);
            } else {
                let found = self.own(instance, leaf, widget, &equal, references);
                own.extend(found.into_iter().map(|mut found| {
                    found.reference.active &= !linked.contains(&leaf.index);
                    found
                }));
            }
        }
        named.add(&mut own);
        for found in own {
            speaks_of.insert(references.len());
            self.held.add(references.len(), &found);
            references.push(found);
        }
        let speaks_of: Vec<usize> = speaks_of.into_iter().collect();
        Listing::of_node(instance.value).attach(references, &speaks_of, Scope::Category);
        replaced
    }

    /// The positions of the instance's widgets that a link feeds with another value. What stands behind
    /// them is replaced, whether or not the instance holds a value too.
    fn linked(
        &self,
        instance: &Node<'workflow>,
        widgets: &[Widget<'workflow>],
        references: &[Found<'workflow>],
        replaced: &mut HashSet<Spot<'workflow>>,
        fed: &mut Vec<Fed<'workflow>>,
    ) -> HashSet<usize> {
        let mut linked = HashSet::new();
        let names = &self.names[&Spot::of(instance, None)];
        for input in self.links.fed(instance) {
            let position = names.get(input.name).copied().or(input.position);
            let behind = match position.and_then(|position| widgets.get(position)) {
                Some(widget) => widget.clone(),
                None => self.graphs.input(instance, input.name),
            };
            let spots: Vec<Spot<'_>> = self.spots(&behind).collect();
            match input.feed {
                Feed::Other => {
                    linked.extend(position);
                    replaced.extend(spots);
                }
                Feed::Primitive(primitive) => {
                    let Some(leaf) = primitives::value(&self.all[primitive]) else { continue };
                    let stored = position.and_then(|at| instance.widgets?.as_array()?.get(at)?.as_str());
                    linked.extend(position.filter(|_| stored != Some(leaf.value)));
                    let others = spots.iter().filter(|spot| self.holds_another(spot, leaf.value, references));
                    replaced.extend(others.cloned());
                    let Some(target) = behind.targets.iter().find(|target| target.is_last) else { continue };
                    let own = Spot::of(instance, position);
                    let spots = spots.into_iter().chain([own]).collect();
                    fed.push(Fed { primitive, spots, seat: target.seat(), active: instance.active });
                }
            }
        }
        linked
    }

    /// The places a widget stands for. Those that can be reached in another way too are left out: what
    /// stands there may run all the same.
    fn spots(&self, widget: &Widget<'workflow>) -> impl Iterator<Item = Spot<'workflow>> {
        widget.targets.iter().filter(|target| target.is_sole).map(|target| {
            let instance = || self.names.get(&target.spot(None))?.get(target.name).copied();
            target.spot(if target.is_last { target.position() } else { instance() })
        })
    }

    fn holds_another(&self, spot: &Spot<'workflow>, literal: &str, references: &[Found<'_>]) -> bool {
        self.held.at(spot).next().is_some_and(|position| references[position].literal != literal)
    }

    /// The references that hold this very text where the widget leads.
    fn equal(&self, widget: &Widget<'workflow>, text: Text) -> Vec<usize> {
        let there = self.spots(widget).flat_map(|spot| self.held.holding_at(spot, text));
        there.filter(|position| !self.replaced.contains(position)).collect()
    }

    /// Where nothing tells what a string stands for: the references inside that hold the same; of
    /// several such strings those of the one in the same order.
    fn alike(&self, near: &[&'workflow str], text: Text, nth: usize) -> Vec<usize> {
        let mut all = near.iter().map(|&id| self.held.nth_holding(Some(id), text, nth));
        all.find(|references| !references.is_empty()).unwrap_or_default().to_vec()
    }

    /// References of the instance itself; what they are is told by the widget they stand for.
    fn own(
        &self,
        instance: &Node<'workflow>,
        leaf: &Leaf<'workflow>,
        widget: Option<&Widget<'workflow>>,
        equal: &[usize],
        references: &[Found<'workflow>],
    ) -> Vec<Found<'workflow>> {
        let target = widget.and_then(|widget| widget.targets.iter().find(|target| target.is_last));
        let seat = match target {
            Some(target) => target.seat(),
            None => Seat {
                node_type: instance.node_type,
                path: leaf.path.clone(),
                widgets: Widgets::elsewhere(instance.widgets),
                offset: 0,
            },
        };
        let mut found = candidates(self.text, &seat, leaf, !equal.is_empty());
        let there = || {
            let spots = widget.into_iter().flat_map(|widget| self.spots(widget));
            spots.flat_map(|spot| self.held.at(&spot).take(MOST_LOOKED_AT).collect::<Vec<_>>()).take(MOST_LOOKED_AT)
        };
        let likely = if equal.is_empty() { there().collect() } else { equal.to_vec() };
        if let Some(first) = likely.first().map(|&at| &references[at].reference) {
            let agree = likely.iter().all(|&at| references[at].reference.category == first.category);
            for candidate in &mut found {
                if candidate.category.is_none() && agree {
                    candidate.category.clone_from(&first.category);
                }
                if !candidate.kind.is_tag() {
                    candidate.confidence = Confidence::High;
                    candidate.reason = Reason::Promoted;
                }
            }
        }
        let mut found: Vec<_> = found.into_iter().map(|candidate| Found::new(instance, leaf, candidate)).collect();
        // Of a text with many names nothing tells which source is whose.
        if let [only] = found.as_mut_slice() {
            for source in equal.iter().take(MOST_LOOKED_AT).flat_map(|&at| &references[at].reference.embedded) {
                if !only.reference.embedded.contains(source) {
                    only.reference.embedded.push(source.clone());
                }
            }
        }
        found
    }
}

/// The instance's string is a copy of the inner one.
fn tie(instance: &Node<'_>, leaf: &Leaf<'_>, named: &Named, inner: &mut Found<'_>) {
    inner.copy(&leaf.span);
    for span in named.copies(leaf.span.start) {
        inner.copy(span);
    }
    inner.reference.aliases.push(Alias {
        node_id: instance.path.clone(),
        node_type: instance.node_type.to_owned(),
        widget_index: leaf.index,
        widget_path: (!leaf.is_plain()).then(|| leaf.path.clone()),
    });
}
