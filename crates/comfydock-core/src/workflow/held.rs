//! Which references stand at a widget, and which hold a string.

use std::collections::HashMap;

use super::found::Found;
use super::nodes::Node;

/// A widget of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Spot<'workflow> {
    /// The definition the node stands in.
    pub(super) graph: Option<&'workflow str>,
    /// The node's id there.
    pub(super) node: String,
    /// The widget's position, if it is known.
    pub(super) widget: Option<usize>,
}

impl<'workflow> Spot<'workflow> {
    pub(super) fn of(node: &Node<'workflow>, widget: Option<usize>) -> Self {
        Self { graph: node.definition, node: node.local_id().to_owned(), widget }
    }
}

/// References by where they stand and by the whole string they were found in.
#[derive(Default)]
pub(super) struct Held<'workflow> {
    at: HashMap<Spot<'workflow>, Vec<usize>>,
    holding: HashMap<(Option<&'workflow str>, &'workflow str), Vec<usize>>,
    holding_at: HashMap<Spot<'workflow>, HashMap<&'workflow str, Vec<usize>>>,
    /// Per node the one widget that has references; none if there are several.
    only: HashMap<Spot<'workflow>, Option<usize>>,
}

impl<'workflow> Held<'workflow> {
    pub(super) fn of(references: &[Found<'workflow>]) -> Self {
        let mut held = Self::default();
        for (position, found) in references.iter().enumerate() {
            held.add(position, found);
        }
        held
    }

    pub(super) fn add(&mut self, position: usize, found: &Found<'workflow>) {
        self.tie(position, found.graph, found.literal);
        let Some(spot) = found.spot().cloned() else { return };
        let node = Spot { widget: None, ..spot.clone() };
        let only = self.only.entry(node.clone()).or_insert(spot.widget);
        *only = only.filter(|widget| Some(*widget) == spot.widget);
        for spot in [&spot, &node] {
            self.holding_at.entry(spot.clone()).or_default().entry(found.literal).or_default().push(position);
        }
        self.at.entry(spot).or_default().push(position);
    }

    /// A graph holds the string too, as a copy.
    pub(super) fn tie(&mut self, position: usize, graph: Option<&'workflow str>, literal: &'workflow str) {
        self.holding.entry((graph, literal)).or_default().push(position);
    }

    /// The references at a widget; where its position is unknown, those of the only one that has any.
    pub(super) fn at(&self, spot: &Spot<'workflow>) -> &[usize] {
        let widget = spot.widget.or_else(|| self.only.get(spot).copied().flatten());
        self.at.get(&Spot { widget, ..spot.clone() }).map_or(&[], Vec::as_slice)
    }

    /// The references at a widget that hold the string; where its position is unknown, at the node.
    pub(super) fn holding_at(&self, spot: &Spot<'workflow>, literal: &str) -> &[usize] {
        self.holding_at.get(spot).and_then(|strings| strings.get(literal)).map_or(&[], Vec::as_slice)
    }

    /// The references of a graph that hold the string.
    pub(super) fn holding(&self, graph: Option<&'workflow str>, literal: &'workflow str) -> &[usize] {
        self.holding.get(&(graph, literal)).map_or(&[], Vec::as_slice)
    }
}
