//! What an answer changes: the name in ComfyUI's file, and the manifest.

use std::collections::BTreeMap;

use super::{Choice, Likeness, Question, Sheet};
use crate::category;
use crate::manifest::{Document, ModelStatus, ModelUse, Substitution, WorkflowModel};
use crate::plan::library::{KnownModel, Place};
use crate::plan::models::{free_name, place_asked_for};
use crate::plan::tracked::{Mention, UNKNOWN_CATEGORY};
use crate::plan::{misnamed, needed};
use crate::resolve::{Sight, is_disproved};
use crate::workflow::{Confidence, ModelRef, normalise_for_lookup, rewrite};

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

/// A name that is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The workflow.
    pub workflow: String,
    /// The name it had.
    pub from: String,
    /// The name it has now.
    pub to: String,
}

/// What changes.
#[derive(Debug, Default)]
pub struct Settled {
    /// New texts of ComfyUI's workflow files, by name.
    pub workflows: BTreeMap<String, String>,
    /// The names that are other ones in these, each once.
    pub renamed: Vec<Renamed>,
    /// Files to be linked in first.
    pub brings: Vec<Bring>,
}

/// A name to be written at a place of a workflow.
struct Rename {
    workflow: String,
    at: ModelUse,
    name: String,
}

/// Settles questions of one workflow, puts models in the place of others everywhere (`substitutions`,
/// keys), and writes the names under which ComfyUI here has what the workflow means. Skipped
/// questions are kept in the manifest; a model that is not here and gets another in its place gets it
/// in every workflow, on record.
pub fn settle(
    sheet: &Sheet<'_>,
    workflow: &str,
    answers: &[(&Question, Answer)],
    substitutions: &[(String, String)],
    document: &mut Document,
) -> Settled {
    let mut renames: Vec<Rename> = Vec::new();
    let mut settled = Settled::default();
    let (mut skipped, mut chosen) = (Vec::new(), Vec::new());
    for (old, new) in substitutions {
        renames.extend(everywhere(sheet, old, new, document, &mut settled));
    }
    for (question, answer) in answers {
        match (answer, &question.absent) {
            (Answer::Skip, _) => skipped.push(*question),
            (Answer::Use(key), Some((absent, _))) if absent != key => {
                renames.extend(everywhere(sheet, absent, key, document, &mut settled));
            }
            (Answer::Use(key), _) => {
                let is_it = |choice: &Choice| choice.key == *key && choice.likeness == Likeness::SameContent;
                // Another model is not put under the name of the one that was meant.
                let asked = if question.choices.iter().any(is_it) { question.value.as_str() } else { "" };
                let category = question.category.as_deref();
                let Some(name) = name_of(sheet, key, category, asked, &mut settled) else { continue };
                chosen.push((*question, key.as_str(), name.clone()));
                renames.extend(question.uses.iter().map(|at| Rename {
                    workflow: workflow.to_owned(),
                    at: at.clone(),
                    name: name.clone(),
                }));
            }
        }
    }
    renames.extend(known_by_other_names(sheet, workflow, substitutions, &mut settled));
    write_all(sheet, &renames, &mut settled);
    if !skipped.is_empty() {
        keep_skipped(sheet, workflow, &skipped, document);
    }
    for (question, key, name) in chosen {
        keep_contradiction(sheet, workflow, question, key, &name, document);
    }
    settled
}

fn everywhere(sheet: &Sheet<'_>, old: &str, new: &str, document: &mut Document, settled: &mut Settled) -> Vec<Rename> {
    let mut renames = Vec::new();
    for (workflow, (reading, _)) in &sheet.readings {
        for mention in reading.mentions.iter().filter(|mention| mention.key.as_deref() == Some(old)) {
            let category = mention.reference.category.as_deref();
            let Some(name) = name_of(sheet, new, category, "", settled) else { continue };
            renames.push(Rename { workflow: (*workflow).to_owned(), at: ModelUse::of(&mention.reference), name });
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

/// What is clear and only has another name here, or lies where ComfyUI does not look. Nobody needs to
/// be asked: it is the same model. What only a text seems to name is left as it is.
fn known_by_other_names(
    sheet: &Sheet<'_>,
    workflow: &str,
    substitutions: &[(String, String)],
    settled: &mut Settled,
) -> Vec<Rename> {
    let Some((reading, _)) = sheet.readings.get(workflow) else { return Vec::new() };
    let mut renames = Vec::new();
    for (mention, key, sight) in misnamed::mentions(reading, sheet.library, &sheet.index) {
        let reference = &mention.reference;
        let goes = substitutions.iter().any(|(old, _)| old == key);
        let rests = sight == Sight::Hidden && !reference.active;
        if goes || rests || reference.confidence == Confidence::Low {
            continue;
        }
        let name = name_of(sheet, key, reference.category.as_deref(), &reference.value, settled);
        renames.extend(name.map(|name| Rename { workflow: workflow.to_owned(), at: ModelUse::of(reference), name }));
    }
    renames
}

/// The name that leads ComfyUI to the model; a file it does not see in the category is brought in, by
/// the name that `asked` has for it if that is free.
fn name_of(sheet: &Sheet<'_>, key: &str, category: Option<&str>, asked: &str, settled: &mut Settled) -> Option<String> {
    let category = category.map(category::canonical);
    let Some(category) = category else {
        return sheet.index.files_of(key).find(|file| file.seen).map(|file| file.name.clone());
    };
    if let Some(file) = sheet.index.visible(key, category) {
        return Some(file.name.clone());
    }
    let row = sheet.library.rows(key).next()?;
    let from = row.places.iter().chain(&row.elsewhere).next()?;
    let (folder, name) = match name_as_asked(sheet, category, asked) {
        Some(name) => (*category::folders(category).first()?, name),
        None if row.places.is_empty() => {
            // What leads to it elsewhere is no name for a models folder.
            let file_name = from.relative_path.rsplit('/').next()?;
            let (_, name) = free_name(&sheet.index, key, category, file_name, row.sha256.as_ref());
            (*category::folders(category).first()?, name)
        }
        None => free_name(&sheet.index, key, category, &from.relative_path, row.sha256.as_ref()),
    };
    let bring = Bring { from: from.clone(), relative_path: format!("{folder}/{name}") };
    if !settled.brings.contains(&bring) {
        settled.brings.push(bring);
    }
    Some(name)
}

/// The path below the category that a name asks for, if a file can have it and none has.
fn name_as_asked(sheet: &Sheet<'_>, category: &str, asked: &str) -> Option<String> {
    let place = place_asked_for(category, asked)?;
    sheet.index.file(category, place.name()).is_none().then(|| place.name().to_owned())
}

fn write_all(sheet: &Sheet<'_>, renames: &[Rename], settled: &mut Settled) {
    let mut by_workflow: BTreeMap<&str, Vec<&Rename>> = BTreeMap::new();
    for rename in renames {
        by_workflow.entry(&rename.workflow).or_default().push(rename);
    }
    for (workflow, renames) in by_workflow {
        let (Some(live), Some((reading, _))) = (sheet.live.get(workflow), sheet.readings.get(workflow)) else {
            continue;
        };
        let changes: Vec<(&ModelRef, String)> = reading
            .mentions
            .iter()
            .filter_map(|mention| {
                let rename = renames.iter().find(|rename| rename.at.place() == mention.reference.place())?;
                let spelled = mention.reference.spelling_of(&rename.name);
                (spelled != mention.reference.value).then_some((&mention.reference, spelled))
            })
            .collect();
        for (reference, to) in &changes {
            let renamed = Renamed { workflow: workflow.to_owned(), from: reference.value.clone(), to: to.clone() };
            if !settled.renamed.contains(&renamed) {
                settled.renamed.push(renamed);
            }
        }
        if !changes.is_empty() {
            settled.workflows.insert(workflow.to_owned(), rewrite(live, &changes));
        }
    }
}

/// Records that another file is meant than the one whose SHA-256 the workflow gives: nothing in the
/// workflow itself would say so the next time.
fn keep_contradiction(
    sheet: &Sheet<'_>,
    workflow: &str,
    question: &Question,
    key: &str,
    name: &str,
    document: &mut Document,
) {
    let Some((reading, _)) = sheet.readings.get(workflow) else { return };
    let asked = |mention: &&Mention| question.uses.iter().any(|at| at.place() == mention.reference.place());
    let Some(mention) = reading.mentions.iter().find(asked) else { return };
    if !is_disproved(&sheet.index, &mention.reference, key) {
        return;
    }
    let rows: Vec<&KnownModel> = sheet.library.rows(key).collect();
    let Some(model) = needed::known(sheet.manifest.models.get(key), &rows, &mention.reference) else { return };
    document.set_model(key, &model);
    let value = mention.reference.spelling_of(name);
    let entry = entry_for(question, &model.filename, Some(key), &value);
    put_entry(sheet, workflow, question, entry, document);
}

/// Records what was skipped, with what the widgets name now: that is what the answer is for.
fn keep_skipped(sheet: &Sheet<'_>, workflow: &str, skipped: &[&Question], document: &mut Document) {
    for question in skipped {
        let asked = normalise_for_lookup(&question.value);
        let entry = entry_for(question, asked.file_name(), None, &question.value);
        put_entry(sheet, workflow, question, entry, document);
    }
}

/// The manifest's entry for what a question is about.
fn entry_for(question: &Question, filename: &str, key: Option<&str>, value: &str) -> WorkflowModel {
    let mut nodes: Vec<ModelUse> =
        question.uses.iter().map(|at| ModelUse { value: Some(value.to_owned()), ..at.clone() }).collect();
    nodes.sort();
    WorkflowModel {
        filename: filename.to_owned(),
        category: question.category.clone().unwrap_or_else(|| UNKNOWN_CATEGORY.to_owned()),
        hash: key.map(str::to_owned),
        status: if key.is_some() { ModelStatus::Resolved } else { ModelStatus::Skipped },
        criticality: question.criticality,
        chosen: false,
        nodes,
    }
}

/// Puts an entry in the place of those that spoke of the question's nodes.
fn put_entry(
    sheet: &Sheet<'_>,
    workflow: &str,
    question: &Question,
    mut entry: WorkflowModel,
    document: &mut Document,
) {
    let recorded = document.manifest().ok().and_then(|manifest| manifest.workflows.get(workflow).cloned());
    let mut entries = recorded.or_else(|| sheet.manifest.workflows.get(workflow).cloned()).unwrap_or_default();
    let asked = |at: &ModelUse| question.uses.iter().any(|of| of.place() == at.place());
    entry.chosen = entries.iter().any(|before| before.chosen && before.nodes.iter().any(asked));
    for before in &mut entries {
        before.nodes.retain(|at| !asked(at));
    }
    entries.retain(|before| !before.nodes.is_empty());
    entries.push(entry);
    document.set_workflow(workflow, &entries);
}
