//! A reference while it is being put together.

use std::collections::HashMap;
use std::ops::Range;

use super::candidate::Candidate;
use super::held::Spot;
use super::leaf::Leaf;
use super::model_refs::ModelRef;
use super::nodes::Node;
use crate::json::Literal;

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
    /// Literals of the same string elsewhere.
    copies: Vec<Range<usize>>,
}

impl<'workflow> Found<'workflow> {
    /// What a string of a node was found to name.
    pub(super) fn new(node: &Node<'workflow>, leaf: &Leaf<'workflow>, candidate: Candidate) -> Self {
        let Candidate { kind, value, parts, category, confidence, reason, on } = candidate;
        Self {
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
            copies: Vec::new(),
        }
    }

    /// Where its widget stands; none for a string deeper inside a widget.
    pub(super) fn spot(&self) -> Option<&Spot<'workflow>> {
        self.spot.as_ref()
    }

    /// Ties a copy of the whole string to the reference.
    pub(super) fn copy(&mut self, literal: &Range<usize>) {
        self.copies.push(literal.clone());
    }

    /// The reference with its places in the text. Many names may stand in one literal, so each is read
    /// once.
    pub(super) fn finish(self, text: &str, literals: &mut HashMap<usize, Literal>) -> ModelRef {
        let Self { mut reference, literal_span, parts, copies, .. } = self;
        if parts.is_empty() {
            reference.mirrors.extend(copies);
        } else {
            let mut places = Vec::new();
            for literal in [literal_span].iter().chain(&copies) {
                let known = literals.entry(literal.start).or_insert_with(|| Literal::of(text, literal));
                places.extend(parts.iter().map(|part| known.part(part)));
            }
            reference.span = places.remove(0);
            reference.mirrors.extend(places);
        }
        reference.mirrors.sort_by_key(|span| span.start);
        reference.mirrors.dedup();
        reference
    }
}
