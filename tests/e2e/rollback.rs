//! An older version comes back whole: packs at their versions, packages, ComfyUI, workflows; offline,
//! from caches.

use crate::support::nodes::{NodePack, Workbench, code_of};
use crate::support::{comfyui, git, report, tree, write};

fn workflow(number: usize, seed: usize) -> String {
    format!(
        r#"{{"nodes":[{{"id":{number},"type":"KSampler","widgets_values":[{seed},"fixed",20,8,"euler","normal",1]}}],"links":[]}}"#
    )
}

/// The workflows as ComfyUI has them, without what commits note in them.
fn workflows(bench: &Workbench) -> std::collections::BTreeMap<String, serde_json::Value> {
    let folder = bench.a.workflow("studio", "x").parent().unwrap().to_owned();
    let read = |entry: std::fs::DirEntry| {
        let mut value: serde_json::Value = serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
        value.as_object_mut().unwrap().remove("extra");
        (entry.file_name().into_string().unwrap(), value)
    };
    std::fs::read_dir(folder).unwrap().flatten().map(read).collect()
}

/// What a user would miss: packs, workflows, ComfyUI and the packages, without git's own files.
fn seen(bench: &Workbench) -> (tree::Tree, Option<String>, Vec<String>) {
    let skip = |name: &str| name.contains(".git") || name.contains("__pycache__") || name.starts_with("user");
    let mut code = tree::tree(&bench.a.environment("studio").join("ComfyUI"), &skip);
    code.extend(workflows(bench).into_iter().map(|(name, value)| (name, value.to_string())));
    (code, bench.package("six"), report::start(&bench.a, "studio").nodes())
}

#[test]
fn everything_comes_back_offline() {
    let bench = Workbench::new();
    let a = &bench.a;
    let pack = NodePack::new();
    bench.publish("alpha", "1.0.0", "Alpha", "six==1.16.0\n");
    bench.publish("beta", "1.0.0", "Beta", "");
    a.ok(&["node", "add", "alpha", "beta", &pack.url()]);
    for number in 0..20 {
        write(&a.workflow("studio", &format!("flow {number:02}")), workflow(number, 1));
    }
    a.ok(&["commit", "-m", "Before", "--yes"]);
    let before = seen(&bench);

    bench.publish("alpha", "1.1.0", "AlphaTwo", "six==1.17.0\n");
    write(&pack.path().join("more.py"), "# more\n");
    git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    a.ok(&["node", "update"]);
    a.ok(&["node", "remove", "beta"]);
    a.ok(&["comfyui", "update", comfyui::NEW]).line(&["moved", comfyui::OLD, comfyui::NEW]);
    for number in 0..10 {
        write(&a.workflow("studio", &format!("flow {number:02}")), workflow(number, 2));
    }
    std::fs::remove_file(a.workflow("studio", "flow 19")).unwrap();
    write(&a.workflow("studio", "new one"), workflow(1, 3));
    a.ok(&["commit", "-m", "After", "--yes"]);
    let after = seen(&bench);
    assert_ne!(before, after);
    assert_eq!(after.1.as_deref(), Some("1.17.0"));

    // The first version is the creation, the second is what is wanted.
    let said = a.ok(&["--offline", "rollback", "v2", "--yes"]).says("brought back v2");
    assert_eq!(seen(&bench).1, before.1, "{said}");
    let now = seen(&bench);
    tree::assert_same(&before.0, &now.0, "after the rollback");
    assert_eq!((&before.1, &before.2), (&now.1, &now.2));
    a.ok(&["status"]).line(&["changed", "workflow flow 03"]).line(&["changed", "node pack alpha"]);
    a.ok(&["commit", "-m", "Back", "--yes"]).says("v4");
    a.ok(&["status"]).says("nothing to commit");
    // And forward again.
    a.ok(&["--offline", "rollback", "v3", "--yes"]);
    let now = seen(&bench);
    tree::assert_same(&after.0, &now.0, "after the way forward");
    a.ok(&["--offline", "rollback", "--yes"]);
    tree::assert_same(&before.0, &seen(&bench).0, "back at the last commit");
}

#[test]
fn what_is_not_committed_is_kept_and_can_be_had_again() {
    let bench = Workbench::new();
    let a = &bench.a;
    write(&a.workflow("studio", "hero"), workflow(1, 1));
    a.ok(&["commit", "-m", "Hero", "--yes"]);
    write(&a.workflow("studio", "hero"), workflow(1, 7));
    write(&a.workflow("studio", "extra"), workflow(2, 7));
    let said = a.ok(&["rollback", "--yes"]).says("is kept");
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(workflows(&bench)["hero.json"], parsed(&workflow(1, 1)));
    assert!(!a.workflow("studio", "extra").exists());
    let text = said.text();
    let backup = text.split("comfydock rollback ").nth(1).and_then(|rest| rest.split('`').next()).unwrap().to_owned();
    a.ok(&["rollback", &backup, "--yes"]);
    assert_eq!(workflows(&bench)["hero.json"], parsed(&workflow(1, 7)));
    assert_eq!(workflows(&bench)["extra.json"], parsed(&workflow(2, 7)));
    a.ok(&["rollback", "--yes"]);
    a.ok(&["rollback", "--yes"]).says("everything is as in v2 already");
    a.run(&["rollback", "v9", "--yes"]).code(1).says("there is no version v9");
    a.run(&["--no-interactive", "rollback", "v1"]).code(1).says("--yes");
}

#[test]
fn a_pack_that_is_worked_on_is_set_aside_never_taken() {
    let bench = Workbench::new();
    let a = &bench.a;
    let own = bench.folder("node-b");
    write(&own.join("__init__.py"), code_of("B"));
    a.ok(&["node", "add", "node-b", "--dev"]);
    a.ok(&["commit", "-m", "With b", "--yes"]);
    a.ok(&["node", "remove", "node-b"]);
    a.ok(&["commit", "-m", "Without b", "--yes"]);
    assert!(bench.folder("node-b.disabled/__init__.py").is_file());
    a.ok(&["rollback", "v2", "--yes"]).says("comfydock node update node-b");
    assert!(own.join("__init__.py").is_file() && !bench.folder("node-b.disabled").exists());
    write(&own.join("today.py"), "# today\n");
    a.ok(&["rollback", "v3", "--yes"]);
    assert!(bench.folder("node-b.disabled/today.py").is_file() && !own.exists());
}

#[test]
fn a_manifest_that_was_broken_or_lost_comes_back() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "");
    a.ok(&["node", "add", "alpha"]);
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    let committed = bench.manifest();
    let file = a.environment("studio").join(".cec/pyproject.toml");
    for (text, words) in [
        (Some("[broken by hand".to_owned()), "cannot be taken"),
        (Some(committed.replace("name = \"alpha\"", "name = \"../alpha\"")), "cannot be taken"),
        (None, "is gone"),
    ] {
        match &text {
            Some(text) => write(&file, text),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let before = tree::of_machine(a.root());
        for command in [&["status"][..], &["node", "list"], &["node", "remove", "alpha"], &["repair", "--yes"]] {
            a.run(command).code(1).says(words).says("`comfydock rollback` brings the committed one back");
        }
        tree::assert_same(&before, &tree::of_machine(a.root()), words);
        let said = a.ok(&["--offline", "rollback", "--yes"]).says("brought back v2");
        assert_eq!(bench.manifest(), committed, "{said}");
        if let Some(text) = &text {
            said.says("kept in");
            assert_eq!(tree::files_with(&a.environment("studio").join(".comfydock/trash"), text).len(), 1);
        }
        a.ok(&["status"]).says("nothing to commit");
    }
}
