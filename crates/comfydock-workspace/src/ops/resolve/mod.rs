//! `comfydock workflow resolve`: settling what is not clear in a workflow.

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfydock_core::foreign;
use comfydock_core::manifest::{Document, WorkflowModel};
use comfydock_core::plan::misnamed::Misnamed;
use comfydock_core::plan::resolve::{Answer, Question, Renamed, Settled, Sheet, settle};
use comfydock_core::resolve::ladder::Offer;
use comfydock_git::repository::NewFile;

use self::locate::{Located, key_at, locate};
pub use self::which::{key_of, manifest_key};
use super::Context;
use super::commit::put_files;
use super::seen::{Seen, replace_workflow};
use crate::Error;
use crate::environment::Environment;
use crate::models::place::bring;
use crate::models::roots::Roots;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

pub mod importance;
mod locate;
pub mod offers;
mod which;

/// A workflow and what is not clear in it.
pub struct Draft {
    seen: Seen,
    workflow: String,
    questions: Vec<Question>,
    misnamed: Vec<Misnamed>,
    /// Keys: what goes, and what takes its place.
    substitutions: Vec<(String, String)>,
}

/// What is wanted before anything is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// Models to put in the place of others in every workflow, as words: the old and the new one.
    pub substitute: &'a [(String, String)],
    /// Names that are asked about although they were skipped.
    pub reopen: &'a [&'a str],
}

/// What a person says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// The model of this machine with this key.
    Use(String),
    /// This file.
    Locate(PathBuf),
    /// What is offered here.
    Download(Box<Offer>),
    /// Leave it, and do not ask again.
    Skip,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Workflows whose files in ComfyUI were rewritten.
    pub rewritten: Vec<String>,
    /// The names in them that are other ones now.
    pub renamed: Vec<Renamed>,
    /// Paths that files were brought to, below the models folder for new files.
    pub brought: Vec<String>,
    /// Downloads that did not come: the name, and why.
    pub missing: Vec<(String, String)>,
    /// What is still not clear.
    pub open: Vec<Question>,
}

impl Draft {
    /// The workflow's name.
    pub fn workflow(&self) -> &str {
        &self.workflow
    }

    /// What is not clear.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// Whether something is to be written even if nothing is answered.
    pub fn writes(&self) -> bool {
        !self.misnamed.is_empty() || !self.substitutions.is_empty()
    }

    /// The models of this machine under the environment's keys.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The key of the model that a word means: a hash or its start, a file name, a path below its
    /// category.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn key_of(&self, word: &str) -> Result<String, Error> {
        key_of(&self.seen.library, word)
    }
}

/// Reads a workflow and finds what is not clear in it. Nothing is written.
///
/// # Errors
/// When there is no such workflow, a wish names no model or one by itself, or something cannot be read.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    workflow: &str,
    wishes: Wishes<'_>,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let seen = Seen::of(workspace, environment, context)?;
    let workflow = name_of(&seen, workflow)?;
    let mut substitutions = Vec::new();
    for (old, new) in wishes.substitute {
        let old = manifest_key(&seen.manifest, old).map_or_else(|| key_of(&seen.library, old), Ok)?;
        let new = key_of(&seen.library, new)?;
        if old == new {
            return Err(Error::refused("a model cannot stand in for itself", "name two different models"));
        }
        substitutions.push((old, new));
    }
    let sheet = Sheet::read(&seen.observed())?;
    let misnamed = sheet.misnamed(&workflow);
    let questions = sheet.questions(&workflow).into_iter().filter(|question| {
        let reopened = wishes.reopen.iter().any(|word| question.is_called(word));
        // What another model stands in for from now on is not asked about.
        let goes = |(key, _): &(String, _)| substitutions.iter().any(|(old, _)| old == key);
        (!question.skipped || reopened) && !question.absent.as_ref().is_some_and(goes)
    });
    let questions = questions.collect();
    Ok(Draft { seen, workflow, questions, misnamed, substitutions })
}

/// The workflow's name as the environment has it; the ending `.json` may be given along.
fn name_of(seen: &Seen, word: &str) -> Result<String, Error> {
    let bare = word.strip_suffix(".json").unwrap_or(word);
    let found = [word, bare].into_iter().find(|name| seen.live.contains_key(*name));
    found.map(str::to_owned).ok_or_else(|| {
        let known: Vec<&str> = seen.live.keys().map(String::as_str).collect();
        Error::Refused {
            message: format!("there is no workflow `{word}` in ComfyUI"),
            details: Vec::new(),
            hint: Some(if known.is_empty() {
                "save one in ComfyUI first".to_owned()
            } else {
                format!("there are: {}", known.join(", "))
            }),
        }
    })
}

/// Puts models in the place of others in every workflow of the environment, on record: keys, what goes and what
/// takes its place.
///
/// # Errors
/// As [`draft`] and [`apply`].
pub fn substitute(
    workspace: &Workspace,
    environment: &Environment,
    models: &BTreeMap<String, String>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let pairs: Vec<(String, String)> = models.iter().map(|(old, new)| (old.clone(), new.clone())).collect();
    let manifest = environment.manifest()?.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
    let needs = |(_, used): &(&String, &Vec<WorkflowModel>)| {
        used.iter().any(|model| model.hash.as_ref().is_some_and(|key| models.contains_key(key)))
    };
    // They are put in everywhere, whichever workflow is looked at.
    let Some((workflow, _)) = manifest.workflows.iter().find(needs) else { return Ok(Outcome::default()) };
    let wishes = Wishes { substitute: &pairs, reopen: &[] };
    let draft = draft(workspace, environment, workflow, wishes, context)?;
    apply(workspace, environment, draft, &[], context)
}

/// Settles questions of the draft, by their position, in one transaction.
///
/// # Errors
/// When a file that was named is not there or is another model, or nothing can be written; nothing
/// but links in the models folder has changed then.
pub fn apply(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    answers: &[(usize, Given)],
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let (mut brought, mut missing) = (Vec::new(), Vec::new());
    let asked: Vec<Question> = draft.questions.clone();
    let target = workspace.download_target()?.path.clone();
    // Where ComfyUI sees the files that were named or came.
    let mut arrived: BTreeMap<usize, PathBuf> = BTreeMap::new();
    for (position, given) in answers {
        let Some(question) = asked.get(*position) else { continue };
        match given {
            Given::Locate(path) => match locate(workspace, environment, &draft.seen, question, path, context)? {
                Located::There(path) => {
                    arrived.insert(*position, path);
                }
                Located::Brought(path) => {
                    arrived.insert(*position, target.join(&path));
                    brought.push(path);
                }
            },
            Given::Download(offer) => match offers::bring(workspace, environment, question, offer, context)? {
                Ok(path) => {
                    arrived.insert(*position, target.join(&path));
                    brought.push(path);
                }
                Err(reason) => missing.push((question.value.clone(), reason)),
            },
            Given::Use(_) | Given::Skip => {}
        }
    }
    let fetches = |(_, given): &(usize, Given)| matches!(given, Given::Locate(_) | Given::Download(_));
    let Draft { seen, workflow, substitutions, .. } = draft;
    let mut seen = if answers.iter().any(fetches) { Seen::of(workspace, environment, context)? } else { seen };
    let mut document = seen.document.clone();
    let settled = {
        let sheet = Sheet::read(&seen.observed())?;
        let questions = sheet.questions(&workflow);
        let still =
            |asked: &Question| questions.iter().find(|open| open.uses == asked.uses && open.value == asked.value);
        let mut known: Vec<(&Question, Answer)> = Vec::new();
        for (position, given) in answers {
            // A file that was brought in may have settled it already.
            let Some(question) = asked.get(*position).and_then(still) else { continue };
            let answer = match given {
                Given::Use(key) => Some(Answer::Use(key.clone())),
                Given::Skip => Some(Answer::Skip),
                Given::Locate(_) | Given::Download(_) => match arrived.get(position) {
                    Some(path) => Some(Answer::Use(key_at(workspace, environment, &seen, question, path)?)),
                    None => None,
                },
            };
            known.extend(answer.map(|answer| (question, answer)));
        }
        settle(&sheet, &workflow, &known, &substitutions, &mut document)
    };
    let mut outcome = write(workspace, environment, &seen, &settled, &document, context)?;
    outcome.brought.splice(0..0, brought);
    outcome.missing = missing;
    // What was linked in is known only after another look at the disk.
    if settled.brings.is_empty() {
        seen.wrote(document, settled.workflows);
    } else {
        seen = Seen::of(workspace, environment, context)?;
    }
    let questions = Sheet::read(&seen.observed())?.questions(&workflow);
    outcome.open = questions.into_iter().filter(|question| !question.skipped).collect();
    Ok(outcome)
}

fn write(
    workspace: &Workspace,
    environment: &Environment,
    seen: &Seen,
    settled: &Settled,
    document: &Document,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let _lock = environment.lock()?;
    let target = workspace.download_target()?.path.clone();
    let roots = Roots::of(workspace, Some(environment))?;
    for file in &settled.brings {
        bring(&roots.path(&file.from), &target.join(&file.relative_path))?;
    }
    let mut transaction = Transaction::begin(&environment.home())?;
    if document.text() != seen.document.text() {
        let manifest = NewFile { path: foreign::MANIFEST.to_owned(), bytes: document.text().into_bytes() };
        put_files(environment, &mut transaction, &[manifest])?;
    }
    for (name, text) in &settled.workflows {
        replace_workflow(&mut transaction, environment, name, text, seen.live.get(name).map(String::as_str))?;
    }
    for kept in transaction.commit()? {
        context.reporter.warn(format!("a workflow was saved at the last moment; that is kept as `{}`", kept.display()));
    }
    Ok(Outcome {
        rewritten: settled.workflows.keys().cloned().collect(),
        renamed: settled.renamed.clone(),
        brought: settled.brings.iter().map(|bring| bring.relative_path.clone()).collect(),
        missing: Vec::new(),
        open: Vec::new(),
    })
}
