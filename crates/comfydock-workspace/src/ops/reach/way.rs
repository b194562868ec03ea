//! The way from what lies on the disk to a target: the one place where a change looks before it
//! plans.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use comfydock_core::manifest::{Manifest, Node};
use comfydock_core::plan::reach::{Folder, Here, NodeStep, Plan, Target, Terms, plan_reach};
use comfydock_core::plan::tracked;
use comfydock_core::resolve::Index;
use comfydock_core::workflow::same_content;
use comfydock_git::checkout;

use super::{generation_of, known_origins, package_origins};
use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::observe::packs::{self, Packs};
use crate::observe::{self, Committed};
use crate::ops::Context;
use crate::snapshot;
use crate::workspace::Workspace;

/// What the environment is taken to follow, and what ComfyUI has.
pub struct Start<'a> {
    /// The manifest that `custom_nodes` and ComfyUI follow.
    pub manifest: &'a Manifest,
    /// Tracked copies of the last commit.
    pub tracked: &'a BTreeMap<String, String>,
    /// ComfyUI's workflows as they are.
    pub live: &'a BTreeMap<String, String>,
}

/// Looks at everything and plans the way. `going` are packs that go whatever the plan says.
///
/// # Errors
/// When something cannot be read.
pub fn way(
    workspace: &Workspace,
    environment: &Environment,
    start: &Start<'_>,
    target: &Committed,
    terms: &Terms,
    going: &[PathBuf],
    context: &Context<'_>,
) -> Result<Plan, Error> {
    let Packs { mut folders, disabled, .. } = packs::packs(environment)?;
    folders.retain(|name, _| !going.contains(&environment.custom_nodes().join(name)));
    if terms.follow_development {
        note_development(environment, start.manifest.nodes.values(), &mut folders)?;
    }
    let come = target.manifest.nodes.iter().filter(|(key, _)| !start.manifest.nodes.contains_key(*key));
    note_development(environment, come.map(|(_, node)| node), &mut folders)?;
    let comfyui = checkout::inspect(&environment.comfyui())?;
    let modified: Vec<String> = comfyui
        .as_ref()
        .map(|state| state.modified.iter().filter(|path| !in_users_folder(path)).cloned().collect())
        .unwrap_or_default();
    let wanted_comfyui = &target.manifest.environment.comfyui_commit;
    let here_comfyui = match comfyui.as_ref() {
        Some(state) => state.commit.clone(),
        // Without its `.git` nobody can tell; it is left alone as long as nothing shall change.
        None if environment.comfyui().exists() && start.manifest.environment.comfyui_commit == *wanted_comfyui => {
            Some(wanted_comfyui.clone())
        }
        None => None,
    };
    let live = in_tracked_spelling(workspace, environment, start, context)?;
    let generation = environment.generation()?;
    let ignored = Ignored::of(environment)?;
    let nodes = start.manifest.nodes.iter().chain(&target.manifest.nodes);
    let seen = |workflows: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let kept = workflows.iter().filter(|(name, _)| !ignored.has_workflow(name));
        kept.map(|(name, text)| (name.clone(), text.clone())).collect()
    };
    let (tracked, wanted_workflows) = (seen(start.tracked), seen(&target.workflows));
    let here = Here {
        base: Some(start.manifest),
        known_origins: known_origins(workspace)?,
        comfyui: here_comfyui.as_ref(),
        comfyui_modified: &modified,
        folders: &folders,
        disabled: &disabled,
        ignored: nodes.filter(|(_, node)| ignored.has_pack(node.name.as_str())).map(|(key, _)| key.clone()).collect(),
        tracked: &tracked,
        live: &live,
        generation: generation.as_deref(),
    };
    let wanted = generation_of(target, environment)?;
    let mut plan = plan_reach(
        &here,
        &Target {
            manifest: &target.manifest,
            tracked: &wanted_workflows,
            generation: &wanted,
            package_origins: package_origins(target)?,
        },
        terms,
    );
    plan.untracked_folders.retain(|name| !ignored.has_pack(name));
    plan.conflicts.extend(in_the_way(environment, &plan, going));
    Ok(plan)
}

/// What a new environment begins with: nothing.
///
/// # Errors
/// When the environments of this machine cannot be read.
pub fn way_from_nothing(workspace: &Workspace, environment: &Environment, target: &Committed) -> Result<Plan, Error> {
    let (none, no_folders, nothing) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let here = Here {
        base: None,
        known_origins: known_origins(workspace)?,
        comfyui: None,
        comfyui_modified: &[],
        folders: &no_folders,
        disabled: &nothing,
        ignored: BTreeSet::new(),
        tracked: &none,
        live: &none,
        generation: None,
    };
    let generation = generation_of(target, environment)?;
    Ok(plan_reach(
        &here,
        &Target {
            manifest: &target.manifest,
            tracked: &target.workflows,
            generation: &generation,
            package_origins: package_origins(target)?,
        },
        &Terms::default(),
    ))
}

/// Where packs stand that are worked on and have no remote: at the snapshot that their files make.
fn note_development<'a>(
    environment: &Environment,
    nodes: impl Iterator<Item = &'a Node>,
    folders: &mut BTreeMap<String, Folder>,
) -> Result<(), Error> {
    for node in nodes.filter(|node| node.is_snapshot()) {
        if let Some(folder) = folders.get_mut(node.name.as_str()) {
            folder.commit = Some(snapshot::look(environment, &node.name)?.commit);
        }
    }
    Ok(())
}

/// What stands where the plan wants to put something, and is nothing that it knows: a link to a
/// drive that is not mounted, a folder that lost its `.git`.
fn in_the_way(environment: &Environment, plan: &Plan, going: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    for step in &plan.nodes {
        let NodeStep::Add(node) = step else { continue };
        let place = environment.custom_nodes().join(node.name.as_str());
        let goes = |step: &NodeStep| matches!(step, NodeStep::Remove(name) | NodeStep::Disable(name) if name == node.name.as_str());
        if !going.contains(&place) && !plan.nodes.iter().any(goes) && place.symlink_metadata().is_ok() {
            found.push(format!("custom_nodes/{} is in the way of the node pack of that name", node.name));
        }
    }
    let made_anew = plan.comfyui.as_ref().is_some_and(|step| !step.replaces);
    if made_anew && environment.comfyui().symlink_metadata().is_ok() {
        found.push("ComfyUI's folder is no git checkout any more, so its version cannot be changed".to_owned());
    }
    found
}

fn in_users_folder(path: &str) -> bool {
    ["custom_nodes/", "user/", "models/", "input/", "output/"].iter().any(|folder| path.starts_with(folder))
}

/// ComfyUI's workflows with models spelled as in the tracked copies, so that only real changes
/// differ (decision 6). One that cannot be read counts as changed. The models of this machine are looked
/// through only where a workflow differs.
fn in_tracked_spelling(
    workspace: &Workspace,
    environment: &Environment,
    start: &Start<'_>,
    context: &Context<'_>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut spelled = start.live.clone();
    let mut differing = Vec::new();
    for (name, text) in start.live {
        if let Some(before) = start.tracked.get(name).filter(|before| !same_content(before, text)) {
            differing.push((name, text, before));
        }
    }
    if differing.is_empty() {
        return Ok(spelled);
    }
    let (manifest, live) = (Some(start.manifest), Some(start.live));
    let library = observe::library(workspace, Some(environment), manifest, live, context.reporter)?;
    let index = Index::new(&library.files);
    for (name, text, before) in differing {
        let Ok(workflow) = observe::parse(name, text) else { continue };
        let before = observe::parse(name, before)?;
        if let Ok(reading) = tracked::read(name, &workflow, Some(&before), start.manifest, &index) {
            spelled.insert(name.clone(), reading.canonical);
        }
    }
    Ok(spelled)
}
