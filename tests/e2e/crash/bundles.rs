//! `import`, into a new environment and into one that is here.

use super::{Attempt, Looseness, pristine};
use crate::bundles::Scene;
use crate::support::nodes::NodePack;
use crate::support::{skip, strace, templates, write};

#[test]
fn an_import_that_is_killed_made_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = Scene::new();
    let (bundle, b) = (scene.export("studio.tar.gz"), scene.b());
    b.init();
    let settings = b.workspace().join(".metadata/workspace.json");
    let before = std::fs::read(&settings).unwrap();
    let reset = || {
        let _ = std::fs::remove_dir_all(b.environment("studio"));
        write(&settings, &before);
    };
    let arguments = ["import", bundle.to_str().unwrap(), "--yes"];
    let looseness = Looseness::TimeOfCommit;
    let attempt = Attempt { machine: b, arguments: &arguments, most: 150, looseness, reset: &reset };
    attempt.kill_everywhere(|_| {
        let packs = b.environment("studio").join("ComfyUI/custom_nodes");
        assert!(packs.join("mine/__init__.py").is_file() && packs.join(NodePack::NAME).is_dir());
        assert!(!b.environment("studio-1").exists());
    });
}

#[test]
fn an_import_into_an_environment_that_is_killed_changed_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = Scene::new();
    let (bundle, b) = (scene.export("studio.tar.gz"), scene.b());
    b.create(&scene.studio.comfyui);
    write(&b.workflow("studio", "portrait"), templates::old("lora").at(&scene.studio.server).text);
    b.ok(&["commit", "-m", "Mine", "--yes", "--allow-issues"]);
    // A pack that needs more than is locked, another workflow of a name that is here, and development nodes.
    let arguments = ["import", bundle.to_str().unwrap(), "--env", "studio", "--both", "--yes", "--allow-issues"];
    let reset = pristine(b);
    let attempt = Attempt { machine: b, arguments: &arguments, most: 150, looseness: Looseness::Exact, reset: &reset };
    attempt.kill_everywhere(|_| {
        assert!(b.workflow("studio", "portrait (mine)").is_file(), "it did what it should");
        assert!(b.environment("studio").join("ComfyUI/custom_nodes/mine/__init__.py").is_file());
    });
}
