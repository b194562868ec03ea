//! Node packs in the states people leave them in: moved by hand, renamed, left alone, set aside twice, had
//! from another kind of place than before. Nothing is undone that nobody asked for, and what is said is so.

use crate::support::nodes::{NodePack, Workbench, code_of};
use crate::support::{Machine, Studio, comfyui, git, report, tree, write};

fn trash(bench: &Workbench, text: &str) -> usize {
    tree::files_with(&bench.a.environment("studio").join(".comfydock/trash"), text).len()
}

#[test]
fn a_pack_that_the_user_moved_is_in_nobodys_way_and_is_only_put_back_by_force() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    bench.publish("beta", "1.0.0", "Beta", "");
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "Six", "--yes"]);
    write(&pack.path().join("more.py"), "# more\n");
    let moved = git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    let folder = bench.folder(NodePack::NAME);
    git::git(&folder, &["pull", "--quiet", "origin", "HEAD"]);
    let stands = || git::git(&folder, &["rev-parse", "HEAD"]);

    a.ok(&["status"]).line(&["moved", NodePack::NAME, &moved[..12], "next commit records it"]);
    a.ok(&["node", "add", "beta"]);
    a.ok(&["node", "remove", "beta"]);
    a.ok(&["comfyui", "update", comfyui::NEW]);
    assert_eq!(stands(), moved);
    for command in [&["repair", "--yes"][..], &["rollback", "--yes"], &["node", "remove", NodePack::NAME]] {
        a.run(command).code(1).says("commit of its own").says(&moved[..12]).says(&pack.commit[..12]);
        assert_eq!(stands(), moved);
    }
    // --force for ComfyUI is about ComfyUI.
    write(&a.environment("studio").join("ComfyUI/main.py"), "# my patch\n");
    a.run(&["comfyui", "update", comfyui::OLD]).code(1).says("main.py");
    a.ok(&["comfyui", "update", comfyui::OLD, "--force"]).says("kept in");
    assert_eq!((stands(), trash(&bench, "# my patch")), (moved, 1));
    a.ok(&["node", "update"]);
    a.ok(&["commit", "-m", "Moved", "--yes"]);
    a.ok(&["repair", "--yes"]).says("nothing to repair");
}

#[test]
fn a_release_whose_record_is_lost_is_told_and_stops_only_what_would_replace_it() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "");
    bench.publish("beta", "1.0.0", "Beta", "");
    a.ok(&["node", "add", "alpha"]);
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    write(&bench.folder("alpha/mine.json"), "my settings");
    write(&bench.folder("alpha/__init__.py"), format!("{}# patched\n", code_of("Alpha")));
    std::fs::write(a.environment("studio").join(".comfydock/packs/alpha.json"), "{").unwrap();
    a.ok(&["status"]).line(&["strange", "custom_nodes/alpha", "repair --force"]);
    a.run(&["status", "--check"]).code(1);
    a.ok(&["node", "add", "beta"]);
    bench.publish("alpha", "2.0.0", "AlphaTwo", "");
    for command in [&["repair", "--yes"][..], &["node", "update"], &["node", "remove", "alpha"], &["rollback", "--yes"]]
    {
        a.run(command)
            .code(1)
            .says("nothing tells the files of node pack alpha from yours")
            .never_says("commit of its own");
    }
    a.ok(&["repair", "--force", "--yes"]).says("kept in");
    assert_eq!(trash(&bench, "my settings"), 1);
    a.ok(&["status"]).never_says("strange");
}

#[test]
fn a_release_that_is_as_it_came_is_known_without_its_record() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "");
    a.ok(&["node", "add", "alpha"]);
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    write(&bench.folder("alpha/mine.json"), "my settings");
    std::fs::remove_file(a.environment("studio").join(".comfydock/packs/alpha.json")).unwrap();
    a.ok(&["status"]).line(&["strange", "custom_nodes/alpha", "`comfydock repair` knows"]);
    let before = tree::of_machine(&bench.folder(""));
    let installs = bench.registry.calls("install");
    a.ok(&["--offline", "repair", "--yes"]).says("repaired").says("node pack alpha is as it came");
    tree::assert_same(&before, &tree::of_machine(&bench.folder("")), "only the record was written");
    a.ok(&["status", "--check"]).says("nothing to commit");
    a.ok(&["repair", "--yes"]).says("nothing to repair");
    assert_eq!(bench.registry.calls("install"), installs);
    // What is the user's is told from what is the pack's again.
    a.ok(&["node", "remove", "alpha"]).says("kept in");
    assert_eq!((trash(&bench, "my settings"), bench.folder("alpha").exists()), (1, false));
}

#[test]
fn a_pack_whose_folder_is_missing_comes_as_it_is_recorded() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    bench.publish("alpha", "1.0.0", "Alpha", "");
    bench.publish("beta", "1.0.0", "Beta", "");
    a.ok(&["node", "add", "alpha", &pack.url()]);
    a.ok(&["commit", "-m", "Packs", "--yes"]);
    bench.publish("alpha", "1.1.0", "AlphaTwo", "");
    write(&pack.path().join("more.py"), "# more\n");
    git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    std::fs::remove_dir_all(bench.folder("alpha")).unwrap();
    std::fs::remove_dir_all(bench.folder(NodePack::NAME)).unwrap();
    a.ok(&["node", "add", "beta"]);
    assert!(!bench.folder("alpha").exists(), "that one was not asked for");
    a.ok(&["status"]).line(&["missing", "alpha", "comfydock repair"]);
    a.ok(&["--offline", "node", "add", "alpha", &pack.url()]).line(&["added", "alpha", "1.0.0"]);
    a.ok(&["node", "list"]).line(&["installed", "alpha", "1.0.0"]).line(&[
        "installed",
        NodePack::NAME,
        &pack.commit[..12],
    ]);
    std::fs::remove_dir_all(bench.folder("alpha")).unwrap();
    a.ok(&["node", "add", "alpha@1.1.0"]).line(&["added", "alpha", "1.1.0"]);
}

#[test]
fn what_is_ignored_is_refused_by_name() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "");
    bench.publish("beta", "1.0.0", "Beta", "");
    a.ok(&["node", "add", "alpha"]);
    write(&bench.folder("scratch/__init__.py"), "");
    write(&a.environment("studio").join(".cec/.comfydock_ignore"), "nodes/alpha\nnodes/beta\nnodes/scratch\n");
    a.ok(&["commit", "-m", "Ignore", "--yes"]);
    let before = tree::of_machine(a.root());
    a.run(&["node", "add", "beta"]).code(1).says("custom_nodes/beta is left alone").says(".comfydock_ignore");
    a.run(&["node", "remove", "alpha"]).code(1).says("custom_nodes/alpha is left alone");
    a.run(&["node", "update", "alpha"]).ok().says("newest");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after what is left alone");
    bench.publish("alpha", "2.0.0", "AlphaTwo", "");
    a.ok(&["node", "update"]).says("newest");
    a.ok(&["rollback", "v1", "--yes"]).never_says("scratch").never_says("custom_nodes/alpha is not tracked");
    assert!(bench.folder("alpha/__init__.py").is_file());
}

#[test]
fn a_pack_that_changed_the_kind_of_place_it_is_had_from_comes_back_as_each() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    bench.publish(NodePack::NAME, "1.0.0", "Released", "");
    a.ok(&["node", "add", NodePack::NAME]);
    a.ok(&["commit", "-m", "Registry", "--yes"]);
    a.ok(&["node", "remove", NodePack::NAME]);
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "Git", "--yes"]);
    a.ok(&["node", "add", NodePack::NAME, "--dev"]);
    write(&bench.folder(NodePack::NAME).join("work.py"), "# all day\n");
    git::commit(&bench.folder(NodePack::NAME), "Work", "2025-11-01T12:00:00Z");
    a.ok(&["node", "update", NodePack::NAME]);
    a.ok(&["commit", "-m", "Mine", "--yes"]);
    let file = |name: &str| bench.folder(NodePack::NAME).join(name).is_file();
    let twin = bench.folder(&format!("{}.disabled", NodePack::NAME));
    for (version, release, work) in [
        ("v2", true, false),
        ("v4", false, true),
        ("v3", false, false),
        ("v2", true, false),
        ("v3", false, false),
        ("v4", false, true),
    ] {
        a.ok(&["--offline", "rollback", version, "--yes"]);
        assert_eq!((file(".tracking"), file("work.py")), (release, work), "{version}");
        assert_eq!(twin.join("work.py").is_file(), !work, "{version}");
        assert_eq!(report::start(a, "studio").nodes(), [NodePack::NAME], "{version}");
    }
    a.ok(&["status"]).says("nothing to commit");
}

#[test]
fn a_pack_that_was_spelled_otherwise_comes_back() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "One", "--yes"]);
    a.ok(&["node", "remove", NodePack::NAME]);
    let other = tempfile::tempdir().unwrap();
    a.ok(&["node", "add", &NodePack::with(other.path(), "ComfyUI_Six", &[("x.txt", "x")])]);
    a.ok(&["commit", "-m", "Other", "--yes"]);
    write(&bench.folder("ComfyUI_Six/mine.txt"), "my notes");
    a.ok(&["--offline", "rollback", "v2", "--yes"]);
    assert_eq!((report::start(a, "studio").nodes(), trash(&bench, "my notes")), (vec![NodePack::NAME.to_owned()], 1));
    a.ok(&["--offline", "rollback", "v3", "--yes"]);
    assert_eq!(report::start(a, "studio").nodes(), ["ComfyUI_Six"]);
}

#[test]
fn another_spelling_beside_a_tracked_pack_is_not_taken_for_it() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "Six", "--yes"]);
    let other = tempfile::tempdir().unwrap();
    let url = NodePack::with(other.path(), "ComfyUI_Six", &[("x.txt", "x")]);
    git::git(&bench.folder(""), &["clone", "--quiet", &url, "ComfyUI_Six"]);
    let manifest = bench.manifest();
    a.ok(&["status"]).line(&["strange", "custom_nodes/ComfyUI_Six"]);
    a.ok(&["commit", "--yes"]).says("nothing to commit");
    assert_eq!(bench.manifest(), manifest);
}

#[test]
fn what_was_set_aside_last_comes_back_and_what_cannot_is_not_promised() {
    let bench = Workbench::new();
    let a = &bench.a;
    write(&bench.folder("own/__init__.py"), code_of("Own"));
    a.ok(&["node", "add", "own", "--dev"]);
    a.ok(&["commit", "-m", "Own", "--yes"]);
    write(&bench.folder("own.disabled/older.py"), "# older\n");
    write(&bench.folder("own/newest.py"), "# newest\n");
    a.ok(&["node", "remove", "own"]);
    // Nobody knows of it but this folder: another pack of the name does not push it into the trash.
    bench.publish("own", "1.0.0", "Theirs", "");
    a.run(&["node", "add", "own"]).code(1).says("own.disabled").says("--dev");
    a.ok(&["rollback", "--yes"]).line(&["own", "brought back"]);
    assert!(bench.folder("own/newest.py").is_file() && bench.folder("own.1.disabled/older.py").is_file());

    // Its source was committed, so it can be had; that of one that never was cannot.
    std::fs::remove_dir_all(bench.folder("own")).unwrap();
    a.ok(&["status"]).line(&["missing", "own", "comfydock repair"]);
    a.ok(&["repair", "--yes"]).says("repaired");
    assert!(bench.folder("own/__init__.py").is_file());
    write(&bench.folder("fresh/__init__.py"), code_of("Fresh"));
    a.ok(&["node", "add", "fresh", "--dev"]);
    std::fs::remove_dir_all(bench.folder("fresh")).unwrap();
    a.ok(&["status"]).line(&["missing", "fresh", "node remove fresh"]).never_says("`comfydock repair` brings");
    a.ok(&["repair", "--yes"]).line(&["missing", "fresh"]);
    a.run(&["node", "update", "fresh"]).code(1).says("custom_nodes/fresh is not there");
    a.ok(&["node", "remove", "fresh"]);
    a.ok(&["status"]).never_says("missing");
}

#[test]
fn a_new_comfyui_is_no_stray_one() {
    let bench = Workbench::new();
    let a = &bench.a;
    a.ok(&["comfyui", "update", comfyui::NEW]);
    a.ok(&["status", "--check"]).line(&["changed", comfyui::NEW]).never_says("moved");
    a.ok(&["comfyui", "update", comfyui::NEW]).says("already").never_says("takes it back");
    let url = NodePack::new().url();
    for (command, words) in [
        (&["comfyui", "update", "v9.9"][..], "no branch, tag or commit `v9.9`"),
        (&["--offline", "comfyui", "update", "v9.9"], "`v9.9` of ComfyUI is not cached, and --offline"),
        (&["--offline", "node", "add", &url], "is not cached, and --offline"),
        (&["--offline", "node", "add", "alpha"], "without --offline"),
    ] {
        a.run(command).code(1).says(words).never_says("rev-parse");
    }
}

#[test]
fn a_version_that_was_only_fetched_brings_no_code_from_new_places() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "Six", "--yes"]);
    let cec = a.environment("studio").join(".cec");
    let theirs = git::git(&cec, &["rev-parse", "HEAD"]);
    // As a pull leaves it that was not agreed to: in the repository, in nobody's history.
    a.ok(&["rollback", "v1", "--yes"]);
    git::git(&cec, &["update-ref", "refs/heads/main", "HEAD~1"]);
    std::fs::remove_dir_all(a.workspace().join("comfydock_cache/git")).unwrap();
    let before = tree::of_machine(a.root());
    a.run(&["rollback", &theirs[..12], "--yes"]).code(1).says("nobody here agreed").says(&pack.url());
    tree::assert_same(&before, &tree::of_machine(a.root()), "after a version of strangers");
}

#[test]
fn another_spelling_is_no_way_to_take_a_tracked_pack_away() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "");
    a.ok(&["node", "add", "alpha"]);
    write(&bench.folder("Alpha/__init__.py"), code_of("Other"));
    let before = tree::of_machine(a.root());
    a.run(&["node", "add", "Alpha", "--dev"]).code(1).says("`alpha` is tracked").says("node remove alpha");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after another spelling");
}

#[test]
fn a_clone_that_was_taken_over_at_its_newest_is_not_updated() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    git::git(&bench.folder(""), &["clone", "--quiet", &pack.url(), NodePack::NAME]);
    a.ok(&["commit", "-m", "Six", "--yes"]);
    a.ok(&["node", "update"]).says("newest version");
    a.ok(&["status"]).says("nothing to commit");
}

#[test]
fn one_repository_is_taken_over_once() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    let plain = pack.path().to_str().unwrap().to_owned();
    // Another spelling of the address is no other repository.
    git::git(&bench.folder(""), &["clone", "--quiet", &pack.url(), "six-a"]);
    git::git(&bench.folder(""), &["clone", "--quiet", &plain, "six-b"]);
    let twice = ["custom_nodes/six-b is another clone of node pack six-a", "rm -r"];
    a.run(&["status", "--check"]).code(1).line(&twice).line(&["new", "six-a"]);
    assert_eq!(a.json(&["status"])["duplicate_nodes"][0]["of"], "six-a");
    a.ok(&["commit", "--yes"]).says("six-a is tracked now").says(twice[0]).never_says("six-b is tracked");
    assert!(!bench.manifest().contains("six-b") && bench.folder("six-b").is_dir());
    // The one that is tracked counts, whatever comes before it in the alphabet.
    git::git(&bench.folder(""), &["clone", "--quiet", &plain, "a-six"]);
    a.ok(&["status"]).line(&["custom_nodes/a-six is another clone of node pack six-a"]);
    for extra in ["six-b", "a-six"] {
        std::fs::remove_dir_all(bench.folder(extra)).unwrap();
    }
    a.ok(&["status", "--check"]).says("nothing to commit");
}

#[test]
fn a_link_to_a_clone_elsewhere_is_not_taken_over_as_its_commit() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    let desk = tempfile::tempdir().unwrap();
    git::git(desk.path(), &["clone", "--quiet", &pack.url(), "six"]);
    std::os::unix::fs::symlink(desk.path().join("six"), bench.folder("linked")).unwrap();
    a.ok(&["status"]).line(&["untracked", "custom_nodes/linked", "a link", "node add linked --dev"]);
    a.ok(&["commit", "--yes"]).says("nothing to commit");
    assert!(!bench.manifest().contains("linked"));
    a.ok(&["node", "add", "linked", "--dev"]).says("under development");
    a.ok(&["commit", "--yes"]);
    a.ok(&["status", "--check"]).says("nothing to commit");
    assert!(bench.folder("linked").is_symlink());
    a.ok(&["node", "remove", "linked"]).says("linked.disabled");
    assert!(desk.path().join("six/.git").is_dir(), "what is behind the link is its owner's");
}

#[test]
fn a_pack_that_is_worked_on_elsewhere_does_not_take_another_folder_over() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let on = |machine: &Machine| machine.environment("studio").join("ComfyUI/custom_nodes/my-node");
    a.ok(&["push"]);
    studio.clone().ok();
    write(&on(a).join("__init__.py"), code_of("Mine"));
    a.ok(&["node", "add", "my-node", "--dev"]);
    studio.send("Mine");
    write(&on(b).join("__init__.py"), code_of("Other"));
    let before = tree::of_machine(b.root());
    let said = b.run(&["pull", "--yes"]).code(1).says("custom_nodes/my-node is in the way").says("rename it");
    let (mut before, mut after) = (before, tree::of_machine(b.root()));
    // What was fetched is no change of anybody's work.
    for tree in [&mut before, &mut after] {
        tree.retain(|path, _| !path.contains("/.git/") && !path.contains("comfydock_cache"));
    }
    tree::assert_same(&before, &after, &said.to_string());
    std::fs::rename(on(b), on(b).with_file_name("other.disabled")).unwrap();
    b.ok(&["pull", "--yes"]);
    assert_eq!(std::fs::read_to_string(on(b).join("__init__.py")).unwrap(), code_of("Mine"));
    // Back before it came, where the folder with the same files may stay.
    b.ok(&["rollback", "v1", "--yes"]).says("my-node.disabled");
    write(&on(b).join("__init__.py"), code_of("Other"));
    b.run(&["rollback", "v2", "--yes"]).code(1).says("custom_nodes/my-node is in the way").says("--force");
    write(&on(b).join("__init__.py"), code_of("Mine"));
    b.ok(&["rollback", "v2", "--yes"]);
    b.ok(&["status"]).says("nothing to commit");
}
