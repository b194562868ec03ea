//! Node packs on the way from one state to another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Here, Plan, Target, Terms, Unchanged};
use crate::digest::{CommitId, Sha256};
use crate::manifest::{Node, NodeSource};
use crate::name::NodeName;
use crate::repository_url;

/// A folder in `custom_nodes`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Its commit, when it is a git clone or a copy that travelled with the environment.
    pub commit: Option<CommitId>,
    /// Its remote's URL.
    pub url: Option<String>,
    /// Whether it is such a copy: files at a commit that its repository does not have, without git.
    pub vendored: bool,
    /// The release of the Comfy registry that was unpacked here.
    pub release: Option<Release>,
    /// Files of the clone or the release with changes.
    pub modified: Vec<String>,
    /// Whether it is a link: what is behind it lies elsewhere, and somebody works there.
    pub is_link: bool,
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
        let from = match (&self.url, &node.repository) {
            (Some(one), Some(other)) => one == other || repository_url::equivalent(one, other),
            _ => false,
        };
        let release = |release: &Release| Some(&release.id) == node.registry_id.as_ref();
        from || self.release.as_ref().is_some_and(release)
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
    let wanted = &target.manifest.nodes;
    // Those that go come first: another may take their place under another spelling of the name.
    for (key, node) in base {
        let stays = wanted.get(key).is_some_and(|wanted| wanted.name == node.name);
        if !stays && !here.ignored.contains(key) {
            leave(here, node, terms.forces(key), plan);
        }
    }
    for (key, node) in wanted.iter().filter(|(key, _)| !here.ignored.contains(*key)) {
        let before = base.get(key);
        Arrival { here, before: before.filter(|before| before.name == node.name), renamed: before, node, terms, key }
            .plan(plan);
    }
    let known: BTreeSet<&str> = base.values().chain(wanted.values()).map(|node| node.name.as_str()).collect();
    plan.untracked_folders = here.folders.keys().filter(|name| !known.contains(name.as_str())).cloned().collect();
}

/// A pack of the target.
struct Arrival<'a> {
    here: &'a Here<'a>,
    /// As the base has it, in the same folder.
    before: Option<&'a Node>,
    /// As the base has it, in whatever folder.
    renamed: Option<&'a Node>,
    node: &'a Node,
    terms: &'a Terms,
    key: &'a str,
}

impl Arrival<'_> {
    fn plan(&self, plan: &mut Plan) {
        let name = self.node.name.as_str();
        let Some(folder) = self.here.folders.get(name) else { return self.come(plan) };
        let forced = self.terms.forces(self.key);
        let development = |node: &Node| node.source == NodeSource::Development;
        if development(self.node) && self.terms.follow_development && self.before.is_some_and(development) {
            follow(folder, self.before, self.node, plan);
        } else if development(self.node) {
            self.become_development(folder, plan);
        } else if folder.is(self.node) {
        } else if self.before.is_some_and(development) {
            // Never replaced, whatever is in it.
            plan.nodes.push(NodeStep::Disable(name.to_owned()));
            self.fetch(plan);
        } else if self.is_left(&[Unchanged::Leave, Unchanged::Bring]) && !forced {
        } else if forced {
            plan.nodes.push(NodeStep::Replace(self.node.clone()));
        } else if self.before.is_none() && !folder.is_of(self.node) {
            plan.conflicts
                .push(format!("custom_nodes/{name} is in the way of a node pack of that name and is no clone of it"));
        } else if !folder.modified.is_empty() {
            plan.conflicts.push(format!("node pack {name} has changed files: {}", folder.modified.join(", ")));
        } else if let Some(before) = self.before.filter(|before| !folder.is(before)) {
            plan.conflicts.push(moved(folder, before));
        } else {
            plan.nodes.push(NodeStep::Replace(self.node.clone()));
        }
    }

    /// Whether the change is about other packs, and these terms leave it as it lies.
    fn is_left(&self, terms: &[Unchanged]) -> bool {
        self.before == Some(self.node) && terms.contains(&self.terms.unchanged) && !self.terms.about.contains(self.key)
    }

    /// A pack whose folder is not there.
    fn come(&self, plan: &mut Plan) {
        let name = self.node.name.as_str();
        if self.is_left(&[Unchanged::Leave]) {
            return;
        }
        let goes = |folder: &str| self.renamed.is_some_and(|before| before.name.as_str() == folder);
        if let Some(other) = other_spelling(self.here, &self.node.name).filter(|other| !goes(other)) {
            if !self.terms.forces(self.key) {
                plan.conflicts.push(format!(
                    "custom_nodes/{other} is another spelling of node pack {name}: both would be loaded; rename or remove it"
                ));
                return;
            }
            plan.nodes.push(NodeStep::Remove(other.clone()));
        }
        self.fetch(plan);
    }

    fn fetch(&self, plan: &mut Plan) {
        let (node, name) = (self.node, self.node.name.as_str());
        if node.source == NodeSource::Development && self.here.disabled.contains(name) {
            plan.nodes.push(NodeStep::Enable(name.to_owned()));
        } else if node.can_be_had() {
            plan.nodes.push(NodeStep::Add(node.clone()));
        } else {
            plan.unobtainable.push(name.to_owned());
        }
    }

    /// A pack that is worked on is what its folder is, unless what lies there was put there as
    /// something else and is untouched.
    fn become_development(&self, folder: &Folder, plan: &mut Plan) {
        let (node, name) = (self.node, self.node.name.as_str());
        if self.before.is_none() && !self.terms.about.contains(self.key) {
            return self.meet(folder, plan);
        }
        let put_there =
            |before: &Node| before.source != NodeSource::Development && folder.is(before) && folder.modified.is_empty();
        if self.terms.about.contains(self.key) || !self.before.is_some_and(put_there) {
            return;
        }
        if self.here.disabled.contains(name) {
            plan.nodes.push(NodeStep::Remove(name.to_owned()));
            plan.nodes.push(NodeStep::Enable(name.to_owned()));
        } else if node.commit.is_some() && folder.commit != node.commit {
            plan.nodes.push(NodeStep::Replace(node.clone()));
        }
    }
}

impl Arrival<'_> {
    /// A pack that is worked on comes, and a folder of its name is there: its own, with whatever was done
    /// in it, or one that has nothing to do with it.
    fn meet(&self, folder: &Folder, plan: &mut Plan) {
        let (node, name) = (self.node, self.node.name.as_str());
        let set_aside = self.here.disabled.contains(name);
        let is_its_own = folder.is_of(node) || (node.commit.is_some() && folder.commit == node.commit);
        // Of a pack that cannot be had, whoever works on it puts the folder there.
        if is_its_own || !(node.can_be_had() || set_aside) {
            return;
        }
        if !self.terms.forces(self.key) {
            plan.conflicts.push(format!(
                "custom_nodes/{name} is in the way of a node pack of that name, which somebody works on, and is another; rename it"
            ));
        } else if set_aside {
            plan.nodes.push(NodeStep::Remove(name.to_owned()));
            plan.nodes.push(NodeStep::Enable(name.to_owned()));
        } else {
            plan.nodes.push(NodeStep::Replace(node.clone()));
        }
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

fn leave(here: &Here<'_>, node: &Node, forced: bool, plan: &mut Plan) {
    let name = node.name.as_str();
    let Some(folder) = here.folders.get(name) else { return };
    if node.source == NodeSource::Development {
        plan.nodes.push(NodeStep::Disable(name.to_owned()));
    } else if forced || (folder.modified.is_empty() && folder.is(node)) {
        plan.nodes.push(NodeStep::Remove(name.to_owned()));
    } else if folder.modified.is_empty() {
        plan.conflicts.push(format!("{}, and is to be removed", moved(folder, node)));
    } else {
        let files = folder.modified.join(", ");
        plan.conflicts.push(format!("node pack {name} is to be removed and has work of yours here: {files}"));
    }
}

/// How a folder without changed files is not what was recorded of it.
fn moved(folder: &Folder, node: &Node) -> String {
    let name = &node.name;
    match (&folder.commit, &folder.release) {
        (Some(commit), _) => format!(
            "node pack {name} stands at a commit of its own, {}; the manifest says {}",
            commit.short(12),
            node.stands_at()
        ),
        (None, Some(release)) => {
            format!("node pack {name} is at {} here; the manifest says {}", release.version, node.stands_at())
        }
        (None, None) => format!(
            "nothing tells the files of node pack {name} from yours: custom_nodes/{name} was not put there by comfydock"
        ),
    }
}

/// A folder that ComfyUI would load beside this one: the same name but for case and punctuation.
fn other_spelling<'a>(here: &'a Here<'_>, name: &NodeName) -> Option<&'a String> {
    let key = name.normalised();
    here.folders.keys().find(|folder| NodeName::parse(folder).is_ok_and(|folder| folder.normalised() == key))
}
