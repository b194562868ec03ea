//! `delete`: nothing goes that cannot be had back, and nobody's work goes unsaid.

use std::process::Command;

use crate::support::comfyui::ComfyUi;
use crate::support::nodes::NodePack;
use crate::support::programs::succeed;
use crate::support::running::Running;
use crate::support::{Machine, STUDIO, Studio, git, report, tree, write};

/// The way back that a deletion tells.
fn way_back(said: &str) -> Vec<String> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix("to have it back: mv ")).unwrap();
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_deleted_environment_lies_in_the_trash_and_comes_back_whole() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    machine.put_model("checkpoints/base.safetensors", b"a model");
    let own = machine.environment("studio").join("ComfyUI/models/loras/mine.safetensors");
    write(&own, "mine");
    write(&machine.environment("studio").join("ComfyUI/output/picture.png"), "a picture");
    let before = tree::of_machine(machine.root());

    // It cannot be asked, so it has to be said.
    machine.run(&["delete", "studio", "--yes"]).code(1).says("--force");
    tree::assert_same(&before, &tree::of_machine(machine.root()), "after a deletion that nobody confirmed");
    machine.run(&["delete", "elsewhere", "--force"]).code(1).says("there is no environment `elsewhere`");

    let said = machine.ok(&["delete", "studio", "--force"]).says("it has no remote: its 1 version is nowhere else");
    let said = said.says("model loras/mine.safetensors").says("1 file in ComfyUI's output");
    let said = said.says("no environment is active now");
    assert!(!machine.environment("studio").exists());
    assert_eq!(std::fs::read(machine.models().join("checkpoints/base.safetensors")).unwrap(), b"a model");
    machine.ok(&["list"]).never_says("studio");
    machine.run(&["status"]).code(1).says("no environment is active");

    succeed(Command::new("mv").args(way_back(&said.stdout)));
    machine.ok(&["use", "studio"]);
    let mut after = tree::of_machine(machine.root());
    after.retain(|name, _| !name.starts_with("workspace/.metadata/trash"));
    tree::assert_same(&before, &after, "after the way back");
    report::start(&machine, "studio");
}

#[test]
fn work_that_is_nowhere_else_is_named() {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    let b = &studio.b;
    studio.clone().ok();
    // All of it is on the hub.
    b.ok(&["delete", "studio", "--force"]).never_says("only here");
    b.ok(&["clone", STUDIO, "--yes", "--use"]);

    let pack = NodePack::new();
    b.ok(&["node", "add", &pack.url()]);
    write(&b.workflow("studio", "sketch"), r#"{"nodes": [], "links": [], "version": 0.4}"#);
    let folder = b.environment("studio").join("ComfyUI/custom_nodes");
    write(&folder.join(NodePack::NAME).join("__init__.py"), "# changed\n");
    git::commit(&folder.join(NodePack::NAME), "Only here", "2025-11-01T12:00:00Z");
    write(&folder.join("loose/__init__.py"), "");
    let said = b.run(&["delete", "studio"]).code(1);
    let said = said.line(&["only here", "workflow sketch is not committed"]).line(&["custom_nodes/loose"]);
    said.line(&["only here", NodePack::NAME, "commits that are in no remote"]);
    b.ok(&["commit", "--yes", "-m", "A sketch", "--allow-issues"]);
    b.run(&["delete", "studio"]).code(1).says("1 version is not pushed").never_says("workflow sketch");
    assert!(b.environment("studio").exists());
}

#[test]
fn what_is_in_use_is_not_deleted() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    let running = Running::start(&machine);
    let holder = running.process().to_string();
    let before = tree::of_machine(machine.root());
    machine.run(&["delete", "studio", "--force"]).code(1).says("is running").says(&holder);
    tree::assert_same(&before, &tree::of_machine(machine.root()), "while ComfyUI runs");
    drop(running);
    // Another comfydock works on it.
    let lock = std::fs::File::open(machine.environment("studio").join(".comfydock/lock")).unwrap();
    lock.lock().unwrap();
    machine.run(&["delete", "studio", "--force"]).code(1).says("another comfydock is changing environment `studio`");
    lock.unlock().unwrap();
    machine.ok(&["delete", "studio", "--force"]);
}

#[test]
fn one_that_cannot_be_looked_at_goes_all_the_same() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    write(&machine.environment("studio").join(".cec/pyproject.toml"), "[[[");
    let said = machine.ok(&["--json", "delete", "studio", "--force"]);
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let kept = std::path::Path::new(document["kept"].as_str().unwrap());
    assert_eq!(std::fs::read_to_string(kept.join(".cec/pyproject.toml")).unwrap(), "[[[");
    assert!(document["work"][0].as_str().unwrap().contains("cannot be told"), "{document}");
}
