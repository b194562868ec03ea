//! `clone` and `pull`.

use super::{Attempt, Looseness, pristine};
use crate::support::nodes::NodePack;
use crate::support::{STUDIO, Studio, comfyui, skip, strace, write};

/// A pushed an environment with one workflow and one small model; B has a workspace.
fn scene() -> Studio {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    studio.b.init();
    studio
}

#[test]
fn a_clone_that_is_killed_made_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = scene();
    let b = &scene.b;
    let settings = b.workspace().join(".metadata/workspace.json");
    let before = std::fs::read(&settings).unwrap();
    let reset = || {
        let _ = std::fs::remove_dir_all(b.environment("studio"));
        write(&settings, &before);
    };
    let arguments = ["clone", STUDIO, "--yes"];
    let attempt = Attempt { machine: b, arguments: &arguments, most: 200, looseness: Looseness::Exact, reset: &reset };
    attempt.kill_everywhere(|_| {});
}

#[test]
fn a_pull_that_is_killed_changed_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = scene();
    let (a, b) = (&scene.a, &scene.b);
    b.ok(&["clone", STUDIO, "--yes"]);
    b.ok(&["status"]);
    // A file of the user's inside a folder that the pull replaces.
    write(&b.environment("studio").join("ComfyUI/notes.txt"), "mine");
    let pack = NodePack::new();
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    write(&a.workflow("studio", "portrait"), text.replace("\"KSampler\"", "\"KSamplerAdvanced\""));
    write(&a.workflow("studio", "second"), text);
    a.ok(&["node", "add", &pack.url()]);
    crate::main_job::move_comfyui(a, &scene.comfyui.new);
    a.ok(&["commit", "-m", "More", "--yes"]);
    a.ok(&["push"]);

    let reset = pristine(b);
    let attempt =
        Attempt { machine: b, arguments: &["pull", "--yes"], most: 250, looseness: Looseness::Exact, reset: &reset };
    attempt.kill_everywhere(|new| {
        assert_eq!(new["ComfyUI: HEAD"], scene.comfyui.new, "the pull did what it should");
        assert!(b.environment("studio").join("ComfyUI/comfyui_version.py").exists(), "{}", comfyui::NEW);
    });
}

#[test]
fn a_merge_that_is_killed_changed_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = scene();
    let (a, b) = (&scene.a, &scene.b);
    b.ok(&["clone", STUDIO, "--yes"]);
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    write(&a.workflow("studio", "portrait"), text.replace("\"KSampler\"", "\"KSamplerAdvanced\""));
    write(&a.workflow("studio", "second"), &text);
    let pack = NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "More", "--yes"]);
    a.ok(&["push"]);
    write(&b.workflow("studio", "portrait"), text.replace("\"KSampler\"", "\"KSamplerAgain\""));
    let folder = tempfile::tempdir().unwrap();
    let own = NodePack::with(folder.path(), "comfyui-iniconfig", &[("requirements.txt", "iniconfig\n")]);
    b.ok(&["node", "add", &own]);
    b.ok(&["commit", "-m", "Mine", "--yes"]);

    // Both have changed the workflow, both requirements are locked together.
    let arguments = ["pull", "--yes", "--both"];
    let reset = pristine(b);
    let attempt =
        Attempt { machine: b, arguments: &arguments, most: 200, looseness: Looseness::TimeOfCommit, reset: &reset };
    attempt.kill_everywhere(|_| {
        assert!(b.workflow("studio", "portrait (mine)").exists(), "the merge did what it should");
        assert!(b.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME).exists());
    });
}
