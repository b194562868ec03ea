//! `comfydock status`: what changed since the last commit, and what is open.

use std::collections::{BTreeMap, BTreeSet};

use comfydock_core::manifest::{EnvironmentFacts, Model};
use comfydock_core::name::NodeName;
use comfydock_core::plan::commit::{Change, Open};
use comfydock_core::plan::misnamed::Misnamed;
use comfydock_core::plan::models::{Action, plan_models};
use comfydock_git::checkout;

use super::adopt::Duplicate;
use super::commit::{self, Draft};
use super::relock::{self, Unlocked};
use super::{Context, install_scripts, remotes};
use crate::Error;
use crate::environment::Environment;
use crate::observe::packs::disabled_place;
use crate::workspace::Workspace;

/// Where the environment stands.
#[derive(Debug, Clone)]
pub struct Status {
    /// N of `vN`.
    pub version: usize,
    /// Facts of the manifest.
    pub facts: EnvironmentFacts,
    /// What became of each workflow.
    pub changes: BTreeMap<String, Change>,
    /// What changed besides workflows.
    pub others: Vec<String>,
    /// Node packs a commit would take over, at their commits.
    pub adoptable: Vec<(String, String)>,
    /// Those of them that the manifest has at another commit.
    pub moved_packs: BTreeSet<String>,
    /// Second clones of node packs.
    pub duplicate_packs: Vec<Duplicate>,
    /// Links to clones that lie elsewhere, which nobody tracks.
    pub linked_folders: Vec<String>,
    /// Folders that are not what the manifest records for their name.
    pub strange_packs: Vec<String>,
    /// Node packs with changed files.
    pub modified_packs: Vec<(String, Vec<String>)>,
    /// Folders in `custom_nodes` that nobody tracks.
    pub unknown_folders: Vec<String>,
    /// Single files in `custom_nodes` that ComfyUI loads.
    pub loose_files: Vec<String>,
    /// Packs of the manifest that are not there.
    pub missing_packs: Vec<String>,
    /// Those of them that nothing says how to have.
    pub unobtainable_packs: BTreeSet<String>,
    /// Install scripts that were run for this environment and not for what lies here.
    pub open_scripts: Vec<install_scripts::Open>,
    /// ComfyUI stands at another commit than the manifest says.
    pub comfyui_moved: Option<String>,
    /// Mentions of models that are not settled.
    pub open: Vec<Open>,
    /// Models of which more sources are known than were committed, by file name.
    pub more_sources: Vec<String>,
    /// Models that are here and that ComfyUI does not find under the workflows' names.
    pub misnamed: Vec<Misnamed>,
    /// Committed models that are not on this machine, with the workflows that need them.
    pub missing_models: Vec<(String, Vec<String>)>,
    /// What the lock lacks of what the manifest asks for.
    pub unlocked: Vec<Unlocked>,
    /// Commits here and there, as of the last fetch.
    pub ahead_behind: Option<(usize, usize)>,
}

impl Status {
    /// Whether everything is committed.
    pub fn is_clean(&self) -> bool {
        self.changes.values().all(|change| *change == Change::Models)
            && self.others.is_empty()
            && self.adoptable.is_empty()
    }

    /// Whether nothing is open or missing.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
            && self.misnamed.is_empty()
            && self.missing_models.is_empty()
            && self.missing_packs.is_empty()
            && self.unlocked.is_empty()
            && self.comfyui_moved.is_none()
            && self.strange_packs.is_empty()
            && self.duplicate_packs.is_empty()
    }
}

/// Looks at the environment. Nothing but the model index is written.
///
/// # Errors
/// When something cannot be read.
pub fn status(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Result<Status, Error> {
    let draft = commit::draft(workspace, environment, context)?;
    let manifest = &draft.head().manifest;
    // What lies there follows the manifest that lies there, committed or not.
    let here = draft.plan().manifest.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
    let expected = &here.environment.comfyui_commit;
    let found = checkout::find_head(&environment.comfyui())?;
    let comfyui_moved = found.filter(|commit| commit != expected).map(|commit| commit.to_string());
    let missing_models = missing_models(&draft);
    let more_sources = more_sources(&draft);
    let repository = environment.repository()?;
    let version = repository.versions(&draft.head().commit, 1)?.first().map_or(0, |version| version.number);
    let there = repository.find_ref(&format!("refs/remotes/{}/main", remotes::DEFAULT))?;
    let ahead_behind = there.map(|there| repository.ahead_behind(&draft.head().commit, &there)).transpose()?;
    let adoption = draft.adoption();
    Ok(Status {
        version,
        facts: manifest.environment.clone(),
        changes: draft.changes().clone(),
        others: draft.others().to_vec(),
        adoptable: adoption
            .packs
            .iter()
            .map(|pack| {
                (
                    pack.name.to_string(),
                    pack.commit.as_ref().map(|commit| commit.short(12).to_owned()).unwrap_or_default(),
                )
            })
            .collect(),
        moved_packs: {
            let tracked = |name: &&NodeName| here.nodes.contains_key(&name.normalised());
            adoption.packs.iter().map(|pack| &pack.name).filter(tracked).map(ToString::to_string).collect()
        },
        duplicate_packs: adoption.duplicates.clone(),
        linked_folders: adoption.linked.clone(),
        strange_packs: adoption.strange.clone(),
        modified_packs: adoption.modified.clone(),
        unknown_folders: adoption.unknown.clone(),
        loose_files: adoption.loose.clone(),
        missing_packs: adoption.missing.clone(),
        unobtainable_packs: here
            .nodes
            .values()
            .filter(|node| !node.can_be_had() && adoption.missing.iter().any(|name| name == node.name.as_str()))
            .map(|node| node.name.to_string())
            .filter(|name| !disabled_place(environment, name).is_dir())
            .collect(),
        open_scripts: install_scripts::open(environment)?,
        comfyui_moved,
        open: draft.open().to_vec(),
        misnamed: draft.misnamed().to_vec(),
        missing_models,
        more_sources,
        unlocked: relock::behind(&draft.plan().manifest, draft.files()),
        ahead_behind,
    })
}

/// Models that ComfyUI does not see here: absent, or somewhere it does not look.
fn missing_models(draft: &Draft) -> Vec<(String, Vec<String>)> {
    plan_models(&draft.head().manifest, draft.library(), &BTreeMap::new())
        .into_iter()
        .filter(|step| step.action != Action::Here)
        .map(|step| (step.name, step.workflows))
        .collect()
}

/// Committed models whose sources the next commit adds to: an upload, a look-up or a workflow told of them.
fn more_sources(draft: &Draft) -> Vec<String> {
    let committed = &draft.head().manifest.models;
    let adds = |(key, model): &(&String, &Model)| {
        committed.get(*key).is_some_and(|before| model.sources.iter().any(|source| !before.sources.contains(source)))
    };
    draft.plan().models.iter().filter(adds).map(|(_, model)| model.filename.clone()).collect()
}
