//! What a user keeps in folders that a pull replaces: files beside the code, and commits of one's own.

use std::path::{Path, PathBuf};

use crate::main_job::move_comfyui;
use crate::support::nodes::NodePack;
use crate::support::{STUDIO, Studio, comfyui, git, write};

fn find(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if wanted(&path) {
            return Some(path);
        }
        if let Some(found) = find(&path, wanted).filter(|_| path.is_dir()) {
            return Some(found);
        }
    }
    None
}

/// A commit on a branch that no remote has; the checkout goes back to where it was.
fn commit_of_ones_own(folder: &Path) -> String {
    let before = git::git(folder, &["rev-parse", "HEAD"]);
    git::git(folder, &["checkout", "--quiet", "-b", "mine"]);
    write(&folder.join("experiment.py"), "# mine\n");
    let commit = git::commit(folder, "Mine", "2025-11-01T12:00:00Z");
    git::git(folder, &["checkout", "--quiet", "--detach", &before]);
    commit
}

#[test]
fn a_pull_of_code_loses_no_file_and_no_commit() {
    let studio = Studio::new();
    let (a, b) = (&studio.a, &studio.b);
    let pack = NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    studio.send_portrait(20_000);
    b.ok(&["clone", STUDIO, "--yes", "--models-dir", b.models().to_str().unwrap()]);

    let code = b.environment("studio").join("ComfyUI");
    let nodes = code.join("custom_nodes").join(NodePack::NAME);
    let commits = [commit_of_ones_own(&code), commit_of_ones_own(&nodes)];
    let files = [code.join("notes.txt"), code.join("old_folder/mine.txt"), nodes.join("settings/presets.json")];
    for file in &files {
        write(file, "mine");
    }

    write(&pack.path().join("more.py"), "# more\n");
    let moved = git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    let there = a.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME);
    git::git(&there, &["pull", "--quiet", "origin", "HEAD"]);
    move_comfyui(a, &studio.comfyui.new);
    studio.send("New code");
    b.ok(&["pull", "--yes"]).says("kept in");

    assert_eq!(git::git(&code, &["rev-parse", "HEAD"]), studio.comfyui.new, "{}", comfyui::NEW);
    assert_eq!(git::git(&nodes, &["rev-parse", "HEAD"]), moved);
    assert!(!code.join("old_folder/code.py").exists() && nodes.join("more.py").exists());
    for file in &files {
        assert_eq!(std::fs::read_to_string(file).unwrap(), "mine", "{}", file.display());
    }
    let trash = b.environment("studio").join(".comfydock/trash");
    for commit in commits {
        let holds = |path: &Path| {
            path.ends_with(".git")
                && git::try_git(path, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).status.success()
        };
        assert!(find(&trash, &holds).is_some(), "{commit} is nowhere in the trash");
    }
}
