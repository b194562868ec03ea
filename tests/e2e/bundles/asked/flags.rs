//! Nobody sits there.

use std::process::Command;

use rustix::process::Signal;

use super::{LOCAL, Stall, assert_as_wanted, words};
use crate::support::nodes::NodePack;
use crate::support::{Fault, Said, git, programs, tree, wait_for};

fn run(stall: &Stall, flags: &[&str]) -> Said {
    stall.b().run(&words(&stall.import(flags)))
}

#[test]
fn flags_alone_say_what_the_terminal_asks() {
    let stall = Stall::new();
    let url = format!("plain_vae.safetensors={}", stall.studio.server.url("vae/plain_vae.safetensors"));
    let flags = [
        "--json",
        "--yes",
        "--without-node",
        NodePack::NAME,
        "--source",
        &url,
        "--substitute",
        "style.safetensors=style_v2.safetensors",
        "--without-model",
        "up.safetensors",
    ];
    let said = run(&stall, &flags).ok();
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let state = |name: &str| {
        let models = document["models"].as_array().unwrap();
        models.iter().find(|model| model["filename"] == name).unwrap()["state"].clone()
    };
    for (name, expected) in [
        ("big.safetensors", "downloaded"),
        ("plain_vae.safetensors", "downloaded"),
        ("style.safetensors", "substituted"),
        ("up.safetensors", "left_out"),
    ] {
        assert_eq!(state(name), expected, "{document}");
    }
    assert_eq!(document["left_out_nodes"][0], NodePack::NAME);
    assert_eq!((&document["complete"], &document["substituted_in"]), (&true.into(), &2.into()));
    let gallery = &document["workflows"][0];
    assert_eq!((&gallery["name"], &gallery["ready"]), (&"gallery".into(), &true.into()));
    assert_eq!((&gallery["lacks"][0]["kind"], &gallery["lacks"][0]["left_out"]), (&"model".into(), &true.into()));
    assert_as_wanted(&stall);
    // What was said of it is known to others by the next commit.
    stall.b().ok(&["status"]).says("plain_vae.safetensors");
    stall.b().ok(&["repair", "--yes"]);
    assert!(stall.b().environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME).is_dir());
}

#[test]
fn what_only_concerns_completeness_is_reported_and_never_refused() {
    let stall = Stall::new();
    let said = run(&stall, &["--yes"]).code(1);
    said.line(&["missing", "plain_vae.safetensors", "gallery"])
        .line(&["not ready", "workflow gallery", "plain_vae.safetensors (required)", "up.safetensors (optional)"])
        .says("`comfydock models source add plain_vae.safetensors URL`")
        .line(&["ready", "workflow plain"]);
    // The same bundle again goes on with what came of it.
    run(&stall, &["--yes", "--allow-issues"]).ok().says("went on with the import of environment studio");
    // Left out by choice, it is no open question.
    run(&stall, &["--yes", "--name", "two", "--models", "required", "--without-model", "plain_vae.safetensors"]).ok();
    run(&stall, &["--yes", "--name", "three", "--skip-models"]).ok();
}

#[test]
fn what_flags_say_wrong_changes_nothing() {
    let stall = Stall::new();
    let before = tree::of_machine(stall.b().root());
    let local = format!("style.safetensors={LOCAL}");
    let refused: [(&[&str], &str); 9] = [
        (&["--without-model", "nothing.safetensors"], "needs no one model `nothing.safetensors`"),
        (&["--without-node", "nothing"], "has no node pack `nothing`"),
        (&["--substitute", "nothing.safetensors=style_v2.safetensors"], "needs no one model `nothing.safetensors`"),
        (&["--substitute", "style.safetensors=nothing.safetensors"], "no model here is called `nothing.safetensors`"),
        (&["--source", "style.safetensors=nonsense"], "nonsense"),
        (&["--substitute", &local, "--without-model", "style.safetensors"], "two flags say what to do about"),
        (&["--substitute", "style.safetensors"], "NAME=VALUE"),
        (&["--models", "some"], "it must be all"),
        (&["--models", "all", "--skip-models"], "cannot be used with"),
    ];
    for (flags, why) in refused {
        let said = run(&stall, &[&["--yes"], flags].concat());
        assert!([1, 2].contains(&said.code), "{said}");
        let said = said.says(why);
        tree::assert_same(&before, &tree::of_machine(stall.b().root()), &said.to_string());
    }
    // That it may be built at all is for somebody to say.
    run(&stall, &[]).code(1).says("--accept-origins or --yes");
    tree::assert_same(&before, &tree::of_machine(stall.b().root()), "without an answer");
    assert!(stall.asked_for().is_empty());
}

#[test]
fn an_import_that_is_killed_leaves_a_whole_environment() {
    let stall = Stall::new();
    let (b, server) = (stall.b(), &stall.studio.server);
    server.fail_once("checkpoints/big.safetensors", Fault::HoldAfter(10_000));
    let line = stall.import(&["--yes", "--skip-nodes", "--substitute", "style.safetensors=style_v2.safetensors"]);
    let import = b.spawn(&words(&line));
    wait_for("the request", || stall.asked_for().first().cloned());
    import.signal(Signal::KILL);
    import.end().code(-1);
    server.release();
    // What stands in for another was on record before anything was downloaded.
    let log = git::git(&b.environment("studio").join(".cec"), &["log", "--format=%s"]);
    assert_eq!(log.lines().count(), 2, "{log}");
    b.ok(&["status"]).line(&["missing", "big.safetensors"]).never_says("style");
    b.run(&["models", "download", "--missing"]).code(1).line(&["downloaded", "big.safetensors"]);
}

#[test]
fn a_bundle_of_a_newer_program_is_taken_with_a_warning() {
    let stall = Stall::new();
    run(&stall, &["--yes", "--allow-issues"]).ok().never_says("this is");
    let newer = stall.studio.a.root().join("newer.tar.gz");
    let script = "import io, sys, tarfile
old, new = tarfile.open(sys.argv[1]), tarfile.open(sys.argv[2], 'w:gz')
for member in old:
    data = old.extractfile(member).read()
    if member.name == 'manifest.json':
        data = data.replace(sys.argv[3].encode(), b'\"comfydock_version\":\"99.0.0\"')
    member.size = len(data)
    new.addfile(member, io.BytesIO(data))
new.close()";
    let ours = format!("\"comfydock_version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    programs::succeed(Command::new(programs::python()).args(["-c", script]).arg(&stall.bundle).arg(&newer).arg(ours));
    let line = ["import", newer.to_str().unwrap(), "--name", "newer", "--yes", "--allow-issues", "--no-lookup"];
    stall.b().ok(&line).line(&["warning", "made by comfydock 99.0.0", env!("CARGO_PKG_VERSION")]);
}
