//! Copies of a model's name that ComfyUI keeps beside the widget.

use std::collections::HashMap;
use std::ops::Range;

use super::found::Found;
use super::leaf::{Leaf, strings};
use crate::json::Value;

/// The copies in a node's `widgets_values_named`.
///
/// When a string stands there as often as among the widgets, the copies belong to them in order;
/// otherwise the first widget with that string has them all.
pub(super) struct Named<'workflow> {
    copies: HashMap<&'workflow str, Vec<Range<usize>>>,
    /// How often a string stands among the widgets.
    times: HashMap<&'workflow str, usize>,
    /// Which of the equal strings begins here.
    rank: HashMap<usize, usize>,
}

impl<'workflow> Named<'workflow> {
    pub(super) fn of(node: &'workflow Value, widgets: &[Leaf<'workflow>]) -> Self {
        let mut named = Self { copies: HashMap::new(), times: HashMap::new(), rank: HashMap::new() };
        let Some(values) = node.get("widgets_values_named") else { return named };
        for leaf in strings(values) {
            named.copies.entry(leaf.value).or_default().push(leaf.span);
        }
        for leaf in widgets {
            let times = named.times.entry(leaf.value).or_default();
            named.rank.insert(leaf.span.start, *times);
            *times += 1;
        }
        named
    }

    /// The copies of the string whose literal begins at `start`.
    pub(super) fn copies(&self, literal: &str, start: usize) -> &[Range<usize>] {
        let copies = self.copies.get(literal).map_or(&[][..], Vec::as_slice);
        match self.rank.get(&start) {
            Some(&rank) if self.times.get(literal) == Some(&copies.len()) => &copies[rank..=rank],
            Some(0) => copies,
            _ => &[],
        }
    }

    /// Adds the copies to the node's references.
    pub(super) fn add(&self, text: &str, references: &mut [Found<'_>]) {
        for found in references {
            for span in self.copies(found.literal, found.literal_span.start) {
                found.copy(text, span);
            }
        }
    }
}
