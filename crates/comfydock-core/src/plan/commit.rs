//! What a commit writes: tracked copies, the manifest, and what stops it.

use std::collections::{BTreeMap, BTreeSet};

use crate::category::Criticality;
use crate::foreign::WORKFLOWS;
use crate::manifest::{self, Document, Manifest, Model, ModelStatus};
use crate::path::{TreePath, fold};
use crate::plan::library::Library;
use crate::plan::misnamed::{self, Misnamed};
use crate::plan::models::{Action, plan_models};
use crate::plan::needed;
use crate::plan::tracked::{self, Reading};
use crate::resolve::Index;
use crate::workflow::{self, Metadata, Workflow};

/// What was observed of an environment's workflows.
pub struct Observed<'a> {
    /// The manifest as it lies in `.cec`, with the user's uncommitted edits.
    pub manifest: &'a Document,
    /// The tracked copies of the last commit, by workflow name.
    pub tracked: &'a BTreeMap<String, String>,
    /// ComfyUI's workflows, by name.
    pub live: &'a BTreeMap<String, String>,
    /// The models of this machine.
    pub library: &'a Library,
    /// The time of the commit, RFC 3339 in UTC.
    pub now: &'a str,
}

/// How a workflow differs from the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was not there.
    New,
    /// Its content is another.
    Changed,
    /// It is gone.
    Removed,
    /// Its content is the same; a name in it means another file than before.
    Replaced,
    /// Its content is the same; more is known of its models.
    Models,
}

impl Change {
    /// The word for it in JSON documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Replaced => "replaced",
            Self::Models => "models",
        }
    }
}

/// A mention of a model that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The workflow.
    pub workflow: String,
    /// What the widget says.
    pub value: String,
    /// The node's path and class.
    pub node: String,
    /// Keys of the models it could mean; empty when there is none. One alone is another file than the
    /// workflow gives the SHA-256 of.
    pub candidates: Vec<String>,
    /// How much it matters.
    pub criticality: Criticality,
}

/// A commit to be made.
#[derive(Debug)]
pub struct Plan {
    /// Files below `workflows/` to write (or remove, when `None`), by workflow name.
    pub workflows: BTreeMap<String, Option<String>>,
    /// The manifest with everything in it.
    pub manifest: Document,
    /// Its models, by key.
    pub models: BTreeMap<String, Model>,
    /// What changed, by workflow name.
    pub changes: BTreeMap<String, Change>,
    /// What is not settled.
    pub open: Vec<Open>,
    /// Models that are here and that ComfyUI does not find under the workflows' names.
    pub misnamed: Vec<Misnamed>,
    /// Rows of the index that are referred to and lack a full hash, with their bytes.
    pub unmeasured: Vec<(i64, u64)>,
    /// Things worth saying that stop nothing.
    pub warnings: Vec<String>,
}

/// A commit that cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Workflows that cannot be read, each with the reason.
    #[error("{} cannot be read", plural(.0.len(), "workflow"))]
    Unreadable(Vec<(String, workflow::Error)>),
    /// Names that no tree may hold, each with the reason.
    #[error("{} cannot be tracked under {}", plural(.0.len(), "workflow"), if .0.len() == 1 { "its name" } else { "their names" })]
    Names(Vec<(String, &'static str)>),
    /// Two names that are one where upper and lower case are.
    #[error("workflows `{0}` and `{1}` have one name where upper and lower case are one")]
    Collision(String, String),
    /// The manifest cannot stand.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
}

impl crate::hint::Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable(_) => {
                Some("open them in ComfyUI and save them again, or move them out of the workflows folder".to_owned())
            }
            Self::Names(_) => {
                Some("rename them in ComfyUI: others could not check them out on every system".to_owned())
            }
            Self::Collision(..) => Some("rename one of them".to_owned()),
            Self::Manifest(error) => error.hint(),
        }
    }
}

/// `3 workflows`, `1 workflow`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Plans a commit of everything that was observed.
///
/// # Errors
/// When a workflow cannot be read, two names collide, or the manifest cannot stand.
pub fn plan_commit(observed: &Observed<'_>) -> Result<Plan, Error> {
    let before = observed.manifest.manifest()?;
    let live = parse_all(observed.live)?;
    let index = Index::new(&observed.library.files);
    let mut plan = Plan {
        workflows: BTreeMap::new(),
        manifest: observed.manifest.clone(),
        models: BTreeMap::new(),
        changes: BTreeMap::new(),
        open: Vec::new(),
        misnamed: Vec::new(),
        unmeasured: Vec::new(),
        warnings: Vec::new(),
    };
    let readings = read_all(&live, observed.tracked, &before, &index)?;
    let needed = needed::models(&readings, &before, observed.library);
    plan.unmeasured = needed.unmeasured;
    plan.warnings = needed.warnings;
    let models = needed.models;
    for (key, model) in &models {
        if before.models.get(key) != Some(model) {
            plan.manifest.set_model(key, model);
        }
    }
    let now_known = Manifest { models: models.clone(), ..before.clone() };
    for (name, (reading, tracked)) in &readings {
        plan_workflow(name, reading, tracked.as_ref(), &before, &now_known, observed.now, &mut plan);
        plan.misnamed.extend(misnamed::of(name, reading, observed.library, &index));
    }
    for name in observed
        .tracked
        .keys()
        .chain(before.workflows.keys())
        .filter(|name| !readings.contains_key(name.as_str()))
        .collect::<BTreeSet<_>>()
    {
        plan.workflows.insert(name.clone(), None);
        plan.changes.insert(name.clone(), Change::Removed);
        plan.manifest.remove_workflow(name);
    }
    for key in before.models.keys().filter(|key| !models.contains_key(*key)) {
        plan.manifest.remove_model(key);
    }
    plan.models = models;
    Ok(plan)
}

/// A workflow as it was read, and its tracked copy.
pub(super) type ReadAll<'a> = BTreeMap<&'a str, (Reading, Option<Workflow>)>;

/// Reads every workflow against its tracked copy.
pub(super) fn read_all<'a>(
    live: &BTreeMap<&'a str, Workflow>,
    tracked: &BTreeMap<String, String>,
    before: &Manifest,
    index: &Index<'_>,
) -> Result<ReadAll<'a>, Error> {
    let mut readings = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (name, workflow) in live {
        let tracked = tracked.get(*name).and_then(|text| Workflow::parse(text.clone()).ok());
        match tracked::read(name, workflow, tracked.as_ref(), before, index) {
            Ok(reading) => {
                readings.insert(*name, (reading, tracked));
            }
            Err(error) => unreadable.push(((*name).to_owned(), error)),
        }
    }
    if unreadable.is_empty() { Ok(readings) } else { Err(Error::Unreadable(unreadable)) }
}

pub(super) fn parse_all(live: &BTreeMap<String, String>) -> Result<BTreeMap<&str, Workflow>, Error> {
    let mut unreadable = Vec::new();
    let mut workflows = BTreeMap::new();
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    let misnamed: Vec<(String, &'static str)> = live
        .keys()
        .filter_map(|name| {
            TreePath::parse(&format!("{WORKFLOWS}{name}.json")).err().map(|error| (name.clone(), error.reason()))
        })
        .collect();
    if !misnamed.is_empty() {
        return Err(Error::Names(misnamed));
    }
    for (name, text) in live {
        if let Some(other) = folded.insert(fold(name), name) {
            return Err(Error::Collision(other.to_owned(), name.clone()));
        }
        match Workflow::parse(text.clone()) {
            // Metadata lives in `extra`; anything but an object there is left alone, so the workflow
            // could not say what it needs.
            Ok(workflow)
                if workflow
                    .root()
                    .get("extra")
                    .is_some_and(|extra| !extra.is_null() && extra.as_object().is_none()) =>
            {
                unreadable.push((name.clone(), workflow::Error::Extra));
            }
            Ok(workflow) => {
                workflows.insert(name.as_str(), workflow);
            }
            Err(error) => unreadable.push((name.clone(), error)),
        }
    }
    if unreadable.is_empty() { Ok(workflows) } else { Err(Error::Unreadable(unreadable)) }
}

fn plan_workflow(
    name: &str,
    reading: &Reading,
    tracked: Option<&Workflow>,
    before: &Manifest,
    now_known: &Manifest,
    now: &str,
    plan: &mut Plan,
) {
    let entries = tracked::entries(name, reading, now_known);
    plan.warnings.extend(reading.folders.iter().map(|folder| {
        format!(
            "workflow `{name}`: `{}` at {} is a folder of files, which does not travel: others have to get it themselves",
            folder.value,
            folder.node()
        )
    }));
    for mention in reading.mentions.iter().filter(|mention| mention.key.is_none() && !mention.skipped) {
        let criticality = entries
            .iter()
            .find(|entry| entry.nodes.iter().any(|at| at.place() == mention.reference.place()))
            .map_or(Criticality::Required, |entry| entry.criticality);
        plan.open.push(Open {
            workflow: name.to_owned(),
            value: mention.reference.value.clone(),
            node: mention.reference.node(),
            candidates: mention.candidates.clone(),
            criticality,
        });
    }
    let known_before = before.workflows.get(name);
    if known_before != Some(&entries) {
        plan.manifest.set_workflow(name, &entries);
    }
    let metadata = tracked::metadata(reading, &now_known.models, now);
    let carried = tracked.and_then(|tracked| Metadata::of(tracked).ok().flatten());
    if !reading.changed && carried.is_some_and(|carried| same_references(&carried, &metadata)) {
        return;
    }
    // A broken `extra` was refused when the workflow was read.
    let Ok(text) = workflow::with_metadata(&reading.canonical, &metadata) else { return };
    let change = match (tracked, reading.changed) {
        (None, _) => Change::New,
        (Some(_), true) => Change::Changed,
        (Some(_), false) if known_before.is_some_and(|before| !tracked::same_models(before, &entries)) => {
            Change::Replaced
        }
        (Some(_), false) => Change::Models,
    };
    plan.changes.insert(name.to_owned(), change);
    plan.workflows.insert(name.to_owned(), Some(text));
}

/// Whether hashes and statuses are the same; sources alone never rewrite a tracked copy (decision 8).
pub(crate) fn same_references(one: &Metadata, other: &Metadata) -> bool {
    let facts = |metadata: &Metadata| {
        metadata
            .models
            .iter()
            .flat_map(|(id, node)| {
                node.refs.iter().map(|known| {
                    (
                        id.clone(),
                        known.widget_index,
                        known.path.clone(),
                        known.hash.clone(),
                        known.sha256.clone(),
                        known.blake3.clone(),
                        known.status,
                    )
                })
            })
            .collect::<Vec<_>>()
    };
    facts(one) == facts(other)
}

/// What the commit's message says when the user gives none.
pub fn message(changes: &BTreeMap<String, Change>, others: &[String]) -> String {
    let mut parts: Vec<String> = others.to_vec();
    for (kind, verb) in [
        (Change::New, "Add"),
        (Change::Changed, "Change"),
        (Change::Removed, "Remove"),
        (Change::Replaced, "Replace models of"),
        (Change::Models, "Update models of"),
    ] {
        let names: Vec<&str> =
            changes.iter().filter(|(_, change)| **change == kind).map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            parts.push(match names.as_slice() {
                few @ ([_] | [_, _] | [_, _, _]) => format!("{verb} {}", few.join(", ")),
                [first, rest @ ..] => format!("{verb} {first} and {} more", plural(rest.len(), "workflow")),
                [] => continue,
            });
        }
    }
    if parts.is_empty() { "Update the environment".to_owned() } else { parts.join("; ") }
}

/// Which required models keep a commit from being made.
pub fn stops(open: &[Open]) -> impl Iterator<Item = &Open> {
    open.iter().filter(|open| open.criticality != Criticality::Optional)
}

/// The workflows of a manifest with what ComfyUI would not find for each: models that are not here,
/// or lie where it does not look.
pub fn missing_here(manifest: &Manifest, library: &Library) -> BTreeMap<String, Vec<String>> {
    let mut missing: BTreeMap<String, Vec<String>> = manifest
        .workflows
        .iter()
        .map(|(name, models)| {
            let open = models.iter().filter(|model| model.status == ModelStatus::Unresolved);
            (name.clone(), open.map(|model| model.filename.clone()).collect())
        })
        .collect();
    for step in plan_models(manifest, library, &BTreeMap::new()) {
        if step.action != Action::Here {
            for workflow in &step.workflows {
                missing.entry(workflow.clone()).or_default().push(step.name.clone());
            }
        }
    }
    missing
}
