//! What an answer changes: the name in ComfyUI's file, and the manifest.

use std::collections::BTreeMap;

use super::{Question, Sheet};
use crate::category;
use crate::manifest::{Document, ModelStatus, ModelUse, Substitution, WorkflowModel};
use crate::plan::library::Place;
use crate::plan::models::free_name;
use crate::plan::tracked::UNKNOWN_CATEGORY;
use crate::workflow::{ModelRef, normalise_for_lookup, rewrite};

/// What a person says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This model is meant, or shall be used; its key.
    Use(String),
    /// Leave it, and do not ask again until node or name change.
    Skip,
}

/// A file that ComfyUI must see under another path before it finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bring {
    /// Where it lies.
    pub from: Place,
    /// Its path below the models folder that takes new files.
    pub relative_path: String,
}

/// What changes.
#[derive(Debug, Default)]
pub struct Settled {
    /// New texts of ComfyUI's workflow files, by name.
    pub workflows: BTreeMap<String, String>,
    /// Files to be linked in first.
    pub brings: Vec<Bring>,
}

/// Settles questions of one workflow. Skipped ones are kept in the manifest; a model that is not
/// here and gets another in its place gets it in every workflow, on record.
pub fn settle(sheet: &Sheet<'_>, workflow: &str, answers: &[(&Question, Answer)], document: &mut Document) -> Settled {
    let mut renames: Vec<(String, ModelUse, String)> = Vec::new();
    let mut settled = Settled::default();
    let mut skipped = Vec::new();
    for (question, answer) in answers {
        match (answer, &question.absent) {
            (Answer::Skip, _) => skipped.push(*question),
            (Answer::Use(key), Some((absent, _))) if absent != key => {
                renames.extend(everywhere(sheet, absent, key, document, &mut settled));
            }
            (Answer::Use(key), _) => {
                let Some(name) = name_of(sheet, key, question.category.as_deref(), &mut settled) else { continue };
                renames.extend(question.uses.iter().map(|at| (workflow.to_owned(), at.clone(), name.clone())));
            }
        }
    }
    write_all(sheet, renames, &mut settled);
    if !skipped.is_empty() {
        keep_skipped(sheet, workflow, &skipped, document);
    }
    settled
}

/// Puts the model of one key in the place of another in every workflow, on record.
pub fn substitute(sheet: &Sheet<'_>, old: &str, new: &str, document: &mut Document) -> Settled {
    let mut settled = Settled::default();
    let renames = everywhere(sheet, old, new, document, &mut settled);
    write_all(sheet, renames, &mut settled);
    settled
}

fn everywhere(
    sheet: &Sheet<'_>,
    old: &str,
    new: &str,
    document: &mut Document,
    settled: &mut Settled,
) -> Vec<(String, ModelUse, String)> {
    let mut renames = Vec::new();
    for (workflow, (reading, _)) in &sheet.readings {
        for mention in reading.mentions.iter().filter(|mention| mention.key.as_deref() == Some(old)) {
            let Some(name) = name_of(sheet, new, mention.reference.category.as_deref(), settled) else { continue };
            renames.push(((*workflow).to_owned(), ModelUse::of(&mention.reference), name));
        }
    }
    let facts = sheet.manifest.models.get(old).map(|model| Substitution {
        filename: model.filename.clone(),
        category: model.category.clone(),
        sha256: model.sha256.clone(),
        with: new.to_owned(),
    });
    let here = || {
        let (row, file) = (sheet.library.rows(old).next()?, sheet.index.files_of(old).next()?);
        Some(Substitution {
            filename: file.name.rsplit('/').next().unwrap_or_default().to_owned(),
            category: file.category.clone(),
            sha256: row.sha256.clone(),
            with: new.to_owned(),
        })
    };
    if let Some(substitution) = facts.or_else(here) {
        document.set_substitution(old, &substitution);
    }
    renames
}

/// The name that leads ComfyUI to the model; a file it does not see in the category is brought in.
fn name_of(sheet: &Sheet<'_>, key: &str, category: Option<&str>, settled: &mut Settled) -> Option<String> {
    let category = category.map(category::canonical);
    let Some(category) = category else {
        return sheet.index.files_of(key).next().map(|file| file.name.clone());
    };
    if let Some(file) = sheet.index.visible(key, category) {
        return Some(file.name.clone());
    }
    let row = sheet.library.rows(key).next()?;
    let from = row.places.first()?.clone();
    let (folder, name) = free_name(&sheet.index, key, category, &from.relative_path, row.sha256.as_ref());
    let relative_path = format!("{folder}/{name}");
    let bring = Bring { from, relative_path };
    if !settled.brings.contains(&bring) {
        settled.brings.push(bring);
    }
    Some(name)
}

fn write_all(sheet: &Sheet<'_>, renames: Vec<(String, ModelUse, String)>, settled: &mut Settled) {
    let mut by_workflow: BTreeMap<String, Vec<(ModelUse, String)>> = BTreeMap::new();
    for (workflow, at, name) in renames {
        by_workflow.entry(workflow).or_default().push((at, name));
    }
    for (workflow, renames) in by_workflow {
        let (Some(live), Some((reading, _))) =
            (sheet.live.get(workflow.as_str()), sheet.readings.get(workflow.as_str()))
        else {
            continue;
        };
        let changes: Vec<(&ModelRef, String)> = reading
            .mentions
            .iter()
            .filter_map(|mention| {
                let (_, name) = renames.iter().find(|(at, _)| at.place() == mention.reference.place())?;
                let spelled = mention.reference.spelling_of(name);
                (spelled != mention.reference.value).then_some((&mention.reference, spelled))
            })
            .collect();
        if !changes.is_empty() {
            settled.workflows.insert(workflow, rewrite(live, &changes));
        }
    }
}

/// Records what was skipped, with what the widgets name now: that is what the answer is for.
fn keep_skipped(sheet: &Sheet<'_>, workflow: &str, skipped: &[&Question], document: &mut Document) {
    let mut entries = sheet.manifest.workflows.get(workflow).cloned().unwrap_or_default();
    for question in skipped {
        let asked = |at: &ModelUse| question.uses.iter().any(|of| of.place() == at.place());
        let before = entries.iter().find(|entry| entry.nodes.iter().any(asked)).cloned();
        for entry in &mut entries {
            entry.nodes.retain(|at| !asked(at));
        }
        entries.retain(|entry| !entry.nodes.is_empty());
        let path = normalise_for_lookup(&question.value).path;
        let mut nodes: Vec<ModelUse> =
            question.uses.iter().map(|at| ModelUse { value: Some(question.value.clone()), ..at.clone() }).collect();
        nodes.sort();
        entries.push(WorkflowModel {
            filename: path.rsplit('/').next().unwrap_or(&path).to_owned(),
            category: question.category.clone().unwrap_or_else(|| UNKNOWN_CATEGORY.to_owned()),
            hash: None,
            status: ModelStatus::Skipped,
            criticality: question.criticality,
            chosen: before.is_some_and(|before| before.chosen),
            nodes,
        });
    }
    document.set_workflow(workflow, &entries);
}
