//! From one state of an environment to another: what every command that moves one plans with.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::CommitId;
use crate::manifest::Manifest;
use crate::plan::tracked;
use crate::workflow::{Workflow, same_content};

mod packs;

pub use packs::{Folder, NodeStep, Release};

/// What is there now.
pub struct Here<'a> {
    /// The manifest that the state here follows, when there is one.
    pub base: Option<&'a Manifest>,
    /// Every place of code that this machine already takes code from.
    pub known_origins: BTreeSet<String>,
    /// ComfyUI's commit on disk.
    pub comfyui: Option<&'a CommitId>,
    /// Tracked files of ComfyUI with changes.
    pub comfyui_modified: &'a [String],
    /// The folders in `custom_nodes` and what they are.
    pub folders: &'a BTreeMap<String, Folder>,
    /// Names of folders that are set aside there, without their `.disabled`.
    pub disabled: &'a BTreeSet<String>,
    /// Keys of node packs that `.comfydock_ignore` takes out: their folders stay as they are.
    pub ignored: BTreeSet<String>,
    /// Tracked copies of the last commit.
    pub tracked: &'a BTreeMap<String, String>,
    /// ComfyUI's workflows as they are, in the spelling of the tracked copies.
    pub live: &'a BTreeMap<String, String>,
    /// The id of the venv generation in force.
    pub generation: Option<&'a str>,
}

/// What is to be there.
pub struct Target<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// Tracked copies of the workflows.
    pub tracked: &'a BTreeMap<String, String>,
    /// The id of the venv generation that fits.
    pub generation: &'a str,
    /// Where its locked packages come from.
    pub package_origins: BTreeSet<String>,
}

/// How the way may be gone.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Keys of node packs whose folder may be replaced or removed whatever is in it.
    pub force: BTreeSet<String>,
    /// Whether every pack, and ComfyUI, may be.
    pub force_all: bool,
    /// Whether development packs that nobody touched here follow what was recorded of them elsewhere.
    pub follow_development: bool,
    /// Whether ComfyUI may be, and nothing else.
    pub force_comfyui: bool,
    /// What becomes of node packs that the target has as the base has them.
    pub unchanged: Unchanged,
    /// Keys of the node packs that the change is about: they become what the target says, and the
    /// folder of one that is worked on is the one that lies there.
    pub about: BTreeSet<String>,
    /// Whether workflows become the target's although they have changes nobody committed; a copy is
    /// kept elsewhere.
    pub overwrite_workflows: bool,
}

/// What becomes of a node pack that the target has as the base has it, and that lies there otherwise:
/// the user took it away, or moved it to another commit with git or with ComfyUI-Manager.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unchanged {
    /// It comes if it is missing; one that was moved is left.
    #[default]
    Bring,
    /// It is left, moved or missing: the change is about other things.
    Leave,
    /// It becomes what the target says.
    Restore,
}

impl Terms {
    fn forces(&self, key: &str) -> bool {
        self.force_all || self.force.contains(key)
    }
}

/// What happens to ComfyUI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComfyuiStep {
    /// Where it comes from.
    pub url: String,
    /// The commit to go to.
    pub commit: CommitId,
    /// What the user asked for.
    pub version: String,
    /// Whether a checkout is already there and is changed, not made.
    pub replaces: bool,
}

/// What happens to one workflow file of ComfyUI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkflowStep {
    /// It is written from the tracked copy.
    Write,
    /// The user's own change stays.
    Keep,
    /// It goes to the environment's trash.
    Remove,
}

/// From here to there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// ComfyUI, when it changes.
    pub comfyui: Option<ComfyuiStep>,
    /// Node packs that change.
    pub nodes: Vec<NodeStep>,
    /// Whether another venv generation is built.
    pub python: bool,
    /// Workflows that change or are kept against the target.
    pub workflows: BTreeMap<String, WorkflowStep>,
    /// Why it cannot be done without losing the user's work.
    pub conflicts: Vec<String>,
    /// Code origins of the target that are new to this machine.
    pub new_origins: BTreeSet<String>,
    /// Folders in `custom_nodes` that nobody tracks: they stay.
    pub untracked_folders: Vec<String>,
    /// Node packs that are not there and that nothing says how to have.
    pub unobtainable: Vec<String>,
}

impl Plan {
    /// Whether ComfyUI must not run while this is applied.
    pub fn moves_code(&self) -> bool {
        self.comfyui.is_some() || !self.nodes.is_empty() || self.python
    }
}

/// Plans the way.
pub fn plan_reach(here: &Here<'_>, target: &Target<'_>, terms: &Terms) -> Plan {
    let mut plan = Plan { python: here.generation != Some(target.generation), ..Plan::default() };
    plan_comfyui(here, target, terms, &mut plan);
    packs::plan_packs(here, target, terms, &mut plan);
    plan_workflows(here, target, terms, &mut plan);
    let mut before = here.base.map(Manifest::code_origins).unwrap_or_default();
    before.extend(here.known_origins.iter().cloned());
    let mut after = target.manifest.code_origins();
    after.extend(target.package_origins.iter().cloned());
    plan.new_origins = after.difference(&before).cloned().collect();
    plan
}

fn plan_comfyui(here: &Here<'_>, target: &Target<'_>, terms: &Terms, plan: &mut Plan) {
    let facts = &target.manifest.environment;
    if here.comfyui == Some(&facts.comfyui_commit) {
        return;
    }
    if here.comfyui.is_some() && !here.comfyui_modified.is_empty() && !terms.force_all && !terms.force_comfyui {
        plan.conflicts.push(format!("ComfyUI itself has changed files: {}", here.comfyui_modified.join(", ")));
    }
    plan.comfyui = Some(ComfyuiStep {
        url: facts.comfyui_url.clone(),
        commit: facts.comfyui_commit.clone(),
        version: facts.comfyui_version.clone(),
        replaces: here.comfyui.is_some(),
    });
}

fn plan_workflows(here: &Here<'_>, target: &Target<'_>, terms: &Terms, plan: &mut Plan) {
    let names: BTreeSet<&String> = here.tracked.keys().chain(target.tracked.keys()).chain(here.live.keys()).collect();
    for name in names {
        let (base, theirs, mine) = (here.tracked.get(name), target.tracked.get(name), here.live.get(name));
        // A name may mean another file than before, though the workflow's text is the same.
        let models = |manifest: Option<&Manifest>| {
            manifest.and_then(|manifest| manifest.workflows.get(name)).map_or_else(Vec::new, Clone::clone)
        };
        let other_models = base.is_some()
            && theirs.is_some()
            && !tracked::same_models(&models(here.base), &models(Some(target.manifest)));
        let changed_there = differs(base, theirs) || other_models;
        let changed_here = differs(base, mine);
        let step = match (changed_here, changed_there) {
            (false, false) => continue,
            _ if terms.overwrite_workflows => match theirs {
                _ if !differs(mine, theirs) && !other_models => continue,
                Some(_) => WorkflowStep::Write,
                None => WorkflowStep::Remove,
            },
            (true, false) => WorkflowStep::Keep,
            (_, true) if !differs(mine, theirs) && !other_models => continue,
            (false, true) if theirs.is_some() => WorkflowStep::Write,
            (false, true) => WorkflowStep::Remove,
            (true, true) => {
                plan.conflicts.push(format!("workflow {name} was changed here and there"));
                continue;
            }
        };
        plan.workflows.insert(name.clone(), step);
    }
}

fn differs(one: Option<&String>, other: Option<&String>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one != other && !same_content(one, other),
        (None, None) => false,
        _ => true,
    }
}

/// The workflows of a tree, parsed; the first that does not parse is the error.
///
/// # Errors
/// The workflow's name and what is wrong with it.
pub fn parse_tracked(
    tracked: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Workflow>, (String, crate::workflow::Error)> {
    tracked
        .iter()
        .map(|(name, text)| {
            Workflow::parse(text.clone())
                .map(|workflow| (name.clone(), workflow))
                .map_err(|error| (name.clone(), error))
        })
        .collect()
}
