//! Node packs that a user cloned by hand (decision 25).

use std::collections::BTreeSet;
use std::path::PathBuf;

use comfydock_core::manifest::{Document, Manifest, Node, NodeSource};
use comfydock_core::name::NodeName;
use comfydock_core::plan::clash::same_origin;
use comfydock_core::plan::group::{GroupStep, plan_group};
use comfydock_core::requirements::Requirements;
use comfydock_git::program::without_credentials;

use super::Context;
use super::requirements;
use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::observe::packs::{self, Packs};

/// What lies in `custom_nodes` and the manifest does not say.
#[derive(Debug, Clone, Default)]
pub struct Adoption {
    /// Clean git clones: taken over at the commit they stand at.
    pub packs: Vec<Node>,
    /// Packs with changed files, and what they have changed: recorded at no commit.
    pub modified: Vec<(String, Vec<String>)>,
    /// Clones of a repository that is tracked, or taken over, under another name.
    pub duplicates: Vec<Duplicate>,
    /// Links to clones that lie elsewhere: taken over as one of its commits, a later change would put a
    /// copy in the place of the link.
    pub linked: Vec<String>,
    /// Folders that nothing is known of.
    pub unknown: Vec<String>,
    /// Single files that ComfyUI loads as packs.
    pub loose: Vec<String>,
    /// Folders that are not what the manifest records for them, or that would be taken for a pack it
    /// has under another spelling.
    pub strange: Vec<String>,
    /// Packs of the manifest whose folder is gone.
    pub missing: Vec<String>,
}

/// A second clone of a pack: ComfyUI would load both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Where it lies.
    pub place: PathBuf,
    /// Its folder.
    pub name: String,
    /// The folder of the pack that counts.
    pub of: String,
}

impl std::fmt::Display for Duplicate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, name, of } = self;
        write!(
            formatter,
            "custom_nodes/{name} is another clone of node pack {of}, and ComfyUI loads both; keep one: `rm -r {}`, if nothing in it is needed",
            place.display()
        )
    }
}

impl Adoption {
    /// Whether a commit has nothing to take over.
    pub fn is_empty(&self) -> bool {
        self.packs.is_empty()
    }
}

/// Compares `custom_nodes` with the manifest.
///
/// # Errors
/// When git fails on a pack.
pub fn find(environment: &Environment, manifest: &Manifest) -> Result<Adoption, Error> {
    let ignored = Ignored::of(environment)?;
    let Packs { folders, files, .. } = packs::packs(environment)?;
    let mut adoption =
        Adoption { loose: files.into_iter().filter(|name| !ignored.has_pack(name)).collect(), ..Adoption::default() };
    let mut keys = BTreeSet::new();
    for (name, folder) in folders.iter().filter(|(name, _)| !ignored.has_pack(name)) {
        let Ok(node_name) = NodeName::parse(name) else {
            adoption.unknown.push(name.clone());
            continue;
        };
        let key = node_name.normalised();
        let known = manifest.nodes.get(&key);
        // Two folders of one name but for case and punctuation: what is recorded is of the other.
        if known.is_some_and(|known| known.name != node_name) || !keys.insert(key) {
            adoption.strange.push(name.clone());
            continue;
        }
        // What is worked on changes all day.
        if known.is_some_and(|known| known.source == NodeSource::Development) {
            continue;
        }
        if !folder.modified.is_empty() {
            adoption.modified.push((name.clone(), folder.modified.clone()));
            continue;
        }
        // Only a clone shows what its repository has.
        let (Some(commit), Some(url), false) = (&folder.commit, &folder.url, folder.vendored) else {
            match known {
                None => adoption.unknown.push(name.clone()),
                Some(known) if !folder.is(known) => adoption.strange.push(name.clone()),
                Some(_) => {}
            }
            continue;
        };
        if known.is_some_and(|known| known.source != NodeSource::Git || (folder.is_link && !folder.is(known))) {
            adoption.strange.push(name.clone());
        } else if folder.is_link && known.is_none() {
            adoption.linked.push(name.clone());
        } else if known.is_none_or(|known| known.commit.as_ref() != Some(commit)) {
            adoption.packs.push(Node {
                repository: Some(without_credentials(url)),
                commit: Some(commit.clone()),
                requested_ref: known.and_then(|known| known.requested_ref.clone()),
                install_script_sha256: known.and_then(|known| known.install_script_sha256.clone()),
                ..Node::new(node_name, NodeSource::Git)
            });
        }
    }
    part_duplicates(environment, manifest, &mut adoption);
    adoption.missing = manifest
        .nodes
        .values()
        .filter(|node| !folders.contains_key(node.name.as_str()) && !ignored.has_pack(node.name.as_str()))
        .map(|node| node.name.to_string())
        .collect();
    Ok(adoption)
}

/// One repository is one pack: the clone that is tracked, else the first by name, is taken over.
fn part_duplicates(environment: &Environment, manifest: &Manifest, adoption: &mut Adoption) {
    let mut taken: Vec<Node> = Vec::new();
    for pack in std::mem::take(&mut adoption.packs) {
        let key = pack.name.normalised();
        let is_tracked = manifest.nodes.contains_key(&key);
        let twin = manifest.nodes.values().chain(&taken).find(|other| same_origin(other, &pack));
        match twin.filter(|_| !is_tracked) {
            Some(twin) => adoption.duplicates.push(Duplicate {
                place: environment.custom_nodes().join(pack.name.as_str()),
                name: pack.name.to_string(),
                of: twin.name.to_string(),
            }),
            None => taken.push(pack),
        }
    }
    adoption.packs = taken;
}

/// Writes the packs and their requirements into the manifest; returns their names, and whether the
/// requirements have to be locked anew.
pub fn apply(
    environment: &Environment,
    document: &mut Document,
    adoption: &Adoption,
    context: &Context<'_>,
) -> (Vec<String>, bool) {
    let mut with_requirements = false;
    for pack in &adoption.packs {
        let asked = requirements::of_folder(&environment.custom_nodes().join(pack.name.as_str()));
        with_requirements |= record(document, pack, &asked, context);
    }
    for duplicate in &adoption.duplicates {
        context.reporter.warn(format!("{duplicate}; it was not taken over"));
    }
    for name in &adoption.linked {
        context.reporter.note(format!(
            "custom_nodes/{name} is a link to a clone elsewhere; `comfydock node add {name} --dev` tracks it as one that is worked on"
        ));
    }
    (adoption.packs.iter().map(|pack| pack.name.to_string()).collect(), with_requirements)
}

/// Writes one pack into the manifest; returns whether its requirements have to be locked anew. What a user
/// wrote into the pack's group stays as long as the pack asks for the same as before.
pub fn record(document: &mut Document, pack: &Node, asked: &Requirements, context: &Context<'_>) -> bool {
    requirements::say(&format!("node pack {}", pack.name), asked, context.reporter);
    let group = pack.name.group();
    let known = document.manifest().ok().and_then(|manifest| manifest.nodes.get(&pack.name.normalised()).cloned());
    let before = document.groups().remove(&group);
    let sha256 = requirements::identity(&asked.lines);
    let step = plan_group(known.as_ref(), before.as_deref(), &asked.lines, sha256.as_ref());
    match step {
        GroupStep::Write => {
            document.set_group(&group, &asked.lines);
            if let (Some(before), true) = (&before, known.is_some()) {
                context.reporter.note(format!(
                    "node pack {} asks for other packages now; group {group} of .cec/pyproject.toml said: {}",
                    pack.name,
                    before.join(", ")
                ));
            }
        }
        GroupStep::Keep { edited: true } => context.reporter.note(format!(
            "node pack {}: group {group} of .cec/pyproject.toml stays as it was edited; the pack itself asks for: {}",
            pack.name,
            if asked.lines.is_empty() { "nothing".to_owned() } else { asked.lines.join(", ") }
        )),
        GroupStep::Keep { edited: false } => {}
    }
    let after = document.groups().remove(&group);
    document.set_node(&Node { group: after.is_some().then_some(group), requirements_sha256: sha256, ..pack.clone() });
    after != before || step == GroupStep::Keep { edited: true }
}
