//! Node packs on the way from one state to another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Here, Plan, Target, Terms};
use crate::digest::{CommitId, Sha256};
use crate::manifest::{Node, NodeSource};
use crate::name::NodeName;

/// A folder in `custom_nodes`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Its commit, when it is a git clone.
    pub commit: Option<CommitId>,
    /// Its remote's URL.
    pub url: Option<String>,
    /// The release of the Comfy registry that was unpacked here.
    pub release: Option<Release>,
    /// Files of the clone or the release with changes.
    pub modified: Vec<String>,
}

/// A release of a pack in the Comfy registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The pack's id there.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The identity of its zip.
    pub sha256: Option<Sha256>,
}

impl Folder {
    /// Whether what lies here is what the manifest records.
    pub fn is(&self, node: &Node) -> bool {
        match node.source {
            NodeSource::Development => true,
            NodeSource::Git => self.commit.is_some() && self.commit == node.commit,
            NodeSource::Registry => self.release.as_ref().is_some_and(|release| {
                let same =
                    |one: &Option<Sha256>, other: &Option<Sha256>| one.is_none() || other.is_none() || one == other;
                Some(&release.id) == node.registry_id.as_ref()
                    && Some(&release.version) == node.version.as_ref()
                    && same(&release.sha256, &node.sha256)
            }),
        }
    }

    /// Whether it comes from where the pack comes from, at whatever version.
    fn is_of(&self, node: &Node) -> bool {
        let from = |url: &Option<String>| url.is_some() && *url == node.repository;
        let release = |release: &Release| Some(&release.id) == node.registry_id.as_ref();
        from(&self.url) || self.release.as_ref().is_some_and(release)
    }
}

/// What happens to one node pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeStep {
    /// It is fetched.
    Add(Node),
    /// Its folder is replaced by another version; untracked files are carried over.
    Replace(Node),
    /// Its folder goes; what may hold work of the user's goes to the environment's trash.
    Remove(String),
    /// A development pack is set aside: its folder gets `.disabled` behind its name.
    Disable(String),
    /// A development pack that was set aside gets its name back.
    Enable(String),
}

impl NodeStep {
    /// The folder it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Add(node) | Self::Replace(node) => node.name.as_str(),
            Self::Remove(name) | Self::Disable(name) | Self::Enable(name) => name,
        }
    }
}

pub(super) fn plan_packs(here: &Here<'_>, target: &Target<'_>, terms: &Terms, plan: &mut Plan) {
    let none = BTreeMap::new();
    let base = here.base.map_or(&none, |manifest| &manifest.nodes);
    for (key, node) in &target.manifest.nodes {
        if here.ignored.contains(key) {
            continue;
        }
        arrive(here, base.get(key), (key, node), terms, plan);
    }
    for (key, node) in base.iter().filter(|(key, _)| !target.manifest.nodes.contains_key(*key)) {
        if !here.ignored.contains(key) {
            leave(here, key, node, terms.forces(key), plan);
        }
    }
    let known: BTreeSet<&str> =
        base.values().chain(target.manifest.nodes.values()).map(|node| node.name.as_str()).collect();
    plan.untracked_folders = here.folders.keys().filter(|name| !known.contains(name.as_str())).cloned().collect();
}

fn arrive(here: &Here<'_>, before: Option<&Node>, (key, node): (&str, &Node), terms: &Terms, plan: &mut Plan) {
    let name = node.name.as_str();
    let Some(folder) = here.folders.get(name) else {
        if let Some(other) = other_spelling(here, &node.name) {
            plan.conflicts.push(format!(
                "custom_nodes/{other} is another spelling of node pack {name}: both would be loaded; rename or remove it"
            ));
        } else if node.source == NodeSource::Development && here.disabled.contains(name) {
            plan.nodes.push(NodeStep::Enable(name.to_owned()));
        } else if node.can_be_had() {
            plan.nodes.push(NodeStep::Add(node.clone()));
        } else {
            plan.unobtainable.push(name.to_owned());
        }
        return;
    };
    let develops = |node: &Node| node.source == NodeSource::Development;
    if terms.follow_development && develops(node) && before.is_some_and(develops) {
        follow(folder, before, node, plan);
        return;
    }
    if folder.is(node) {
        return;
    }
    if terms.forces(key) {
        plan.nodes.push(NodeStep::Replace(node.clone()));
    } else if before.is_none() && !folder.is_of(node) {
        plan.conflicts
            .push(format!("custom_nodes/{name} is in the way of a node pack of that name and is no clone of it"));
    } else if !folder.modified.is_empty() {
        plan.conflicts.push(format!("node pack {name} has changed files: {}", folder.modified.join(", ")));
    } else if before.is_some_and(|before| !folder.is(before)) {
        // The folder stands elsewhere than the base says: somebody works in it.
        plan.conflicts.push(format!("node pack {name} stands at a commit of its own"));
    } else if before.is_some_and(|before| before.source == NodeSource::Development) {
        plan.conflicts.push(format!(
            "node pack {name} was under development here and shall be replaced; `comfydock node remove {name}` sets it aside"
        ));
    } else {
        plan.nodes.push(NodeStep::Replace(node.clone()));
    }
}

/// A pack that is worked on follows what was recorded elsewhere, unless it was touched here.
fn follow(folder: &Folder, before: Option<&Node>, node: &Node, plan: &mut Plan) {
    let recorded = before.and_then(|before| before.commit.as_ref());
    if node.commit.is_none() || recorded == node.commit.as_ref() || folder.commit == node.commit {
        return;
    }
    if folder.commit.as_ref() == recorded && folder.modified.is_empty() {
        plan.nodes.push(NodeStep::Replace(node.clone()));
    } else {
        plan.conflicts.push(format!("node pack {} was worked on here and there", node.name));
    }
}

fn leave(here: &Here<'_>, key: &str, node: &Node, forced: bool, plan: &mut Plan) {
    let name = node.name.as_str();
    let Some(folder) = here.folders.get(name) else { return };
    if node.source == NodeSource::Development {
        plan.nodes.push(NodeStep::Disable(name.to_owned()));
    } else if !forced && (!folder.modified.is_empty() || !folder.is(node)) {
        plan.conflicts.push(format!("node pack {key} is to be removed and has work of yours here"));
    } else {
        plan.nodes.push(NodeStep::Remove(name.to_owned()));
    }
}

/// A folder that ComfyUI would load beside this one: the same name but for case and punctuation.
fn other_spelling<'a>(here: &'a Here<'_>, name: &NodeName) -> Option<&'a String> {
    let key = name.normalised();
    here.folders.keys().find(|folder| NodeName::parse(folder).is_ok_and(|folder| folder.normalised() == key))
}
