//! One model, spelled differently on different machines (decision 6).

use std::collections::HashMap;
use std::ops::Range;

use super::{ModelRef, Workflow, model_refs, same_content};
use crate::json;

/// The workflow's text with these references naming something else, mirrors included. Nothing else
/// changes. The references must be the workflow's own.
pub fn rewrite(workflow: &Workflow, changes: &[(&ModelRef, String)]) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    // References come before mirrors: a string that is both follows its own reference.
    let own = changes.iter().map(|(reference, new)| (&reference.span, new));
    let copies = changes.iter().flat_map(|(reference, new)| reference.mirrors.iter().map(move |span| (span, new)));
    let mut taken = std::collections::HashSet::new();
    for (span, new) in own.chain(copies) {
        if taken.insert(span.start) {
            edits.push((span.clone(), json::quote(new)));
        }
    }
    json::splice(workflow.text(), &edits)
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
    let at: HashMap<_, _> = theirs.iter().map(|reference| (reference.place(), reference)).collect();
    let changes: Vec<(&ModelRef, String)> = ours
        .iter()
        .filter_map(|reference| {
            let other = at.get(&reference.place())?;
            let respelled = other.value != reference.value
                && other.node_type == reference.node_type
                && equivalent(other, reference);
            respelled.then(|| (reference, other.value.clone()))
        })
        .collect();
    rewrite(workflow, &changes)
}

/// Whether two workflows are the same but for the spelling of models that `equivalent` calls the
/// same; its first argument is a reference of `left`.
pub fn same_content_with(left: &Workflow, right: &Workflow, equivalent: impl Fn(&ModelRef, &ModelRef) -> bool) -> bool {
    same_content(left.text(), right.text()) || same_content(left.text(), &with_spelling_of(left, right, equivalent))
}
