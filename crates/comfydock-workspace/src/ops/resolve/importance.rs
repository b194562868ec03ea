//! `comfydock workflow importance`: how much a model matters.

use comfydock_core::category::Criticality;
use comfydock_core::foreign;
use comfydock_core::manifest::{Manifest, ModelStatus, WorkflowModel};
use comfydock_core::plan::commit::plan_commit;
use comfydock_git::repository::NewFile;

use super::name_of;
use super::which::manifest_key;
use crate::Error;
use crate::environment::Environment;
use crate::ops::Context;
use crate::ops::commit::put_files;
use crate::ops::seen::Seen;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// Says how much a model matters to a workflow; the next commit records it. Returns its file name.
///
/// # Errors
/// When the workflow or the model is not known, or the manifest cannot be written.
pub fn set(
    workspace: &Workspace,
    environment: &Environment,
    workflow: &str,
    model: &str,
    criticality: Criticality,
    context: &Context<'_>,
) -> Result<String, Error> {
    let seen = Seen::of(workspace, environment, context)?;
    let workflow = name_of(&seen, workflow)?;
    let plan = plan_commit(&seen.observed())?;
    let manifest = plan.manifest.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
    let mut entries = manifest.workflows.get(&workflow).cloned().unwrap_or_default();
    let key = manifest_key(&manifest, model);
    let meant = |entry: &WorkflowModel| entry.filename == model || (key.is_some() && entry.hash == key);
    let Some(name) = entries.iter().find(|entry| meant(entry)).map(|entry| entry.filename.clone()) else {
        let known: Vec<&str> = entries.iter().map(|entry| entry.filename.as_str()).collect();
        return Err(Error::refused(
            format!("workflow `{workflow}` names no model `{model}`"),
            if known.is_empty() { "it names none".to_owned() } else { format!("it names: {}", known.join(", ")) },
        ));
    };
    for entry in entries.iter_mut().filter(|entry| meant(entry)) {
        entry.criticality = criticality;
        entry.chosen = true;
    }
    let mut document = seen.document.clone();
    let recorded = seen.manifest.workflows.get(&workflow);
    // What a commit would write besides is left to the commit.
    let entries = match recorded {
        Some(recorded) => merged(recorded, &entries),
        None => entries.into_iter().map(|entry| without_unknown(entry, &seen.manifest)).collect(),
    };
    document.set_workflow(&workflow, &entries);
    let _lock = environment.lock()?;
    let mut transaction = Transaction::begin(&environment.home())?;
    let file = NewFile { path: foreign::MANIFEST.to_owned(), bytes: document.text().into_bytes() };
    put_files(environment, &mut transaction, &[file])?;
    transaction.commit()?;
    Ok(name)
}

/// The recorded entries, with the choices of those that were planned.
fn merged(recorded: &[WorkflowModel], planned: &[WorkflowModel]) -> Vec<WorkflowModel> {
    let mut entries = recorded.to_vec();
    for choice in planned.iter().filter(|entry| entry.chosen) {
        let same = |entry: &&mut WorkflowModel| entry.nodes.iter().any(|at| choice.nodes.contains(at));
        match entries.iter_mut().find(same) {
            Some(entry) => (entry.criticality, entry.chosen) = (choice.criticality, true),
            None => entries.push(WorkflowModel { hash: None, ..choice.clone() }),
        }
    }
    entries
}

/// An entry whose model the manifest does not hold yet.
fn without_unknown(entry: WorkflowModel, manifest: &Manifest) -> WorkflowModel {
    let known = entry.hash.as_ref().is_some_and(|key| manifest.models.contains_key(key));
    if known {
        return entry;
    }
    let status = match entry.status {
        ModelStatus::Resolved => ModelStatus::Unresolved,
        other => other,
    };
    WorkflowModel { hash: None, status, ..entry }
}
