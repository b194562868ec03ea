//! Node packs on the way: what is moved by hand, renamed, or had from another kind of place than before.

use super::super::reach::{Folder, NodeStep, Release, Unchanged};
use super::reach::{Machine, pack, with_pack};
use super::*;
use crate::manifest::{Node, NodeSource};
use crate::name::NodeName;

fn clone_at(commit: u32) -> Folder {
    let url = pack(1).repository;
    Folder { commit: Some(commit_id(commit)), url, ..Folder::default() }
}

fn machine_with(base: &Manifest, folder: Option<Folder>) -> Machine {
    let mut machine = Machine::at(base);
    machine.folders = folder.into_iter().map(|folder| ("Pack".to_owned(), folder)).collect();
    machine
}

fn registry() -> (Node, Folder) {
    let node = Node {
        registry_id: Some("pack".to_owned()),
        version: Some("1.0.0".to_owned()),
        ..Node::new(NodeName::parse("Pack").unwrap(), NodeSource::Registry)
    };
    let release = Release { id: "pack".to_owned(), version: "1.0.0".to_owned(), sha256: None };
    (node, Folder { release: Some(release), ..Folder::default() })
}

fn development(commit: Option<u32>) -> Node {
    Node { source: NodeSource::Development, repository: None, commit: commit.map(commit_id), ..pack(1) }
}

#[test]
fn what_the_target_does_not_change_is_left_where_the_user_put_it_unless_it_is_to_be_restored() {
    let manifest = with_pack(pack(1));
    let modified = Folder { modified: vec!["x.py".to_owned()], ..clone_at(3) };
    let add = vec![NodeStep::Add(pack(1))];
    let nothing = Vec::new;
    for (what, folder, unchanged, nodes, conflict) in [
        ("moved, brought", Some(clone_at(3)), Unchanged::Bring, nothing(), None),
        ("moved, left", Some(clone_at(3)), Unchanged::Leave, nothing(), None),
        (
            "moved, restored",
            Some(clone_at(3)),
            Unchanged::Restore,
            nothing(),
            Some("a commit of its own, 000000030000; the manifest says 000000010000"),
        ),
        ("changed, restored", Some(modified), Unchanged::Restore, nothing(), Some("has changed files: x.py")),
        ("unknown, left", Some(Folder::default()), Unchanged::Leave, nothing(), None),
        ("unknown, restored", Some(Folder::default()), Unchanged::Restore, nothing(), Some("nothing tells the files")),
        ("missing, brought", None, Unchanged::Bring, add.clone(), None),
        ("missing, left", None, Unchanged::Leave, nothing(), None),
        ("missing, restored", None, Unchanged::Restore, add, None),
    ] {
        let mut machine = machine_with(&manifest, folder);
        machine.terms.unchanged = unchanged;
        let plan = machine.to_manifest(&manifest);
        assert_eq!(plan.nodes, nodes, "{what}");
        match conflict {
            None => assert_eq!(plan.conflicts, [""; 0], "{what}"),
            Some(words) => assert!(plan.conflicts[0].contains(words), "{what}: {:?}", plan.conflicts),
        }
        machine.terms.force_all = true;
        let plan = machine.to_manifest(&manifest);
        assert_eq!(plan.conflicts, [""; 0], "{what}, forced");
    }
}

#[test]
fn a_pack_that_comes_back_under_another_spelling_replaces_the_other() {
    let other = Node { name: NodeName::parse("pa_ck").unwrap(), ..registry().0 };
    let name = other.name.normalised();
    let base = Node { name: NodeName::parse("pa-ck").unwrap(), ..pack(1) };
    let manifest_of = |node: &Node| {
        let mut manifest = manifest();
        manifest.nodes.insert(name.clone(), node.clone());
        manifest
    };
    let mut machine = Machine::at(&manifest_of(&base));
    let swap = [NodeStep::Remove("pa-ck".to_owned()), NodeStep::Add(other.clone())];
    let plan = machine.to_manifest(&manifest_of(&other));
    assert_eq!((plan.nodes.as_slice(), plan.conflicts.len()), (swap.as_slice(), 0), "{:?}", plan.conflicts);
    assert_eq!(plan.untracked_folders, [""; 0]);

    machine.folders.get_mut("pa-ck").unwrap().modified = vec!["x.py".to_owned()];
    let plan = machine.to_manifest(&manifest_of(&other));
    assert!(plan.conflicts[0].contains("work of yours here: x.py"), "{:?}", plan.conflicts);
    machine.terms.force_all = true;
    assert_eq!(machine.to_manifest(&manifest_of(&other)).nodes, swap);

    // Nobody tracks the other spelling: only --force takes it away.
    let mut stranger = Machine::at(&manifest());
    stranger.folders.insert("pa-ck".to_owned(), Folder::default());
    assert_eq!(stranger.to_manifest(&manifest_of(&other)).conflicts.len(), 1);
    stranger.terms.force_all = true;
    let plan = stranger.to_manifest(&manifest_of(&other));
    assert_eq!((plan.nodes.as_slice(), plan.conflicts.len()), (swap.as_slice(), 0));
}

#[test]
fn a_pack_changes_the_kind_of_place_it_is_had_from() {
    let (release, unpacked) = registry();
    let set_aside = || NodeStep::Disable("Pack".to_owned());
    let back = || vec![NodeStep::Remove("Pack".to_owned()), NodeStep::Enable("Pack".to_owned())];
    let own = Folder { modified: vec!["work.py".to_owned()], ..clone_at(7) };
    for (what, base, folder, twin, target, nodes) in [
        ("git to registry", pack(1), clone_at(1), false, release.clone(), vec![NodeStep::Replace(release.clone())]),
        ("registry to git", release.clone(), unpacked.clone(), false, pack(1), vec![NodeStep::Replace(pack(1))]),
        (
            "worked on, to registry",
            development(None),
            own.clone(),
            false,
            release.clone(),
            vec![set_aside(), NodeStep::Add(release.clone())],
        ),
        (
            "worked on, to git",
            development(Some(7)),
            own.clone(),
            false,
            pack(1),
            vec![set_aside(), NodeStep::Add(pack(1))],
        ),
        ("worked on, to git at its commit", development(Some(7)), own.clone(), false, pack(7), vec![]),
        ("registry to what was set aside", release.clone(), unpacked.clone(), true, development(None), back()),
        (
            "registry to a snapshot",
            release.clone(),
            unpacked.clone(),
            false,
            development(Some(4)),
            vec![NodeStep::Replace(development(Some(4)))],
        ),
        ("registry to nothing that can be had", release.clone(), unpacked.clone(), false, development(None), vec![]),
        ("git to work at the same commit", pack(7), clone_at(7), false, development(Some(7)), vec![]),
        ("git to work, changed meanwhile", pack(1), own, false, development(Some(4)), vec![]),
    ] {
        let mut machine = machine_with(&with_pack(base), Some(folder));
        machine.disabled.extend(twin.then(|| "Pack".to_owned()));
        let plan = machine.to_manifest(&with_pack(target));
        assert_eq!((plan.nodes, plan.conflicts.len()), (nodes, 0), "{what}: {:?}", plan.conflicts);
    }
    // A user who says that a folder is worked on means the one that is there.
    let mut machine = machine_with(&with_pack(release), Some(unpacked));
    machine.disabled.insert("Pack".to_owned());
    machine.terms.about.insert("pack".to_owned());
    assert_eq!(machine.to_manifest(&with_pack(development(None))).nodes, []);
}

#[test]
fn a_clone_by_another_spelling_of_the_address_is_a_clone() {
    let node = Node { repository: Some("https://github.com/team/pack".to_owned()), ..pack(1) };
    let folder = Folder { url: Some("git@github.com:Team/pack.git".to_owned()), ..clone_at(3) };
    let plan = machine_with(&manifest(), Some(folder)).to_manifest(&with_pack(node.clone()));
    assert_eq!((plan.nodes, plan.conflicts.len()), (vec![NodeStep::Replace(node)], 0));
}

#[test]
fn a_pack_that_is_worked_on_takes_only_its_own_folder_over() {
    let with_remote = || Node { repository: pack(1).repository, ..development(Some(1)) };
    let stranger = || Folder { url: Some("https://github.com/other/pack".to_owned()), ..clone_at(9) };
    let replaced = |node: Node| vec![NodeStep::Replace(node)];
    let back = vec![NodeStep::Remove("Pack".to_owned()), NodeStep::Enable("Pack".to_owned())];
    for (what, node, folder, twin, forced) in [
        ("a folder nobody knows", development(Some(4)), Folder::default(), false, Some(replaced(development(Some(4))))),
        ("a clone of something else", with_remote(), stranger(), false, Some(replaced(with_remote()))),
        ("its own is set aside", development(None), Folder::default(), true, Some(back)),
        ("the same files", development(Some(4)), Folder { url: None, ..clone_at(4) }, false, None),
        ("a clone of its repository, worked on", with_remote(), clone_at(7), false, None),
        ("it can be had nowhere else", development(None), Folder::default(), false, None),
    ] {
        let mut machine = machine_with(&manifest(), Some(folder));
        machine.disabled.extend(twin.then(|| "Pack".to_owned()));
        let plan = machine.to_manifest(&with_pack(node.clone()));
        assert_eq!((plan.nodes.len(), plan.conflicts.len()), (0, usize::from(forced.is_some())), "{what}");
        machine.terms.force_all = true;
        let plan = machine.to_manifest(&with_pack(node));
        assert_eq!((plan.nodes, plan.conflicts.len()), (forced.unwrap_or_default(), 0), "{what}");
    }
}
