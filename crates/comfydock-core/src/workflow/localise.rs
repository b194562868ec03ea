//! One model, spelled differently on different machines (decision 6).

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::{ModelRef, Place, RefKind, Workflow, model_refs, same_content, tags};
use crate::json;

/// The workflow's text with these references naming something else, mirrors included. Nothing else
/// changes. The references must be the workflow's own.
pub fn rewrite(workflow: &Workflow, changes: &[(&ModelRef, String)]) -> String {
    let text = workflow.text();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    // References come before mirrors: a string that is both follows its own reference.
    let own = changes.iter().map(|(reference, new)| (&reference.span, reference.kind, new));
    let copies = changes
        .iter()
        .flat_map(|(reference, new)| reference.mirrors.iter().map(move |span| (span, reference.kind, new)));
    // One string may be a copy of a whole name and of a text with that name in it; the first counts.
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    for (span, kind, new) in own.chain(copies) {
        let overlaps =
            taken.range(..span.end).next_back().is_some_and(|(start, end)| *end > span.start || *start == span.start);
        if !overlaps {
            taken.insert(span.start, span.end);
            edits.push((span.clone(), written(&text[span.clone()], kind, new)));
        }
    }
    json::splice(text, &edits)
}

/// The name as it stands in the text: a literal where a literal stood, else a part of one.
fn written(old: &str, kind: RefKind, new: &str) -> String {
    // Inside a literal every quotation mark is escaped, so a name there never begins with a bare one.
    if old.starts_with('"') {
        return json::quote(new);
    }
    let quoted = json::quote(&tags::escaped(kind, new));
    quoted[1..quoted.len() - 1].to_owned()
}

/// The text of `workflow` with the spelling of `other` wherever both name the same model at the same
/// place, as `equivalent(reference of other, reference of workflow)` judges.
pub fn with_spelling_of(
    other: &Workflow,
    workflow: &Workflow,
    equivalent: impl Fn(&ModelRef, &ModelRef) -> bool,
) -> String {
    let theirs = model_refs(other);
    let ours = model_refs(workflow);
    let at: HashMap<_, _> = places(&theirs).collect();
    let changes: Vec<(&ModelRef, String)> = places(&ours)
        .filter_map(|(place, reference)| {
            let other = at.get(&place)?;
            let respelled = other.value != reference.value
                && other.node_type == reference.node_type
                && equivalent(other, reference);
            respelled.then(|| (reference, other.value.clone()))
        })
        .collect();
    rewrite(workflow, &changes)
}

/// Each reference with its place. A tag's place holds its name, which is what may differ here, so of
/// several tags in one text their order counts.
fn places(references: &[ModelRef]) -> impl Iterator<Item = ((Place<'_>, RefKind, usize), &ModelRef)> {
    let mut seen: HashMap<(Place<'_>, RefKind), usize> = HashMap::new();
    references.iter().map(move |reference| {
        let place = Place { tag: None, ..reference.place() };
        let before = seen.entry((place, reference.kind)).or_default();
        *before += 1;
        ((place, reference.kind, *before), reference)
    })
}

/// Whether two workflows are the same but for the spelling of models that `equivalent` calls the
/// same; its first argument is a reference of `left`.
pub fn same_content_with(left: &Workflow, right: &Workflow, equivalent: impl Fn(&ModelRef, &ModelRef) -> bool) -> bool {
    same_content(left.text(), right.text()) || same_content(left.text(), &with_spelling_of(left, right, equivalent))
}
