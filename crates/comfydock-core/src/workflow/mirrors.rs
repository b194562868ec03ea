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
pub(super) struct Named {
    /// By where the widget's own literal begins.
    copies: HashMap<usize, Vec<Range<usize>>>,
}

impl Named {
    pub(super) fn of(node: &Value, widgets: &[Leaf<'_>]) -> Self {
        let Some(values) = node.get("widgets_values_named") else { return Self { copies: HashMap::new() } };
        let mut named: HashMap<&str, Vec<Range<usize>>> = HashMap::new();
        for leaf in strings(values) {
            named.entry(leaf.value).or_default().push(leaf.span);
        }
        let mut owners: HashMap<&str, Vec<usize>> = HashMap::new();
        for leaf in widgets {
            owners.entry(leaf.value).or_default().push(leaf.span.start);
        }
        let mut copies = HashMap::new();
        for (literal, starts) in owners {
            let Some(spans) = named.remove(literal) else { continue };
            if spans.len() == starts.len() {
                copies.extend(starts.into_iter().zip(spans.into_iter().map(|span| vec![span])));
            } else {
                copies.insert(starts[0], spans);
            }
        }
        Self { copies }
    }

    /// The copies of the string whose literal begins here.
    pub(super) fn copies(&self, start: usize) -> &[Range<usize>] {
        self.copies.get(&start).map_or(&[], Vec::as_slice)
    }

    /// Adds the copies to the node's references.
    pub(super) fn add(&self, references: &mut [Found<'_>]) {
        for found in references {
            for span in self.copies(found.literal_span.start) {
                found.copy(span);
            }
        }
    }
}
