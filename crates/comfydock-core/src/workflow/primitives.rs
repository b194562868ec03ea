//! `PrimitiveNode`s: the editor puts their value into the widgets they are linked to, whatever is
//! stored there.

use std::collections::HashMap;

use super::candidate::candidates;
use super::found::Found;
use super::groups::{Group, Origin};
use super::held::{Held, Spot};
use super::leaf::Leaf;
use super::links::{Feed, Links, widget_named};
use super::model_refs::PathStep;
use super::nodes::Node;
use super::seat::{Seat, Widgets};

/// Of the widgets that a primitive feeds so many are asked what its value is.
const MOST_JUDGED: usize = 16;

/// A widget that a `PrimitiveNode` feeds.
pub(super) struct Fed<'workflow> {
    /// The primitive's position among all nodes.
    pub(super) primitive: usize,
    /// The widget's places: on a node, or on an instance and inside.
    pub(super) spots: Vec<Spot<'workflow>>,
    /// The widget as the tables know it.
    pub(super) seat: Seat<'workflow>,
    /// Whether the node of the widget runs.
    pub(super) active: bool,
}

/// By position of the node's widgets that a link feeds, what it brings: a primitive's string, or something
/// that only running tells.
pub(super) type Brought<'workflow> = HashMap<usize, Option<&'workflow str>>;

/// What links bring to a node's widgets.
pub(super) fn fed_of_node<'workflow>(
    links: &Links<'workflow>,
    all: &[Node<'workflow>],
    node: &Node<'workflow>,
    fed: &mut Vec<Fed<'workflow>>,
) -> Brought<'workflow> {
    let mut brought = Brought::new();
    for input in links.fed(node) {
        let position = widget_named(node.node_type, node.widgets, input.name).or(input.position);
        let step = position.map_or_else(|| PathStep::Key(input.name.to_owned()), PathStep::Index);
        let string = string(all, input.feed);
        brought.extend(position.map(|position| (position, string)));
        if let (Feed::Primitive(primitive), Some(_)) = (input.feed, string) {
            let spots = vec![Spot::of(node, position)];
            let widgets = Widgets::elsewhere(node.widgets);
            let seat = Seat { node_type: node.node_type, path: vec![step], widgets, offset: 0 };
            fed.push(Fed { primitive, spots, seat, active: node.active });
        }
    }
    brought
}

/// The same for a group node, whose inputs are called as the nodes inside call them.
pub(super) fn fed_of_group<'workflow>(
    links: &Links<'workflow>,
    all: &[Node<'workflow>],
    node: &Node<'workflow>,
    group: &Group<'workflow>,
    origins: &[Option<Origin>],
    strings: &[Leaf<'workflow>],
    fed: &mut Vec<Fed<'workflow>>,
) -> Brought<'workflow> {
    let mut brought = Brought::new();
    let inputs = links.fed(node);
    if inputs.is_empty() {
        return brought;
    }
    let by_origin: HashMap<&Origin, usize> =
        origins.iter().zip(strings).filter_map(|(origin, leaf)| Some((origin.as_ref()?, leaf.index))).collect();
    for input in inputs {
        let Some(origin) = group.named(input.name) else { continue };
        let position = by_origin.get(&origin).copied().or(input.position);
        let string = string(all, input.feed);
        brought.extend(position.map(|position| (position, string)));
        if let (Feed::Primitive(primitive), Some(_)) = (input.feed, string) {
            let active = node.active && group.runs(&origin);
            let spots = vec![Spot::of(node, position)];
            fed.push(Fed { primitive, spots, seat: group.seat(node, &origin), active });
        }
    }
    brought
}

fn string<'workflow>(all: &[Node<'workflow>], feed: Feed) -> Option<&'workflow str> {
    match feed {
        Feed::Primitive(primitive) => value(&all[primitive]).map(|leaf| leaf.value),
        Feed::Other => None,
    }
}

/// What a primitive puts into the widgets it is linked to.
pub(super) fn value<'workflow>(primitive: &Node<'workflow>) -> Option<Leaf<'workflow>> {
    let first = primitive.widgets?.as_array()?.first()?;
    let path = vec![PathStep::Index(0)];
    Some(Leaf { index: 0, path, value: first.as_str()?, span: first.span.clone(), on: true })
}

/// Ties the primitives to the references that hold the same string; a primitive that brings another
/// string than any of them is a reference itself, judged as the widget it feeds.
pub(super) fn add<'workflow>(
    text: &str,
    all: &[Node<'workflow>],
    links: &Links<'workflow>,
    fed: &[Fed<'workflow>],
    references: &mut Vec<Found<'workflow>>,
) {
    let held = &Held::of(references);
    let mut by_primitive: HashMap<usize, Vec<&Fed<'workflow>>> = HashMap::new();
    for fed in fed {
        by_primitive.entry(fed.primitive).or_default().push(fed);
    }
    for (at, primitive) in all.iter().enumerate().filter(|(_, node)| node.node_type == "PrimitiveNode") {
        let Some(leaf) = value(primitive) else { continue };
        let same = held.text(leaf.value);
        let fed = by_primitive.get(&at).map(Vec::as_slice).unwrap_or_default();
        if fed.is_empty() && !links.are_known(primitive.definition) {
            // A file without links: the same string is all there is to go by.
            for &position in same.map_or(&[][..], |text| held.nth_holding(primitive.definition, text, 0)) {
                references[position].copy(&leaf.span);
            }
            continue;
        }
        let mut runs = false;
        for fed in fed {
            let equal = same.map(|text| fed.spots.iter().flat_map(move |spot| held.holding_at(spot.clone(), text)));
            for position in equal.into_iter().flatten() {
                runs |= references[position].reference.active;
                references[position].copy(&leaf.span);
            }
        }
        if !runs {
            references.extend(own(text, primitive, &leaf, fed));
        }
    }
}

fn own<'workflow>(
    text: &str,
    primitive: &Node<'workflow>,
    leaf: &Leaf<'workflow>,
    fed: &[&Fed<'workflow>],
) -> Vec<Found<'workflow>> {
    // The widgets that run come first: one of them makes the value count.
    let judged = fed.iter().filter(|fed| fed.active).chain(fed.iter().filter(|fed| !fed.active)).take(MOST_JUDGED);
    let found =
        judged.map(|fed| (fed.active, candidates(text, &fed.seat, leaf, false))).find(|(_, found)| !found.is_empty());
    let Some((active, found)) = found else { return Vec::new() };
    let found = found.into_iter().map(|candidate| {
        let on = candidate.on;
        let mut found = Found::new(primitive, leaf, candidate);
        found.reference.active = active && on;
        found
    });
    found.collect()
}
