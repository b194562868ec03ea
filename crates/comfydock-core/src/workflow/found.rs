//! A reference while it is being put together.

use std::ops::Range;

use super::candidate::Candidate;
use super::held::Spot;
use super::leaf::Leaf;
use super::model_refs::ModelRef;
use super::nodes::Node;
use crate::json;

/// A reference with the string it was found in, so that copies of that string can be tied to it.
#[derive(Debug)]
pub(super) struct Found<'workflow> {
    pub(super) reference: ModelRef,
    /// Where its widget stands; none for a string deeper inside a widget.
    spot: Option<Spot<'workflow>>,
    /// The definition its node stands in.
    pub(super) graph: Option<&'workflow str>,
    /// The whole string.
    pub(super) literal: &'workflow str,
    /// The string's literal in the text.
    pub(super) literal_span: Range<usize>,
    /// The name's places in the string; empty if it is the whole string.
    parts: Vec<Range<usize>>,
}

impl<'workflow> Found<'workflow> {
    /// What a string of a node was found to name.
    pub(super) fn new(text: &str, node: &Node<'workflow>, leaf: &Leaf<'workflow>, candidate: Candidate) -> Self {
        let Candidate { kind, value, parts, category, confidence, reason, on } = candidate;
        let mut found = Self {
            reference: ModelRef {
                node_id: node.path.clone(),
                node_type: node.node_type.to_owned(),
                widget_index: leaf.index,
                widget_path: (!leaf.is_plain()).then(|| leaf.path.clone()),
                kind,
                value,
                span: leaf.span.clone(),
                mirrors: Vec::new(),
                aliases: Vec::new(),
                category,
                confidence,
                reason,
                active: node.active && leaf.on && on,
                embedded: Vec::new(),
            },
            spot: (leaf.path.len() == 1).then(|| Spot::of(node, Some(leaf.index))),
            graph: node.definition,
            literal: leaf.value,
            literal_span: leaf.span.clone(),
            parts,
        };
        let mut spans = found.spans_in(text, &leaf.span);
        found.reference.span = spans.remove(0);
        found.reference.mirrors = spans;
        found
    }

    /// Where its widget stands; none for a string deeper inside a widget.
    pub(super) fn spot(&self) -> Option<&Spot<'workflow>> {
        self.spot.as_ref()
    }

    /// Ties a copy of the whole string to the reference.
    pub(super) fn copy(&mut self, text: &str, literal: &Range<usize>) {
        let spans = self.spans_in(text, literal);
        self.reference.mirrors.extend(spans);
    }

    /// The name's places in a literal of the same string; one at least.
    fn spans_in(&self, text: &str, literal: &Range<usize>) -> Vec<Range<usize>> {
        if self.parts.is_empty() {
            return vec![literal.clone()];
        }
        self.parts.iter().map(|part| json::within(text, literal, part)).collect()
    }
}
