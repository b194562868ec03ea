//! The seed's worked examples (system-specification-v2, User Workflows and Node Management), as a user
//! types them.

use crate::support::comfyui::ComfyUi;
use crate::support::nodes::{NodePack, Workbench, code_of};
use crate::support::{Machine, Said, programs, report, tree, write};

/// A machine on which nothing but the environment says where the workspace is.
struct Shell {
    machine: Machine,
    /// What the user exported.
    home: Option<String>,
}

impl Shell {
    fn run(&self, words: &[&str]) -> Said {
        let mut command = programs::bare(programs::comfydock());
        for (name, value) in self.machine.command(&[]).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.envs(self.home.as_ref().map(|home| ("COMFYDOCK_HOME", home)));
        Said::of(command.args(words).current_dir(self.machine.home()).stdin(std::process::Stdio::null()))
    }
}

fn workflow(seed: usize) -> String {
    format!(
        r#"{{"nodes":[{{"id":1,"type":"KSampler","widgets_values":[{seed},"fixed",20,8,"euler","normal",1]}}],"links":[]}}"#
    )
}

#[test]
fn starting_fresh() {
    let (comfyui, mut shell) = (ComfyUi::new(), Shell { machine: Machine::new(), home: None });
    let workspace = shell.machine.home().join("my workspace");
    let path = workspace.to_str().unwrap();
    shell.run(&["create", "test-env", "--python", "3.11"]).code(1).says("comfydock init");
    shell.run(&["init", path, "--no-interactive"]).ok().says(&format!("export COMFYDOCK_HOME='{path}'"));
    shell.home = Some(path.to_owned());
    shell.run(&["init", path]).code(1).says("is a workspace already");
    shell.run(&["create", "test-env", "--python", "3.11", "--comfyui-url", comfyui.url()]).ok().says("now active");
    let file = shell.machine.root().join("report.json");
    shell.machine.set("COMFYUI_REPORT", &file);
    shell.run(&["run", "--quick-test-for-ci", "--cpu"]).ok();
    let report = report::read(&file);
    let python = report.python();
    assert!(python.starts_with(workspace.join("environments/test-env").to_str().unwrap()), "{python}");
    // A workspace where every command looks needs no word about it.
    let usual = Shell { machine: Machine::new(), home: None };
    usual.run(&["init"]).ok().never_says("COMFYDOCK_HOME");
}

#[test]
fn daily_development() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("comfyui-impact-pack", "4.18.0", "Impact", "six==1.16.0\n");
    a.ok(&["node", "add", "comfyui-impact-pack"]).line(&["added", "comfyui-impact-pack", "4.18.0"]);
    assert_eq!(report::start(a, "studio").nodes(), ["comfyui-impact-pack"], "present at once");
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"), "with its packages");
    assert!(bench.manifest().contains("[tool.comfydock.nodes.comfyui-impact-pack]"), "and tracked");
    write(&a.workflow("studio", "my_workflow"), workflow(1));
    a.ok(&["status"]).line(&["new", "workflow my_workflow"]).line(&["new", "node pack comfyui-impact-pack"]);
    a.ok(&["workflow", "list"]).line(&["my_workflow", "new"]);
    a.ok(&["commit", "-m", "Added impact pack and new workflow", "--yes"]).says("v2");
    write(&a.workflow("studio", "my_workflow"), workflow(2));
    a.ok(&["status"]).line(&["changed", "workflow my_workflow"]).never_says("impact");
    a.ok(&["commit", "-m", "Refined sampler settings", "--yes"]).says("v3");
    a.ok(&["status"]).says("nothing to commit");
}

#[test]
fn version_management() {
    let bench = Workbench::new();
    let a = &bench.a;
    let saved = a.workflow("studio", "my_workflow");
    let seed = || {
        let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&saved).unwrap()).unwrap();
        value["nodes"][0]["widgets_values"][0].clone()
    };
    for (number, message) in [(1, "First sampler"), (2, "Updated workflow")] {
        write(&saved, workflow(number));
        a.ok(&["commit", "-m", message, "--yes"]);
    }
    a.ok(&["log", "--limit", "10"]).line(&["v3"]).says("Updated workflow").line(&["v1"]);
    a.ok(&["log", "--limit", "1"]).line(&["v3"]).never_says("v2");
    let lines = a.ok(&["log", "--oneline"]).line(&["v3", "Updated workflow"]).line(&["v2", "First sampler"]).stdout;
    assert_eq!(lines.lines().count(), 3, "{lines}");

    write(&saved, workflow(7));
    a.ok(&["rollback", "--yes"]).says("brought back v3").says("is kept");
    assert_eq!(seed(), 2);
    let hash = a.json(&["log"])["versions"][1]["commit"].as_str().unwrap()[..8].to_owned();
    for target in ["v2", hash.as_str(), "HEAD~1"] {
        a.ok(&["rollback", target, "--yes"]).says("nothing is committed yet");
        assert_eq!(seed(), 1, "{target}");
        a.ok(&["status"]).line(&["changed", "workflow my_workflow"]);
        a.ok(&["rollback", "--yes"]);
        assert_eq!(seed(), 2, "{target} is reversible");
    }
    a.ok(&["rollback", "v2", "--yes"]);
    a.ok(&["commit", "-m", "Reverted to previous sampler", "--yes"]).says("v4");
    a.ok(&["rollback", "v1", "--yes"]);
    assert!(!saved.exists());
    a.ok(&["status"]).line(&["removed", "workflow my_workflow"]);
}

#[test]
fn packs_of_every_kind_are_removed_and_rolled_back_as_the_seed_says() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    bench.publish("node-a", "1.0.0", "A", "");
    write(&bench.folder("node-b/__init__.py"), code_of("B"));
    a.ok(&["node", "add", "node-a", &pack.url()]);
    a.ok(&["node", "add", "node-b", "--dev"]);
    a.ok(&["commit", "-m", "All", "--yes"]);
    for (name, kind) in [("node-a", "registry"), (NodePack::NAME, "git"), ("node-b", "development")] {
        a.ok(&["node", "list"]).line(&["installed", name, kind]);
    }
    a.ok(&["node", "remove", "node-b"]).says("node-b.disabled");
    a.ok(&["commit", "-m", "Without b", "--yes"]);
    a.ok(&["rollback", "v2", "--yes"]).says("node update node-b");
    assert!(bench.folder("node-b/__init__.py").is_file());
    a.ok(&["rollback", "v3", "--yes"]);
    assert!(bench.folder("node-b.disabled/__init__.py").is_file() && !bench.folder("node-b").exists());
    // What can be had again is deleted, and comes back without the network.
    a.ok(&["rollback", "v1", "--yes"]);
    assert!(!bench.folder("node-a").exists() && !bench.folder(NodePack::NAME).exists());
    a.ok(&["--offline", "rollback", "v3", "--yes"]);
    assert_eq!(report::start(a, "studio").nodes(), [NodePack::NAME, "node-a"]);
}

#[test]
fn a_folder_and_a_disabled_one_of_the_name_that_is_added() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("my-node", "1.0.0", "Theirs", "");
    write(&bench.folder("my-node/__init__.py"), "# mine\n");
    write(&bench.folder("my-node.disabled/old.py"), "# mine of old\n");
    let before = tree::of_machine(a.root());
    a.run(&["node", "add", "my-node"]).code(1).says("is no git repository").says("--dev").says("--force");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after a folder in the way");
    a.ok(&["node", "add", "my-node", "--force"]).says("kept in");
    assert!(!bench.folder("my-node.disabled").exists());
    for text in ["# mine\n", "# mine of old\n"] {
        let trash = a.environment("studio").join(".comfydock/trash");
        assert_eq!(tree::files_with(&trash, text).len(), 1, "{text}");
    }
    assert_eq!(report::start(a, "studio").nodes(), ["my-node"]);
}
