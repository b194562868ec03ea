//! What happens between and around commands: files replaced under the same name, drives that went
//! away, things in the way, two commands at a time.

use std::process::Stdio;

use crate::main_job::move_comfyui;
use crate::support::nodes::NodePack;
use crate::support::{STUDIO, Studio, report, safetensors, sha256_of, tree, write};

fn clone(studio: &Studio) {
    studio.b.ok(&["clone", STUDIO, "--yes", "--models-dir", studio.b.models().to_str().unwrap()]);
}

#[test]
fn a_model_replaced_under_its_name_replaces_it_everywhere() {
    let studio = Studio::new();
    let model = studio.send_portrait(20_000);
    clone(&studio);
    let (a, b) = (&studio.a, &studio.b);
    let retrained = safetensors::model(99, 30_000);
    a.put_model(&model.path(), &retrained);
    studio.server.put("retrained.safetensors", retrained);
    a.ok(&["status"]).says("other model files in workflow portrait");
    a.ok(&["push"]).says("not committed").says("portrait");
    a.ok(&["models", "source", "add", &model.name, &studio.server.url("retrained.safetensors")]);
    studio.send("Retrained");

    b.ok(&["pull", "--yes"]).line(&["downloaded", "verified"]);
    let report = report::start(b, "studio");
    let loaded = report.workflows().remove("portrait").unwrap();
    assert_eq!(loaded[0].sha256, Some(sha256_of(&a.models().join(model.path()))));
    b.ok(&["status"]).says("nothing to commit");
    b.ok(&["pull", "--yes"]).says("already up to date");
    assert_eq!(std::fs::read(b.models().join(model.path())).unwrap().len(), 20_000, "the old file stays");
}

#[test]
fn what_is_in_the_way_stops_a_pull_before_anything_changes() {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    clone(&studio);
    let (a, b) = (&studio.a, &studio.b);
    let pack = NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    studio.send("A pack");
    let place = b.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nowhere/drive", &place).unwrap();
    let before = tree::of_machine(b.root());
    b.run(&["pull", "--yes"]).code(1).says("is in the way");
    tree::assert_same(&before, &tree::of_machine(b.root()), "a pull with a link in the way");
    std::fs::remove_file(&place).unwrap();
    b.ok(&["pull", "--yes"]);

    move_comfyui(a, &studio.comfyui.new);
    a.ok(&["commit", "-m", "Another ComfyUI", "--yes"]);
    a.ok(&["push"]);
    std::fs::remove_dir_all(b.environment("studio").join("ComfyUI/.git")).unwrap();
    b.run(&["pull", "--yes"]).code(1).says("no git checkout any more");
    b.ok(&["list"]).says("studio");
}

#[test]
fn workflows_behind_a_link_to_another_file_system_are_pulled() {
    let Ok(share) = tempfile::tempdir_in("/dev/shm") else { return crate::support::skip("there is no /dev/shm") };
    let studio = Studio::new();
    studio.send_portrait(20_000);
    clone(&studio);
    let (a, b) = (&studio.a, &studio.b);
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    std::os::unix::fs::symlink(share.path(), b.workflow("studio", "x").with_file_name("shared")).unwrap();
    write(&a.workflow("studio", "shared/one"), &text);
    studio.send("A shared one");
    b.ok(&["pull", "--yes"]);
    assert!(share.path().join("one.json").exists());
    write(&a.workflow("studio", "shared/one"), text.replace("\"KSampler\"", "\"KSamplerAdvanced\""));
    studio.send("A change");
    b.ok(&["pull", "--yes"]).says("now at");
    assert!(std::fs::read_to_string(share.path().join("one.json")).unwrap().contains("KSamplerAdvanced"));
    b.ok(&["status"]).says("nothing to commit");
}

#[test]
fn a_models_folder_that_is_not_there_is_not_made() {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    let b = &studio.b;
    b.init();
    std::fs::remove_dir(b.models()).unwrap();
    b.run(&["clone", STUDIO, "--yes"]).code(1).line(&["missing", "is not there"]);
    assert!(!b.models().exists());
    std::fs::create_dir(b.models()).unwrap();
    b.ok(&["models", "download", "--missing"]).line(&["downloaded"]);
}

#[test]
fn what_others_save_while_a_clone_runs_stays() {
    let studio = Studio::new();
    let model = studio.send_portrait(3_000_000);
    let b = &studio.b;
    b.init();
    let more = b.root().join("more");
    std::fs::create_dir(&more).unwrap();
    // The clone is held up while it asks for the environment; meanwhile another command saves.
    let mut running =
        b.command(&["clone", STUDIO, "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    b.ok(&["models", "index", more.to_str().unwrap()]);
    assert!(running.wait().unwrap().success());
    let settings = std::fs::read_to_string(b.workspace().join(".metadata/workspace.json")).unwrap();
    assert!(settings.contains(more.to_str().unwrap()), "{settings}");
    assert!(settings.contains("\"studio\""), "{} {settings}", model.name);
}

#[test]
fn a_workflow_may_become_a_folder_of_its_name() {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    clone(&studio);
    let (a, b) = (&studio.a, &studio.b);
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    std::fs::remove_file(a.workflow("studio", "portrait")).unwrap();
    write(&a.workflow("studio", "portrait.json/inside"), &text);
    studio.send("A folder");
    b.ok(&["pull", "--yes"]);
    assert!(b.workflow("studio", "portrait.json/inside").exists());
    b.ok(&["status"]).says("nothing to commit");
}
