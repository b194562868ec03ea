//! Node packs come and go: from the Comfy registry, from git, and from the user's own hands.

use crate::support::nodes::{NodePack, Workbench, code_of};
use crate::support::{git, report, tree, write};

#[test]
fn a_pack_of_the_registry_comes_is_updated_and_goes() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("comfy-alpha", "1.0.0", "Alpha", "six==1.16.0\n");
    a.ok(&["node", "add", "comfy-alpha"]).line(&["added", "comfy-alpha", "1.0.0"]);
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    assert_eq!(report::start(a, "studio").nodes(), ["comfy-alpha"]);
    assert!(bench.folder("comfy-alpha/.tracking").is_file(), "ComfyUI-Manager knows it for the registry's");
    assert!(bench.manifest().contains("sha256 = "), "the first bytes are held to");
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    a.ok(&["status"]).never_says("untracked").never_says("comfy-alpha");
    a.ok(&["node", "list"]).line(&["installed", "comfy-alpha", "1.0.0", "registry"]);

    // Settings that the pack keeps in its own folder stay through an update.
    write(&bench.folder("comfy-alpha/settings/mine.json"), "{}");
    bench.publish("comfy-alpha", "1.1.0", "AlphaTwo", "six==1.17.0\n");
    a.ok(&["node", "update", "comfy-alpha"]).line(&["updated", "comfy-alpha", "1.1.0"]);
    assert_eq!(bench.package("six").as_deref(), Some("1.17.0"));
    assert_eq!(std::fs::read_to_string(bench.folder("comfy-alpha/settings/mine.json")).unwrap(), "{}");
    assert!(std::fs::read_to_string(bench.folder("comfy-alpha/__init__.py")).unwrap().contains("AlphaTwo"));
    a.ok(&["node", "update"]).says("newest version");
    a.ok(&["status"]).line(&["changed", "node pack comfy-alpha"]);
    let installs = bench.registry.calls("install");
    a.ok(&["status"]);
    assert_eq!(bench.registry.calls("install"), installs, "asking about the state is no installation");

    let said = a.ok(&["node", "remove", "comfy-alpha"]).line(&["removed", "comfy-alpha"]);
    assert!(!bench.folder("comfy-alpha").exists() && bench.package("six").is_none(), "{said}");
    assert!(!bench.manifest().contains("comfy-alpha"));
    let kept = tree::files_with(&a.environment("studio").join(".comfydock/trash"), "{}");
    assert!(kept.iter().any(|path| path.ends_with("settings/mine.json")), "the user's file is in the trash");
    assert_eq!(report::start(a, "studio").nodes(), [""; 0]);
}

#[test]
fn several_come_together_or_not_at_all() {
    let bench = Workbench::new();
    let a = &bench.a;
    let pack = NodePack::new();
    bench.publish("one", "1.0.0", "One", "");
    bench.publish("two", "1.0.0", "Two", "six==1.16.0\n");
    let before = tree::of_machine(a.root());
    let said = a.run(&["node", "add", "one", "two", "nobody-has-this"]).code(1).says("nobody-has-this");
    tree::assert_same(&before, &tree::of_machine(a.root()), &said.to_string());
    a.ok(&["node", "add", "one", "two", &pack.url()]);
    let mut nodes = report::start(a, "studio").nodes();
    nodes.sort();
    assert_eq!(nodes, [NodePack::NAME, "one", "two"]);
    a.run(&["node", "add", "one"]).code(1).says("there already");
    a.ok(&["node", "remove", "one", "two", NodePack::NAME]);
    assert_eq!(report::start(a, "studio").nodes(), [""; 0]);
}

#[test]
fn requirements_that_contradict_change_nothing_and_are_named() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("old-six", "1.0.0", "OldSix", "six==1.16.0\n");
    bench.publish("new-six", "1.0.0", "NewSix", "six>=1.17\n");
    a.ok(&["node", "add", "old-six"]);
    let before = tree::of_machine(a.root());
    let said = a.run(&["node", "add", "new-six"]).code(1).says("old-six").says("new-six").says("six");
    tree::assert_same(&before, &tree::of_machine(a.root()), &said.to_string());
    let installs = bench.registry.calls("install");
    a.ok(&["node", "add", "new-six", "--no-test"]).says("behind");
    assert_eq!(bench.registry.calls("install"), installs, "the download was kept");
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    assert_eq!(report::start(a, "studio").nodes(), ["new-six", "old-six"]);
}

#[test]
fn a_pack_that_is_worked_on_is_set_aside_and_comes_back() {
    let bench = Workbench::new();
    let a = &bench.a;
    let own = bench.folder("my-node");
    write(&own.join("__init__.py"), code_of("Mine"));
    write(&own.join("requirements.txt"), "six==1.16.0\n");
    git::git(&own, &["init", "--quiet"]);
    git::commit(&own, "Mine", "2025-10-01T12:00:00Z");
    a.ok(&["status"]).line(&["untracked", "custom_nodes/my-node"]);
    a.ok(&["node", "add", "my-node", "--dev"]).line(&["added", "my-node"]);
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    a.ok(&["node", "list", "--dev"]).line(&["installed", "my-node", "development"]);
    a.ok(&["commit", "-m", "Mine", "--yes"]);

    write(&own.join("work.py"), "# all day\n");
    write(&own.join("requirements.txt"), "six==1.17.0\n");
    a.ok(&["node", "update", "my-node"]);
    assert_eq!(bench.package("six").as_deref(), Some("1.17.0"));

    a.ok(&["node", "remove", "my-node"]).line(&["set aside", "my-node.disabled"]);
    assert!(!own.exists() && bench.folder("my-node.disabled/work.py").is_file());
    assert!(bench.folder("my-node.disabled/.git").is_dir(), "its history too");
    assert_eq!(report::start(a, "studio").nodes(), [""; 0]);
    // A pack of the registry of that name would take its place: the work in it is not lost silently.
    bench.publish("my-node", "1.0.0", "Theirs", "");
    let before = tree::of_machine(a.root());
    a.run(&["node", "add", "my-node"]).code(1).says("nowhere else").says("--dev");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after a pack that was in the way");
    a.ok(&["node", "add", "my-node", "--dev"]);
    assert!(own.join("work.py").is_file() && !bench.folder("my-node.disabled").exists());
    // One that was set aside before makes room, under a name that ends in `.disabled` too, or ComfyUI
    // would load it.
    write(&bench.folder("my-node.disabled/old.py"), "");
    a.ok(&["node", "remove", "my-node"]);
    assert!(bench.folder("my-node.disabled/work.py").is_file() && bench.folder("my-node.1.disabled/old.py").is_file());
}

#[test]
fn missing_packs_are_seen_and_repaired() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "");
    let pack = NodePack::new();
    a.ok(&["node", "add", "alpha", &pack.url()]);
    a.ok(&["commit", "-m", "Packs", "--yes"]);
    std::fs::remove_dir_all(bench.folder("alpha")).unwrap();
    std::fs::remove_dir_all(bench.folder(NodePack::NAME)).unwrap();
    a.ok(&["status"]).line(&["missing", "alpha", "comfydock repair"]);
    a.ok(&["--offline", "repair", "--yes"]).says("repaired");
    assert_eq!(report::start(a, "studio").nodes(), ["alpha", NodePack::NAME]);
    a.ok(&["repair", "--yes"]).says("nothing to repair");
    // A venv that lost a file is built anew.
    let venv = std::fs::canonicalize(a.environment("studio").join(".venv")).unwrap();
    let six = venv.join("lib").read_dir().unwrap().next().unwrap().unwrap().path().join("site-packages/six.py");
    std::fs::remove_file(&six).unwrap();
    a.ok(&["--offline", "repair", "--rebuild", "--yes"]).says("repaired");
    assert!(six.is_file());
}

#[test]
fn what_is_ignored_is_left_alone() {
    let bench = Workbench::new();
    let a = &bench.a;
    write(&bench.folder("scratch/__init__.py"), "");
    write(&a.workflow("studio", "test/tries"), r#"{"nodes":[],"links":[]}"#);
    a.ok(&["status"]).says("scratch").says("tries");
    write(&a.environment("studio").join(".cec/.comfydock_ignore"), "nodes/scratch\nworkflows/test/\n");
    a.ok(&["status"]).never_says("scratch").never_says("tries");
    a.ok(&["commit", "-m", "Ignore", "--yes"]);
    assert!(!a.environment("studio").join(".cec/workflows/test").exists());
}

#[test]
fn a_missing_type_names_who_claims_it_and_adds_nothing() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "AlphaType", "");
    bench.registry.owns("alpha", "AlphaType");
    let workflow = r#"{"nodes":[{"id":1,"type":"AlphaType","widgets_values":[]},{"id":2,"type":"KSampler","widgets_values":[]}],"links":[]}"#;
    write(&a.workflow("studio", "hero"), workflow);
    a.ok(&["node", "missing"]).says("AlphaType").says("comfydock node add alpha").never_says("KSampler");
    assert!(!bench.folder("alpha").exists());
    a.ok(&["node", "add", "alpha"]);
    a.ok(&["node", "missing"]).says("every node type");
}
