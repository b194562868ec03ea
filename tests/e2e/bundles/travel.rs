//! From one machine to another, and back to the same content.

use std::os::unix::fs::PermissionsExt as _;

use super::{Scene, content_digest};
use crate::support::nodes::NodePack;
use crate::support::{report, sha256};

#[test]
fn what_was_exported_is_what_is_imported() {
    let scene = Scene::new();
    let (a, b) = (scene.a(), scene.b());
    let bundle = scene.export("studio.tar.gz");
    let said = scene.import(&bundle).ok();
    said.line(&["imported", "studio"]).line(&["ready", "workflow portrait"]).line(&["node pack mine"]);
    let packs = b.environment("studio").join("ComfyUI/custom_nodes");
    assert!(packs.join("mine/__init__.py").is_file() && !packs.join("mine/run.log").exists());
    assert!(packs.join("theirs/data.txt").is_file());
    b.ok(&["status"]).says("nothing to commit");
    assert_eq!(content_digest(b, "studio"), content_digest(a, "studio"));
    let mut nodes = report::start(b, "studio").nodes();
    nodes.sort();
    assert_eq!(nodes, [NodePack::NAME, "mine", "theirs"]);
    // ComfyUI loads the files that A's ComfyUI loads.
    report::assert_same(a, b);
    // A second one gets a name of its own.
    scene.import(&bundle).ok().says("becomes `studio-1`");
    assert_eq!(content_digest(b, "studio-1"), content_digest(a, "studio"));
}

#[test]
fn an_export_has_the_same_bytes_wherever_it_is_made() {
    let scene = Scene::new();
    let a = scene.a();
    let tool = a.environment("studio").join("ComfyUI/custom_nodes/mine/bin/tool.sh");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    a.ok(&["commit", "-m", "A tool that runs", "--yes"]);
    let first = std::fs::read(scene.export("first.tar.gz")).unwrap();
    let elsewhere = a.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let mut command = std::process::Command::new("sh");
    let program = a.command(&[]);
    command.args(["-c", "umask 0077; exec \"$0\" \"$@\""]).arg(program.get_program());
    for (name, value) in program.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    command
        .args(program.get_args())
        .args(["export", "--output", "second.tar.gz", "--yes", "--allow-issues"])
        .envs([("TZ", "Pacific/Kiritimati"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "C"), ("USER", "somebody")])
        .current_dir(&elsewhere);
    crate::support::Said::of(&mut command).ok();
    let second = std::fs::read(elsewhere.join("second.tar.gz")).unwrap();
    assert!(first == second, "{} {}", sha256(&first), sha256(&second));
}
