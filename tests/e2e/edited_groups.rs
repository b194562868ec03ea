//! What a user writes into a pack's dependency group stays, as long as the pack asks for the same.

use crate::support::nodes::{NodePack, Workbench};
use crate::support::{git, tree, write};

/// Replaces text in the manifest, which must be there.
fn edit(bench: &Workbench, from: &str, to: &str) {
    let text = bench.manifest();
    assert!(text.contains(from), "{from} is not in {text}");
    write(&bench.a.environment("studio").join(".cec/pyproject.toml"), text.replacen(from, to, 1));
}

#[test]
fn a_pack_that_could_not_be_added_comes_with_what_the_user_wrote_for_it() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("old-six", "1.0.0", "OldSix", "six==1.16.0\n");
    bench.publish("new-six", "1.0.0", "NewSix", "six>=1.17\n");
    a.ok(&["node", "add", "old-six"]);
    a.run(&["node", "add", "new-six"]).code(1).says("what node-new-six of [dependency-groups] says is taken instead");
    let fetched = bench.registry.calls("zip");
    edit(&bench, "[dependency-groups]\n", "[dependency-groups]\nnode-new-six = [\"six>=1.10\"] # mine\n");
    a.ok(&["node", "add", "new-six"]).line(&["node-new-six", "stays as it was edited", "six>=1.17"]);
    assert_eq!(bench.registry.calls("zip"), fetched, "the download was kept");
    assert!(bench.manifest().contains("node-new-six = [\"six>=1.10\"] # mine"));
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));

    // Another release that asks for the same; then one that does not.
    bench.publish("new-six", "1.1.0", "NewSix", "six>=1.17\n");
    a.ok(&["node", "update", "new-six"]).says("1.1.0").says("stays as it was edited");
    assert!(bench.manifest().contains("# mine"));
    bench.publish("new-six", "1.2.0", "NewSix", "six>=1.16\n");
    a.ok(&["node", "update"]).says("1.2.0").says("asks for other packages now").says("said: six>=1.10");
    assert!(bench.manifest().contains("node-new-six = [\"six>=1.16\"]"));
    a.ok(&["node", "remove", "new-six"]);
    assert!(!bench.manifest().contains("node-new-six"));
}

#[test]
fn an_edit_is_locked_by_an_update_and_kept_by_a_commit() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "Six", "--yes"]);
    edit(&bench, "node-comfyui-six = [\"six\"]", "node-comfyui-six = [\"six==1.16.0\"]");
    a.ok(&["status"]).line(&["changed", "Python requirements"]);
    a.ok(&["--offline", "diff"]).says("six==1.16.0");
    a.ok(&["node", "update", NodePack::NAME]).says("stays as it was edited");
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    // The clone is moved by hand, to a commit that asks for the same.
    write(&pack.path().join("more.py"), "# more\n");
    let moved = git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    git::git(&bench.folder(NodePack::NAME), &["pull", "--quiet", "origin", "HEAD"]);
    a.ok(&["commit", "-m", "Moved", "--yes"]).says("stays as it was edited");
    assert!(bench.manifest().contains(&moved) && bench.manifest().contains("[\"six==1.16.0\"]"));
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
}

#[test]
fn requirements_of_ones_own_are_installed_by_a_repair() {
    let bench = Workbench::new();
    let a = &bench.a;
    let manifest = bench.manifest();
    edit(&bench, "dependencies = [\n", "dependencies = [\n    \"six==1.16.0\", # for my scripts\n");
    a.ok(&["status"]).line(&["changed", "Python requirements"]);
    a.ok(&["repair", "--yes"]).says("repaired");
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    a.ok(&["repair", "--yes"]).says("nothing to repair");
    // A new ComfyUI keeps them, and so does its way back.
    a.ok(&["comfyui", "update", crate::support::comfyui::NEW]);
    assert!(bench.manifest().contains("\"six==1.16.0\""));
    a.ok(&["rollback", "--yes"]);
    assert_eq!((bench.package("six"), bench.manifest()), (None, manifest));
    // What cannot be locked is said, and stops no repair of other things.
    edit(&bench, "dependencies = [\n", "dependencies = [\n    \"six==99\",\n");
    std::fs::remove_dir_all(a.environment("studio").join(".comfydock/venvs")).unwrap();
    a.ok(&["repair", "--yes"]).says("the lock stays as it was").says("repaired");
}

#[test]
fn a_commit_locks_what_was_edited() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "Six", "--yes"]);
    edit(&bench, "node-comfyui-six = [\"six\"]", "node-comfyui-six = [\"six==1.16.0\"]");
    a.run(&["status", "--check"]).code(1).line(&["behind", "uv.lock", "six==1.16.0", "node-comfyui-six", "edited"]);
    assert_eq!(a.json(&["status"])["unlocked"][0]["node"], NodePack::NAME);
    // Nothing that was installed before has to be asked for anywhere.
    a.ok(&["commit", "--yes"]).says("Change Python requirements").never_says("behind");
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    assert!(committed(&bench, "uv.lock").contains("name = \"six\", specifier = \"==1.16.0\""));
    a.ok(&["status", "--check"]).says("nothing to commit");
    // What holds for all packs is locked as well.
    edit(&bench, "[tool.uv]\n", "[tool.uv]\noverride-dependencies = [\"six==1.15.0\"]\n");
    a.ok(&["status"]).line(&["behind", "six==1.15.0 in override-dependencies is not locked"]);
    a.ok(&["commit", "--yes"]);
    assert_eq!(bench.package("six").as_deref(), Some("1.15.0"));
    a.ok(&["status", "--check"]).says("nothing to commit");
}

#[test]
fn an_edit_that_cannot_be_locked_is_committed_only_on_demand() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("old-six", "1.0.0", "OldSix", "six==1.16.0\n");
    bench.publish("new-six", "1.0.0", "NewSix", "six\n");
    a.ok(&["node", "add", "old-six", "new-six"]);
    a.ok(&["commit", "-m", "Both", "--yes"]);
    edit(&bench, "node-new-six = [\"six\"]", "node-new-six = [\"six>=1.17\"]");
    let before = tree::of_machine(a.root());
    let said = a.run(&["commit", "--yes"]).code(1);
    let said = said.says("the requirements of new-six and old-six contradict each other").says("--no-test");
    tree::assert_same(&before, &tree::of_machine(a.root()), &said.says("node-new-six").to_string());
    let lock = committed(&bench, "uv.lock");
    a.ok(&["commit", "--yes", "--no-test"]).line(&["behind", "six>=1.17", "edited"]);
    assert!(committed(&bench, "pyproject.toml").contains("six>=1.17"));
    assert_eq!((committed(&bench, "uv.lock"), bench.package("six").as_deref()), (lock, Some("1.16.0")));
    // What stands so is told, and keeps no workflow from being saved.
    a.run(&["status", "--check"]).code(1).line(&["behind", "six>=1.17"]).never_says("changed");
    write(&a.workflow("studio", "empty"), "{\"nodes\": [], \"links\": [], \"version\": 0.4}");
    a.ok(&["--offline", "commit", "--yes"]).says("empty").line(&["behind", "six>=1.17"]);
    edit(&bench, "node-new-six = [\"six>=1.17\"]", "node-new-six = [\"six>=1.10\"]");
    a.ok(&["commit", "--yes"]).never_says("behind");
    a.ok(&["status", "--check"]);
}

#[test]
fn a_pack_that_came_untested_is_named_by_whatever_it_is_in_the_way_of() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("old-six", "1.0.0", "OldSix", "six==1.16.0\n");
    bench.publish("new-six", "1.0.0", "NewSix", "six>=1.17\n");
    bench.publish("third", "1.0.0", "Third", "idna\n");
    bench.publish("fourth", "1.0.0", "Fourth", "certifi\n");
    a.ok(&["node", "add", "old-six", "fourth"]);
    a.ok(&["node", "add", "new-six", "--no-test"]).says("behind");
    a.run(&["commit", "--yes"]).code(1).says("new-six came with --no-test").says("comfydock node remove new-six");
    a.ok(&["commit", "--yes", "--no-test"]);
    let untested = ["behind", "six>=1.17", "new-six came with --no-test"];
    a.ok(&["status"]).line(&untested);
    let before = tree::of_machine(a.root());
    a.run(&["node", "add", "third"])
        .code(1)
        .says("the requirements of new-six and old-six contradict each other")
        .says("new-six came with --no-test")
        .says("`comfydock node remove new-six` takes it out");
    let mut after = tree::of_machine(a.root());
    // What was fetched is kept for the next time.
    after.retain(|path, _| before.contains_key(path) || !path.contains("comfydock_cache"));
    tree::assert_same(&before, &after, "after a refusal");
    // A command without the flag does not offer it.
    a.run(&["node", "remove", "fourth"]).code(1).says("node remove new-six").never_says("--no-test takes");
    a.ok(&["node", "remove", "old-six"]);
    a.ok(&["status"]).never_says("behind");
    assert_eq!(bench.package("six").as_deref(), Some("1.17.0"));
    a.ok(&["node", "add", "third"]);
    a.ok(&["commit", "--yes"]).never_says("behind");
}

/// A file of the last commit.
fn committed(bench: &Workbench, path: &str) -> String {
    git::git(&bench.a.environment("studio").join(".cec"), &["show", &format!("HEAD:{path}")])
}
