//! `comfydock diff`: what changed between two versions, or since one.

use std::collections::BTreeMap;

use comfydock_core::diff::{Difference, State, diff};
use comfydock_core::manifest;
use comfydock_core::workflow;

use super::version::{self, Version};
use super::{Context, commit};
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::workspace::Workspace;

/// How two states differ.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The older one.
    pub from: Version,
    /// The newer one; none for what lies here uncommitted.
    pub to: Option<Version>,
    /// How they differ.
    pub difference: Difference,
}

/// A state with what it is made of.
struct Owned {
    manifest: String,
    workflows: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Owned {
    fn committed(committed: Committed) -> Self {
        Self { manifest: committed.manifest_text, workflows: committed.workflows, files: committed.files }
    }

    /// What a commit would write now, the packs it would take over included.
    fn working(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Result<Self, Error> {
        let draft = commit::draft(workspace, environment, context)?;
        let mut document = draft.plan().manifest.clone();
        for pack in &draft.adoption().packs {
            document.set_node(pack);
        }
        let mut workflows = draft.head().workflows.clone();
        for (name, text) in &draft.plan().workflows {
            match text {
                Some(text) => workflows.insert(name.clone(), text.clone()),
                None => workflows.remove(name),
            };
        }
        Ok(Self { manifest: document.text(), workflows, files: draft.files().clone() })
    }

    fn state(&self) -> State<'_> {
        State { manifest: &self.manifest, workflows: &self.workflows, files: &self.files }
    }
}

/// Compares two versions; without the second, a version with what lies here; without both, the last
/// commit with that. `only` is the name of the one workflow that is asked about.
///
/// # Errors
/// When there is no such version or workflow, or something cannot be read.
pub fn compare(
    workspace: &Workspace,
    environment: &Environment,
    (from, to): (Option<&str>, Option<&str>),
    only: Option<&str>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let repository = environment.repository()?;
    let from = version::resolve(&repository, from.unwrap_or("HEAD"))?;
    let to = to.map(|text| version::resolve(&repository, text)).transpose()?;
    let objects = repository.objects()?;
    let committed = |version: &Version| {
        let place = format!("{version} of environment `{}`", environment.name());
        observe::committed(&objects, &version.commit, &place).map(Owned::committed)
    };
    let before = committed(&from)?;
    let after = match &to {
        Some(to) => committed(to)?,
        None => Owned::working(workspace, environment, context)?,
    };
    let failed = |source: manifest::Error| Error::Manifest { place: "a manifest cannot be taken".to_owned(), source };
    let mut difference = diff(before.state(), after.state()).map_err(failed)?;
    if let Some(word) = only {
        let name = workflow::nfc(word.strip_suffix(".json").unwrap_or(word));
        if !before.workflows.contains_key(&name) && !after.workflows.contains_key(&name) {
            let to = to.as_ref().map_or_else(|| "here".to_owned(), |to| format!("in {to}"));
            return Err(Error::refused(
                format!("there is no workflow `{name}` in {from} or {to}"),
                "`comfydock workflow list` shows those that are here",
            ));
        }
        let is_meant =
            |found: &comfydock_core::diff::WorkflowDifference| found.name == name || found.was.as_ref() == Some(&name);
        let workflows = difference.workflows.into_iter().filter(is_meant).collect();
        difference = Difference { workflows, ..Difference::default() };
    }
    Ok(Outcome { from, to, difference })
}
