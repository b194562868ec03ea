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

/// Stands for a string's text, so that long ones are compared once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Text(usize);

/// References by where they stand and by the whole string they were found in.
#[derive(Default)]
pub(super) struct Held<'workflow> {
    texts: HashMap<&'workflow str, Text>,
    /// The references of each string: many, if it is a text with many names.
    strings: Vec<Vec<usize>>,
    /// Which of `strings` begins here in the file.
    beginning: HashMap<usize, usize>,
    at: HashMap<Spot<'workflow>, Vec<usize>>,
    holding: HashMap<(Option<&'workflow str>, Text), Vec<usize>>,
    holding_at: HashMap<(Spot<'workflow>, Text), Vec<usize>>,
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
        if let Some(&string) = self.beginning.get(&found.literal_span.start) {
            self.strings[string].push(position);
            return;
        }
        let string = self.strings.len();
        self.strings.push(vec![position]);
        self.beginning.insert(found.literal_span.start, string);
        let new = Text(self.texts.len());
        let text = *self.texts.entry(found.literal).or_insert(new);
        self.holding.entry((found.graph, text)).or_default().push(string);
        let Some(spot) = found.spot().cloned() else { return };
        let node = Spot { widget: None, ..spot.clone() };
        let only = self.only.entry(node.clone()).or_insert(spot.widget);
        *only = only.filter(|widget| Some(*widget) == spot.widget);
        for spot in [spot.clone(), node] {
            self.holding_at.entry((spot, text)).or_default().push(string);
        }
        self.at.entry(spot).or_default().push(string);
    }

    /// A graph holds the reference's string too, as a copy.
    pub(super) fn tie(&mut self, found: &Found<'workflow>, graph: Option<&'workflow str>, text: Text) {
        let Some(&string) = self.beginning.get(&found.literal_span.start) else { return };
        let strings = self.holding.entry((graph, text)).or_default();
        if strings.last() != Some(&string) {
            strings.push(string);
        }
    }

    /// The text, if any reference was found in it.
    pub(super) fn text(&self, literal: &str) -> Option<Text> {
        self.texts.get(literal).copied()
    }

    /// The references at a widget; where its position is unknown, those of the only one that has any.
    pub(super) fn at(&self, spot: &Spot<'workflow>) -> impl Iterator<Item = usize> {
        let widget = spot.widget.or_else(|| self.only.get(spot).copied().flatten());
        self.references(self.at.get(&Spot { widget, ..spot.clone() }))
    }

    /// The references at a widget that hold the text; where its position is unknown, at the node.
    pub(super) fn holding_at(&self, spot: Spot<'workflow>, text: Text) -> impl Iterator<Item = usize> {
        self.references(self.holding_at.get(&(spot, text)))
    }

    fn references(&self, strings: Option<&Vec<usize>>) -> impl Iterator<Item = usize> {
        strings.into_iter().flatten().flat_map(|&string| self.strings[string].iter().copied())
    }

    /// The references of a graph that hold the text: of the string that is the nth of it there, or of the last.
    pub(super) fn nth_holding(&self, graph: Option<&'workflow str>, text: Text, nth: usize) -> &[usize] {
        let strings = self.holding.get(&(graph, text)).map_or(&[][..], Vec::as_slice);
        strings.get(nth).or(strings.last()).map_or(&[], |&string| &self.strings[string])
    }
}
