//! What was done is kept, without secrets.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::support::comfyui::{ComfyUi, OLD};
use crate::support::nodes::NodePack;
use crate::support::package_index::{Mood, PackageIndex};
use crate::support::wheels::Wheel;
use crate::support::{Machine, report, tree, wait_for, write};

fn log(machine: &Machine, name: &str) -> PathBuf {
    machine.workspace().join("logs").join(name)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a log says, without times and processes.
fn lines(path: &Path) -> Vec<String> {
    let line = |line: &str| {
        let [time, process, rest] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        assert!(time.ends_with('Z') && process.parse::<u32>().is_ok(), "{line}");
        rest.to_owned()
    };
    read(path).lines().map(line).collect()
}

/// A machine with an index that can fail.
fn scene() -> (Machine, PackageIndex) {
    let index = PackageIndex::dated(vec![Wheel::new("sixlib", "1.16.0"), Wheel::new("base", "1.0")]);
    let mut machine = Machine::new();
    machine.set("UV_DEFAULT_INDEX", index.url());
    machine.set("UV_CACHE_DIR", machine.root().join("uv-cache"));
    machine.init();
    let comfyui = ComfyUi::with_requirements("base\n");
    machine.ok(&["create", "studio", "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]);
    (machine, index)
}

#[test]
fn an_environment_has_the_story_of_what_was_done_to_it() {
    let (machine, _index) = scene();
    let path = log(&machine, "studio.log");
    let created = lines(&path);
    assert!(created[0].starts_with("comfydock --workspace "), "{created:?}");
    assert!(created[0].contains(" create studio "), "{created:?}");
    assert!(created.iter().any(|line| line.starts_with("  Locking 1 Python requirement")), "{created:?}");
    assert!(created.iter().any(|line| line.starts_with("  made environment studio (v1)")), "{created:?}");
    assert_eq!(created.last().unwrap(), "ended well");
    // Looking leaves no trace.
    for looking in [&["status"][..], &["log"], &["doctor"], &["list"], &["workflow", "list"], &["config", "list"]] {
        machine.ok(looking);
    }
    assert_eq!(lines(&path), created);

    // A failure has what uv said, word for word, and what was said to the user.
    let packs = tempfile::tempdir().unwrap();
    let url = NodePack::with(packs.path(), "wants-more", &[("requirements.txt", "sixlib>=2\n")]);
    machine.run(&["node", "add", &url]).code(1);
    let failed = lines(&path).split_off(created.len());
    let text = failed.join("\n");
    assert!(failed[0].ends_with(&format!(" node add {url}")), "{text}");
    assert!(text.contains("  | ") && text.contains("No solution found when resolving dependencies"), "{text}");
    assert!(failed.iter().any(|line| line.starts_with("error: ")) && text.contains("  hint: "), "{text}");

    // With --json the log is the same story.
    write(&machine.workflow("studio", "note"), r#"{"nodes": [], "links": [], "version": 0.4}"#);
    machine.json(&["commit", "--yes", "-m", "A note"]);
    assert!(read(&path).contains("committed v2: A note"), "{}", read(&path));
    // What is about no environment.
    machine.ok(&["config", "set", "external_lookup", "never"]);
    let workspace = lines(&log(&machine, "workspace/workspace.log"));
    assert!(workspace.iter().any(|line| line.ends_with(" config set external_lookup never")), "{workspace:?}");
    // What was done stays when it is gone.
    machine.ok(&["delete", "studio", "--force"]);
    assert!(read(&path).contains("deleted environment studio"));
}

#[test]
fn no_log_holds_a_secret() {
    let (mut machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    machine.run(&["remote", "add", "origin", "https://ann:hunter2@hub.example/team/studio"]);
    machine.run(&["node", "add", "https://ann:hunter2@127.0.0.1:1/team/pack"]).code(1);
    machine.run(&["models", "source", "add", "x.safetensors", "https://cdn.example/x?token=hunter2"]);
    machine.set("CIVITAI_API_TOKEN", "hunter2-of-civitai");
    let pack = machine.environment("studio").join("ComfyUI/custom_nodes/talks/__init__.py");
    write(
        &pack,
        "import os\nprint('my token is', os.environ['CIVITAI_API_TOKEN'])\nprint('Authorization: Bearer hunter2')\n",
    );
    let said = machine.run(&["run", "--quick-test-for-ci", "--cpu"]);
    assert!(said.text().contains("hunter2-of-civitai"), "the terminal is the user's: {said}");
    assert!(read(&log(&machine, "comfyui/studio.log")).contains("my token is …"));
    let text = ["studio.log", "workspace/workspace.log"].map(|name| read(&log(&machine, name))).concat();
    for command in ["remote add origin", "node add", "models source add"] {
        assert!(text.contains(command), "{command} is in {text}");
    }
    let found = tree::files_with(&machine.workspace().join("logs"), "hunter2");
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn a_command_that_is_cancelled_has_said_so_far_what_it_did() {
    let (machine, index) = scene();
    let packs = tempfile::tempdir().unwrap();
    let url = NodePack::with(packs.path(), "waits", &[("requirements.txt", "sixlib\n")]);
    for (signal, last) in [(Signal::TERM, Some("cancelled by a signal")), (Signal::KILL, None)] {
        index.set(Mood::Silent);
        let (before, asked) = (lines(&log(&machine, "studio.log")).len(), index.log().len());
        let running = machine.spawn(&["node", "add", &url]);
        wait_for("uv to ask the index", || (index.log().len() > asked).then_some(()));
        running.signal(signal);
        running.end();
        let said = lines(&log(&machine, "studio.log")).split_off(before);
        assert!(said[0].contains("node add") && said.len() > 1, "{said:?}");
        assert_eq!(said.iter().any(|line| line == "cancelled by a signal"), last.is_some(), "{said:?}");
        index.set(Mood::Well);
    }
    machine.ok(&["node", "add", &url]);
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    std::fs::remove_dir_all(machine.workspace().join("logs")).unwrap();
    write(&machine.workspace().join("logs"), "in the way");
    write(&machine.workflow("studio", "note"), r#"{"nodes": [], "links": [], "version": 0.4}"#);
    machine.ok(&["commit", "--yes"]).says("committed v2").never_says("logs");
    report::start(&machine, "studio");
    machine.ok(&["doctor"]);
    assert_eq!(read(&machine.workspace().join("logs")), "in the way");
}

#[test]
fn a_large_log_makes_room() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    let path = log(&machine, "studio.log");
    write(&path, "x".repeat(6 << 20));
    machine.ok(&["commit", "--yes"]);
    assert!(lines(&path)[0].ends_with("commit --yes"));
    assert_eq!(std::fs::metadata(log(&machine, "studio.log.1")).unwrap().len(), 6 << 20);
}
