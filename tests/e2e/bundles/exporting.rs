//! What export asks, warns of and refuses.

use std::path::PathBuf;

use serde_json::json;

use super::Scene;
use crate::support::nodes::NodePack;
use crate::support::{Machine, Studio, git, safetensors, tree, write};
use crate::terminal::converse;

/// A workflow of A with one loader of a checkpoint.
fn save(a: &Machine, workflow: &str, checkpoint: &str) {
    let nodes = json!([{ "id": 1, "type": "CheckpointLoaderSimple", "widgets_values": [checkpoint] }]);
    write(&a.workflow("studio", workflow), json!({ "nodes": nodes, "links": [] }).to_string());
}

/// A has a workflow whose model nobody else can download; nothing of it is committed.
fn with_one_of_its_own() -> Studio {
    let studio = Studio::new();
    studio.a.put_model("checkpoints/mine.safetensors", &safetensors::model(1, 20_000));
    save(&studio.a, "mine", "mine.safetensors");
    studio
}

fn versions(a: &Machine) -> usize {
    git::git(&a.environment("studio").join(".cec"), &["log", "--format=%s"]).lines().count()
}

#[test]
fn at_a_terminal_everything_open_is_asked_in_turn() {
    let studio = with_one_of_its_own();
    let a = &studio.a;
    save(a, "theirs", "nowhere.safetensors");
    a.ok(&["commit", "-m", "Open", "--no-full-hash", "--allow-issues"]);
    let before = versions(a);
    let bundle = a.root().join("out.tar.gz");
    let line = ["export", "--output", bundle.to_str().unwrap()];
    // Broken off at the first question, nothing is recorded and nothing written.
    let seen = tree::of_machine(a.root());
    let cancel = "\x1b[B\x1b[B\r";
    let (code, screen) = converse(a, &line, &[("Models of workflows are not settled", cancel)]);
    assert_eq!(code, 1, "{screen}");
    tree::assert_same(&seen, &tree::of_machine(a.root()), &screen);
    let url = format!("{}\r", studio.server.url("checkpoints/mine.safetensors"));
    let talk = [
        ("Models of workflows are not settled", "\r"),
        ("Ask CivitAI and Hugging Face", "n\r"),
        // First it is decided later: it is asked again. Then it is skipped.
        ("nowhere.safetensors was not found", "\r"),
        ("Models of workflows are not settled", "\r"),
        ("nowhere.safetensors was not found", "\x1b[A\r"),
        ("Its URL", "nonsense\r"),
        ("Its URL", url.as_str()),
        ("Measure 1 model", "y\r"),
        ("before packing)?", "y\r"),
    ];
    let (code, screen) = converse(a, &line, &talk);
    assert_eq!(code, 0, "{screen}");
    for words in [
        "workflow mine (1 node, 1 model, all settled)",
        "workflow theirs (1 node, 1 of 1 model not settled)",
        "no file found",
        "workflow theirs (1 node, 1 model, all settled)",
        "model checkpoints/mine.safetensors (20 kB, checkpoints), needed by mine",
        "2 workflows",
        "1 model (1 with a source, 0 without)",
        "content sha256:",
    ] {
        assert!(screen.contains(words), "{words:?} is not in:\n{screen}");
    }
    assert!(bundle.is_file());
    // What was settled is one commit, what was recorded for others another.
    assert_eq!(versions(a), before + 2);
    a.ok(&["status"]).says("nothing to commit");
}

#[test]
fn without_a_terminal_flags_answer() {
    let studio = with_one_of_its_own();
    let a = &studio.a;
    a.ok(&["commit", "-m", "Mine", "--no-full-hash"]);
    let (bundle, url) = (a.root().join("out.tar.gz"), studio.server.url("checkpoints/mine.safetensors"));
    let path = bundle.to_str().unwrap();
    let line = |flags: &[&str]| a.run(&[&["export", "--output", path], flags].concat());
    let seen = tree::of_machine(a.root());
    let unknown = "nothing.safetensors=https://example.org/x";
    for (flags, why) in [
        (&["--yes", "--source", unknown][..], "no workflow needs a model `nothing.safetensors`"),
        (&["--yes", "--source", "mine.safetensors=nonsense"], "nonsense"),
        (&["--yes", "--workflows", "other"], "no workflow `other`"),
        (&[], "--yes or --no-full-hash"),
    ] {
        line(flags).code(1).says(why);
        tree::assert_same(&seen, &tree::of_machine(a.root()), why);
    }
    // That nobody can download a model is reported, and no reason to refuse.
    line(&["--yes"]).code(1).says("the bundle is whole").says("0 with a source, 1 without");
    line(&["--yes"]).code(1).says("there is a file");
    line(&["--yes", "--force", "--allow-issues"]).ok();
    line(&["--yes", "--force", "--source", &format!("mine.safetensors={url}")]).ok().says("recorded");
    save(a, "theirs", "nowhere.safetensors");
    a.ok(&["commit", "-m", "Open", "--yes", "--allow-issues"]);
    line(&["--yes", "--force"]).code(1).says("not settled").says("--allow-issues");
    line(&["--yes", "--force", "--allow-issues"]).ok();
    // What stays here does not keep back what goes.
    line(&["--yes", "--force", "--workflows", "mine.json"]).ok().says("1 workflow").never_says("theirs");
}

#[test]
fn work_that_no_commit_has_stops_it() {
    let studio = with_one_of_its_own();
    let a = &studio.a;
    let seen = tree::of_machine(a.root());
    a.run(&["export", "--yes"])
        .code(1)
        .says("changes that no commit has")
        .line(&["workflow mine"])
        .says("comfydock commit");
    tree::assert_same(&seen, &tree::of_machine(a.root()), "after a refused export");
}

#[test]
fn what_others_may_miss_is_named() {
    let scene = Scene::new();
    let a = scene.a();
    let packs = a.environment("studio").join("ComfyUI/custom_nodes");
    let strange = [json!({ "id": 1, "type": "Strange" }), json!({ "id": 2, "type": "Stranger" })];
    write(&a.workflow("studio", "odd"), json!({ "nodes": strange, "links": [] }).to_string());
    a.ok(&["commit", "-m", "Odd", "--yes", "--allow-issues"]);
    // A model whose file was deleted, changed files in packs of both kinds, a large file in one worked on here.
    let gone: Vec<PathBuf> = tree::files_with(&a.models(), "weight");
    std::fs::remove_file(&gone[0]).unwrap();
    let name = gone[0].file_name().unwrap().to_str().unwrap().to_owned();
    write(&packs.join(NodePack::NAME).join("__init__.py"), "# changed\n");
    write(&packs.join("theirs/data.txt"), "2\n");
    for number in 0..11 {
        let large = std::fs::File::create(packs.join(format!("theirs/large{number}.dat"))).unwrap();
        large.set_len(5 * 1024 * 1024).unwrap();
    }
    let bundle = a.root().join("out.tar.gz");
    let said = a.ok(&["--json", "export", "--output", bundle.to_str().unwrap(), "--yes", "--allow-issues"]);
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["missing_models"], json!([name]));
    assert_eq!(document["modified_nodes"][0]["name"], NodePack::NAME);
    said.line(&["warning", &name, "is not on this machine any more"])
        .line(&["warning", "node pack comfyui-six has changed files that the bundle does not hold", "__init__.py"])
        .line(&["warning", "workflow odd: no node pack here is known to have nodes of type Strange and Stranger"])
        .line(&["`comfydock node missing` tells which node packs claim them"])
        .line(&["warning", "development node theirs goes with changes", "data.txt"])
        .line(&["warning", "development node theirs is large"]);
}
