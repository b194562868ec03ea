//! Which models a merged workflow is tied to.

use std::collections::BTreeMap;

use super::Three;
use super::question::{Desk, Side, Subject};
use super::workflows::Kept;
use crate::manifest::{Manifest, ModelStatus, WorkflowModel};

/// The models of each kept workflow, by its name.
pub(super) type Uses = BTreeMap<String, Vec<WorkflowModel>>;

/// The places are those of the side whose text it is; which file is meant there, and how much it
/// matters, is from the side that changed it.
pub(super) fn merge(kept: &[Kept], manifests: &Three<Manifest>, desk: &mut Desk<'_>) -> Uses {
    let mut found = Uses::new();
    for kept in kept {
        let side = match kept.side {
            Side::Ours => &manifests.ours,
            Side::Theirs => &manifests.theirs,
        };
        let Some(own) = side.workflows.get(&kept.was) else { continue };
        let mut entries = own.clone();
        if kept.both_tie {
            let three = Three {
                base: manifests.base.workflows.get(&kept.was),
                ours: manifests.ours.workflows.get(&kept.was).or_else(|| manifests.ours.workflows.get(&kept.name)),
                theirs: manifests
                    .theirs
                    .workflows
                    .get(&kept.was)
                    .or_else(|| manifests.theirs.workflows.get(&kept.name)),
            };
            for entry in &mut entries {
                entry_of(kept, three, entry, desk);
            }
        }
        found.insert(kept.name.clone(), entries);
    }
    found
}

fn entry_of(kept: &Kept, three: Three<Option<&Vec<WorkflowModel>>>, entry: &mut WorkflowModel, desk: &mut Desk<'_>) {
    let find = |models: Option<&Vec<WorkflowModel>>| {
        let mut alike = models
            .into_iter()
            .flatten()
            .filter(|model| model.filename == entry.filename && model.category == entry.category);
        let first = alike.next().cloned();
        // Of two files with one name nobody can tell which is which.
        first.filter(|_| alike.next().is_none())
    };
    let three = three.map(find);
    let (Some(ours), Some(theirs)) = (&three.ours, &three.theirs) else { return };
    let tie = |model: &WorkflowModel| (model.hash.clone(), model.status);
    let weight = |model: &WorkflowModel| (model.criticality, model.chosen);
    let base = three.base.as_ref();
    let ties = Three { base: base.map(tie), ours: Some(tie(ours)), theirs: Some(tie(theirs)) };
    let weights = Three { base: base.map(weight), ours: Some(weight(ours)), theirs: Some(weight(theirs)) };
    let mut ask = |words: [String; 2]| {
        let subject = Subject::Model { workflow: kept.name.clone(), filename: entry.filename.clone() };
        let [ours, theirs] = words;
        desk.ask(subject, vec![ours], vec![theirs])
    };
    let side = ties.side().unwrap_or_else(|| match (ours.status, theirs.status) {
        (ModelStatus::Resolved, ModelStatus::Unresolved | ModelStatus::Skipped) => Side::Ours,
        (ModelStatus::Unresolved | ModelStatus::Skipped, ModelStatus::Resolved) => Side::Theirs,
        _ => ask([ours, theirs].map(|model| model.hash.clone().unwrap_or_else(|| "left open".to_owned()))),
    });
    (entry.hash, entry.status) = if side == Side::Ours { tie(ours) } else { tie(theirs) };
    // What somebody chose goes before what follows by itself.
    let side = weights.side().unwrap_or_else(|| match (ours.chosen, theirs.chosen) {
        (true, false) => Side::Ours,
        (false, _) => Side::Theirs,
        (true, true) => ask([ours, theirs].map(|model| serde_json::json!(model.criticality).to_string())),
    });
    (entry.criticality, entry.chosen) = if side == Side::Ours { weight(ours) } else { weight(theirs) };
}
