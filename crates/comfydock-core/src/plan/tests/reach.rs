//! From one state of an environment to another: ComfyUI, node packs, origins.

use std::collections::BTreeSet;

use super::super::reach::{Folder, Here, NodeStep, Plan, Release, Target, Terms, WorkflowStep, plan_reach};
use super::*;
use crate::manifest::{Node, NodeSource};
use crate::name::NodeName;

const PACK: &str = "https://example.org/pack";

/// What a machine has, owned.
#[derive(Clone, Default)]
pub(super) struct Machine {
    pub(super) base: Option<Manifest>,
    pub(super) known_origins: BTreeSet<String>,
    pub(super) comfyui: Option<CommitId>,
    pub(super) comfyui_modified: Vec<String>,
    pub(super) folders: BTreeMap<String, Folder>,
    pub(super) disabled: BTreeSet<String>,
    pub(super) ignored: BTreeSet<String>,
    pub(super) terms: Terms,
    pub(super) tracked: BTreeMap<String, String>,
    pub(super) live: BTreeMap<String, String>,
    pub(super) generation: Option<String>,
}

impl Machine {
    /// At this state, untouched.
    pub(super) fn at(manifest: &Manifest) -> Self {
        let folder =
            |node: &Node| Folder { commit: node.commit.clone(), url: node.repository.clone(), ..Folder::default() };
        Self {
            base: Some(manifest.clone()),
            comfyui: Some(manifest.environment.comfyui_commit.clone()),
            folders: manifest.nodes.values().map(|node| (node.name.to_string(), folder(node))).collect(),
            generation: Some("one".to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn to(&self, target: &Target<'_>) -> Plan {
        let here = Here {
            base: self.base.as_ref(),
            known_origins: self.known_origins.clone(),
            comfyui: self.comfyui.as_ref(),
            comfyui_modified: &self.comfyui_modified,
            folders: &self.folders,
            disabled: &self.disabled,
            ignored: self.ignored.clone(),
            tracked: &self.tracked,
            live: &self.live,
            generation: self.generation.as_deref(),
        };
        plan_reach(&here, target, &self.terms)
    }

    pub(super) fn to_manifest(&self, manifest: &Manifest) -> Plan {
        let tracked = self.tracked.clone();
        self.to(&Target { manifest, tracked: &tracked, generation: "one", package_origins: BTreeSet::new() })
    }
}

pub(super) fn pack(commit: u32) -> Node {
    Node {
        repository: Some(PACK.to_owned()),
        commit: Some(commit_id(commit)),
        ..Node::new(NodeName::parse("Pack").unwrap(), NodeSource::Git)
    }
}

pub(super) fn with_pack(node: Node) -> Manifest {
    let mut manifest = manifest();
    manifest.nodes.insert("pack".to_owned(), node);
    manifest
}

#[test]
fn a_fresh_clone_gets_everything() {
    let manifest = with_pack(pack(1));
    let tracked = BTreeMap::from([("hero".to_owned(), workflow(&[]))]);
    let packages = BTreeSet::from(["https://pypi.org/simple".to_owned()]);
    let plan = Machine::default().to(&Target {
        manifest: &manifest,
        tracked: &tracked,
        generation: "one",
        package_origins: packages,
    });
    let comfyui = plan.comfyui.clone().unwrap();
    assert_eq!((comfyui.commit, comfyui.version.as_str(), comfyui.replaces), (commit_id(1), "v0.3.64", false));
    assert_eq!(comfyui.url, "https://example.org/ComfyUI");
    assert_eq!(plan.nodes, [NodeStep::Add(pack(1))]);
    assert_eq!(plan.workflows, BTreeMap::from([("hero".to_owned(), WorkflowStep::Write)]));
    assert_eq!(
        plan.new_origins.iter().map(String::as_str).collect::<Vec<_>>(),
        ["https://example.org/ComfyUI", PACK, "https://pypi.org/simple"]
    );
    assert!(plan.python && plan.moves_code() && plan.conflicts.is_empty());
}

#[test]
fn where_everything_is_nothing_happens() {
    let manifest = with_pack(pack(1));
    let plan = Machine::at(&manifest).to_manifest(&manifest);
    assert_eq!(plan, Plan::default());
    assert!(!plan.moves_code());
}

#[test]
fn comfyui_moves_unless_somebody_worked_in_it() {
    let mut target = manifest();
    target.environment.comfyui_commit = commit_id(2);
    let mut machine = Machine::at(&manifest());
    let plan = machine.to_manifest(&target);
    assert!(plan.comfyui.as_ref().is_some_and(|step| step.replaces && step.commit == commit_id(2)));
    assert!(plan.moves_code() && plan.conflicts.is_empty());

    machine.comfyui_modified = vec!["main.py".to_owned(), "nodes.py".to_owned()];
    assert_eq!(machine.to_manifest(&target).conflicts, ["ComfyUI itself has changed files: main.py, nodes.py"]);
    let stays = machine.to_manifest(&manifest());
    assert_eq!(stays.conflicts, [""; 0], "what does not move may be changed");
}

#[test]
fn another_generation_is_another_venv() {
    let mut machine = Machine::at(&manifest());
    machine.generation = Some("old".to_owned());
    let plan = machine.to_manifest(&manifest());
    assert!(plan.python && plan.moves_code());
}

#[test]
fn a_node_pack_is_added_replaced_or_left() {
    let folder = |commit: Option<u32>, url: Option<&str>, modified: &[&str]| Folder {
        commit: commit.map(commit_id),
        url: url.map(str::to_owned),
        modified: modified.iter().map(|path| (*path).to_owned()).collect(),
        ..Folder::default()
    };
    let clone = |commit| folder(Some(commit), Some(PACK), &[]);
    let replace = vec![NodeStep::Replace(pack(2))];
    for (what, base, here, nodes, conflict) in [
        ("not there", None, None, vec![NodeStep::Add(pack(2))], None),
        ("gone although the base has it", Some(1), None, vec![NodeStep::Add(pack(2))], None),
        ("there already", None, Some(clone(2)), vec![], None),
        ("there already, worked in", Some(1), Some(folder(Some(2), Some(PACK), &["x.py"])), vec![], None),
        ("untouched", Some(1), Some(clone(1)), replace.clone(), None),
        ("worked in", Some(1), Some(folder(Some(1), Some(PACK), &["x.py"])), vec![], Some("has changed files: x.py")),
        ("at a commit of its own", Some(1), Some(clone(3)), vec![], Some("commit of its own")),
        ("no clone at all", None, Some(folder(None, None, &[])), vec![], Some("in the way")),
        (
            "a clone of something else",
            None,
            Some(folder(Some(3), Some("https://x.example/p"), &[])),
            vec![],
            Some("in the way"),
        ),
        ("a clone nobody tracked", None, Some(clone(1)), replace, None),
        (
            "such a clone, worked in",
            None,
            Some(folder(Some(1), Some(PACK), &["x.py"])),
            vec![],
            Some("has changed files"),
        ),
    ] {
        let base = base.map_or_else(manifest, |commit| with_pack(pack(commit)));
        let mut machine = Machine::at(&base);
        machine.folders = here.map(|folder| ("Pack".to_owned(), folder)).into_iter().collect();
        let plan = machine.to_manifest(&with_pack(pack(2)));
        assert_eq!(plan.nodes, nodes, "{what}");
        assert_eq!(plan.conflicts.len(), usize::from(conflict.is_some()), "{what}: {:?}", plan.conflicts);
        if let Some(part) = conflict {
            assert!(plan.conflicts[0].contains(part) && plan.conflicts[0].contains("Pack"), "{:?}", plan.conflicts);
        }
        assert_eq!(plan.untracked_folders, [""; 0], "{what}");
    }
}

#[test]
fn a_node_pack_removed_there_goes_unless_it_holds_work() {
    let base = with_pack(pack(1));
    for (what, change, nodes, conflicts) in [
        ("clean", Some((1, "")), 1, 0),
        ("changed", Some((1, "x.py")), 0, 1),
        ("at a commit of its own", Some((2, "")), 0, 1),
        ("gone", None, 0, 0),
    ] {
        let mut machine = Machine::at(&base);
        machine.folders.clear();
        if let Some((commit, modified)) = change {
            let modified = [modified].iter().filter(|path| !path.is_empty()).map(|path| (*path).to_owned()).collect();
            let folder =
                Folder { commit: Some(commit_id(commit)), url: Some(PACK.to_owned()), modified, ..Folder::default() };
            machine.folders.insert("Pack".to_owned(), folder);
        }
        let plan = machine.to_manifest(&manifest());
        assert_eq!((plan.nodes.len(), plan.conflicts.len()), (nodes, conflicts), "{what}: {plan:?}");
        if nodes == 1 {
            assert_eq!(plan.nodes, [NodeStep::Remove("Pack".to_owned())]);
        }
    }
}

/// What lies in `custom_nodes` for a release of the registry.
fn release(version: &str) -> (Node, Folder) {
    let node = Node {
        source: NodeSource::Registry,
        repository: None,
        commit: None,
        registry_id: Some("pack".to_owned()),
        version: Some(version.to_owned()),
        ..pack(1)
    };
    let release = Release { id: "pack".to_owned(), version: version.to_owned(), sha256: None };
    (node, Folder { release: Some(release), ..Folder::default() })
}

#[test]
fn a_release_of_the_registry_changes_like_a_clone() {
    let ((old, here), (new, there)) = (release("1.0.0"), release("1.1.0"));
    let modified = Folder { modified: vec!["x.py".to_owned()], ..here.clone() };
    for (what, folder, target, forced, nodes, conflicts) in [
        ("not there", None, &old, false, vec![NodeStep::Add(old.clone())], 0),
        ("there", Some(&here), &old, false, vec![], 0),
        ("there and changed", Some(&modified), &old, false, vec![], 0),
        ("another version", Some(&here), &new, false, vec![NodeStep::Replace(new.clone())], 0),
        ("another version, changed", Some(&modified), &new, false, vec![], 1),
        ("another version, changed, forced", Some(&modified), &new, true, vec![NodeStep::Replace(new.clone())], 0),
        ("a version the base does not say", Some(&there), &release("2.0.0").0, false, vec![], 1),
        ("a folder by hand, for another version", Some(&Folder::default()), &new, false, vec![], 1),
    ] {
        let mut machine = Machine::at(&with_pack(old.clone()));
        machine.folders = folder.map(|folder| ("Pack".to_owned(), folder.clone())).into_iter().collect();
        machine.terms.force = forced.then(|| "pack".to_owned()).into_iter().collect();
        let plan = machine.to_manifest(&with_pack(target.clone()));
        assert_eq!((plan.nodes, plan.conflicts.len()), (nodes, conflicts), "{what}: {:?}", plan.conflicts);
    }
}

#[test]
fn a_development_pack_is_set_aside_and_brought_back_but_never_taken_away() {
    let development = Node { source: NodeSource::Development, repository: None, commit: None, ..pack(1) };
    let with = with_pack(development.clone());
    let mut machine = Machine::at(&with);
    machine.folders.insert("mine".to_owned(), Folder::default());
    let elsewhere = Node { commit: Some(commit_id(2)), ..development };
    let plan = machine.to_manifest(&with_pack(elsewhere.clone()));
    assert_eq!((plan.nodes.len(), plan.conflicts.len()), (0, 0), "{plan:?}");
    assert_eq!(plan.untracked_folders, ["mine"]);
    assert_eq!(machine.to_manifest(&manifest()).nodes, [NodeStep::Disable("Pack".to_owned())]);

    let mut away = Machine::at(&manifest());
    assert_eq!(away.to_manifest(&with).unobtainable, ["Pack"]);
    assert_eq!(away.to_manifest(&with_pack(elsewhere.clone())).nodes, [NodeStep::Add(elsewhere)], "a snapshot has it");
    away.disabled.insert("Pack".to_owned());
    assert_eq!(away.to_manifest(&with).nodes, [NodeStep::Enable("Pack".to_owned())]);
}

#[test]
fn what_is_ignored_or_spelled_otherwise_is_not_touched() {
    let mut machine = Machine::at(&with_pack(pack(1)));
    machine.ignored.insert("pack".to_owned());
    assert_eq!(machine.to_manifest(&with_pack(pack(2))), Plan::default());
    assert_eq!(machine.to_manifest(&manifest()).nodes, []);
    let mut other = Machine::at(&manifest());
    other.folders.insert("PACK".to_owned(), Folder::default());
    let plan = other.to_manifest(&with_pack(pack(1)));
    assert_eq!(plan.nodes, []);
    assert!(plan.conflicts[0].contains("custom_nodes/PACK is another spelling"), "{:?}", plan.conflicts);
}

#[test]
fn an_origin_is_new_only_where_it_was_not_known() {
    let mut target = with_pack(pack(1));
    target.package_origins.insert("https://index.example/simple".to_owned());
    let reach = |machine: &Machine, packages: &[&str]| {
        let origins = packages.iter().map(|origin| (*origin).to_owned()).collect();
        let target =
            Target { manifest: &target, tracked: &machine.tracked, generation: "one", package_origins: origins };
        machine.to(&target).new_origins.into_iter().collect::<Vec<_>>()
    };
    let mut machine = Machine::at(&manifest());
    assert_eq!(reach(&machine, &[]), [PACK, "https://index.example/simple"]);
    assert_eq!(reach(&machine, &["https://pypi.org/simple"]).len(), 3);
    machine.known_origins.insert("https://pypi.org/simple".to_owned());
    assert_eq!(reach(&machine, &["https://pypi.org/simple"]).len(), 2);
    assert_eq!(reach(&Machine::at(&target), &[]), [""; 0]);
    let mut moved = manifest();
    moved.environment.comfyui_url = "https://elsewhere.example/ComfyUI".to_owned();
    assert_eq!(reach(&Machine::at(&moved), &[])[0], "https://example.org/ComfyUI");
}

#[test]
fn a_development_pack_follows_where_nobody_touched_it() {
    let at = |commit| Node { source: NodeSource::Development, repository: None, ..pack(commit) };
    let folder = |commit| Folder { commit: Some(commit_id(commit)), ..Folder::default() };
    for (what, here, follows, nodes, conflicts) in [
        ("untouched", folder(1), true, 1, 0),
        ("untouched, and not asked to follow", folder(1), false, 0, 0),
        ("touched here", folder(3), true, 0, 1),
        ("there already", folder(2), true, 0, 0),
        ("with changed files", Folder { modified: vec!["x.py".to_owned()], ..folder(1) }, true, 0, 1),
    ] {
        let mut machine = Machine::at(&with_pack(at(1)));
        machine.folders.insert("Pack".to_owned(), here);
        machine.terms.follow_development = follows;
        let plan = machine.to_manifest(&with_pack(at(2)));
        assert_eq!((plan.nodes.len(), plan.conflicts.len()), (nodes, conflicts), "{what}: {plan:?}");
    }
}
