//! Somebody sits there.

use serde_json::json;

use super::{LOCAL, MODELS, Stall, assert_as_wanted, bytes_of, words};
use crate::support::nodes::NodePack;
use crate::support::{Fault, Studio, safetensors, tree, write};
use crate::terminal::converse;

const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";

/// So many times down, then Enter.
fn down(times: usize) -> String {
    DOWN.repeat(times) + "\r"
}

fn has(screen: &str, all: &[&str]) {
    for words in all {
        assert!(screen.contains(words), "{words:?} is not in:\n{screen}");
    }
}

#[test]
fn one_is_downloaded_one_substituted_one_left_out_one_has_a_url_typed() {
    let stall = Stall::new();
    let (b, server) = (stall.b(), &stall.studio.server);
    let url = server.url("vae/plain_vae.safetensors");
    let (first, third, fourth, typed) = (down(1), down(3), down(4), format!("{url}\r"));
    let back = format!("{UP}\r");
    let talk: Vec<(&str, &str)> = vec![
        ("Which node packs?", &first),
        ("Install comfyui-six", "n\r"),
        ("Which models?", &fourth),
        ("Which models?", &third),
        ("What about big.safetensors?", "\r"),
        // Nobody says where it is: Enter would leave it out.
        ("What about plain_vae.safetensors?", &first),
        ("Its URL", "nonsense\r"),
        ("Its URL", &typed),
        ("What about style.safetensors?", &first),
        ("What stands in for style.safetensors", &first),
        ("What about up.safetensors?", "\r"),
        // The answers are kept: only the pack is wanted after all.
        ("Build it?", &first),
        ("Which node packs?", &back),
        ("Which models?", "\r"),
        ("What about big.safetensors?", "\r"),
        ("What about plain_vae.safetensors?", "\r"),
        ("Its URL", "\r"),
        ("What about style.safetensors?", "\r"),
        ("What stands in for style.safetensors", "\r"),
        ("What about up.safetensors?", "\r"),
        ("Build it?", "\r"),
    ];
    let (code, screen) = converse(b, &words(&stall.import(&[])), &talk);
    assert_eq!(code, 0, "{screen}");
    has(
        &screen,
        &[
            "of studio (exported",
            "2 workflows",
            "1 node pack (0 development, 0 registry, 1 git)",
            "1 node pack to fetch",
            "workflows that use nodes of comfyui-six will not run",
            "2 models required (50 kB)",
            "1 model flexible (9.0 kB)",
            "1 model optional (4.0 kB)",
            "0 here already (0 B), 4 to get (63 kB)",
            "without a source: plain_vae.safetensors and up.safetensors",
            "all that can be had (39 kB)",
            "required ones only (30 kB)",
            "required and flexible ones (39 kB)",
            // The list.
            "needed by gallery and plain",
            // The walk.
            "required: without it the workflow does not do its work",
            "flexible: another model can stand in for it",
            "optional: the workflow runs without it",
            "source: nobody says where it can be had",
            "style_v2.safetensors (8.0 kB, name",
            // The plan before the answers were changed, and after.
            "node packs left out",
            "install 1 node pack",
            "download 2 models (50 kB)",
            &format!("style.safetensors by {LOCAL}"),
            "leave out 1 model (4.0 kB)",
            "50 kB of models to download",
            // What came of it.
            "1 of 1 node pack installed",
            "2 downloaded (50 kB), 1 substituted (9.0 kB), 1 left out (4.0 kB)",
            "style_v2.safetensors stands in for it",
            "workflow gallery, without up.safetensors (optional, left out)",
            "`comfydock run` starts ComfyUI",
        ],
    );
    assert_eq!(stall.asked_for().len(), 2, "{:?}", stall.asked_for());
    assert_as_wanted(&stall);
    assert!(b.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME).is_dir());
}

#[test]
fn whoever_breaks_off_has_nothing() {
    let stall = Stall::new();
    let b = stall.b();
    let before = tree::of_machine(b.root());
    let (second, quit) = (down(2), down(5));
    for talk in [
        vec![("Which node packs?", "\r"), ("Which models?", "\r"), ("Build it?", second.as_str())],
        vec![("Which node packs?", "\r"), ("Which models?", quit.as_str())],
        vec![("Which node packs?", "\x03")],
    ] {
        let (code, screen) = converse(b, &words(&stall.import(&[])), &talk);
        assert_eq!(code, 1, "{screen}");
        has(&screen, &["nothing was changed"]);
        tree::assert_same(&before, &tree::of_machine(b.root()), &screen);
    }
    assert!(stall.asked_for().is_empty());
}

#[test]
fn what_a_flag_has_answered_is_not_asked() {
    let stall = Stall::new();
    let flags = ["--models", "required", "--skip-nodes", "--without-model", "plain_vae.safetensors"];
    // Nothing is left that could be changed.
    let (code, screen) = converse(stall.b(), &words(&stall.import(&flags)), &[("Build it?", "y\r")]);
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("Which"), "{screen}");
    has(&screen, &["1 downloaded (30 kB), 3 left out (33 kB)", "node packs left out", "comfydock repair"]);
}

#[test]
fn what_did_not_come_is_tried_again_or_left() {
    let stall = Stall::new();
    let server = &stall.studio.server;
    // Another file than the one that is wanted is refused at once, and never asked for again in the same run.
    server.fail_once("checkpoints/big.safetensors", Fault::Serve(bytes_of(2)));
    server.fail("loras/style.safetensors", Fault::Status(404));
    let flags = ["--models", "flexible", "--skip-nodes", "--without-model", "plain_vae.safetensors"];
    let line = stall.import(&flags);
    let (first, second) = (down(1), down(2));
    let talk = [("Build it?", "y\r"), ("2 models did not come", "\r"), ("1 model did not come", second.as_str())];
    let (code, screen) = converse(stall.b(), &words(&line), &talk);
    assert_eq!(code, 1, "{screen}");
    has(&screen, &["1 downloaded (30 kB)", "1 missing (9.0 kB)"]);
    has(
        &screen,
        &["workflow gallery lacks plain_vae.safetensors (required, left out), style.safetensors (flexible) and"],
    );
    has(&screen, &["comfydock models download --missing"]);
    // To go on without is a choice.
    let line = stall.import(&[&flags[..], &["--name", "second"]].concat());
    let (code, screen) = converse(stall.b(), &words(&line), &[("Build it?", "y\r"), ("1 model did not come", &first)]);
    assert_eq!(code, 0, "{screen}");
    has(&screen, &["style.safetensors (flexible, left out)", "--env second models download"]);
    let (category, name, ..) = MODELS[0];
    assert_eq!(std::fs::read(stall.b().models().join(category).join(name)).unwrap(), bytes_of(0));
}

#[test]
fn going_on_asks_about_no_pickle_that_is_here() {
    let studio = Studio::new();
    let (a, b, server) = (&studio.a, &studio.b, &studio.server);
    let files =
        [("checkpoints/old.ckpt", "CheckpointLoaderSimple"), ("loras/style.safetensors", "LoraLoaderModelOnly")];
    let nodes = files.iter().enumerate().map(|(position, (path, class))| {
        let bytes = safetensors::model(60 + position as u64, 9_000);
        a.put_model(path, &bytes);
        server.put(path, bytes);
        let (category, name) = path.split_once('/').unwrap();
        let models = json!([{ "name": name, "url": server.url(path), "directory": category }]);
        json!({ "id": position + 1, "type": class, "widgets_values": [name], "properties": { "models": models } })
    });
    let nodes: Vec<_> = nodes.collect();
    write(&a.workflow("studio", "gallery"), json!({ "nodes": nodes, "links": [] }).to_string());
    a.ok(&["commit", "-m", "A gallery", "--yes"]);
    let bundle = a.root().join("gallery.tar.gz");
    a.ok(&["export", "--output", bundle.to_str().unwrap(), "--yes"]);
    let folder = b.models();
    let line = ["import", bundle.to_str().unwrap(), "--models-dir", folder.to_str().unwrap(), "--no-lookup"];
    server.fail("loras/style.safetensors", Fault::Status(410));
    b.run(&[&line[..], &["--yes", "--allow-pickle"]].concat()).code(1).line(&["missing", "style.safetensors"]);
    server.mend("loras/style.safetensors");
    let (code, screen) = converse(b, &line, &[]);
    assert_eq!(code, 0, "{screen}");
    has(&screen, &["the import of environment studio"]);
    assert!(!screen.contains("run code") && !screen.contains("old.ckpt"), "{screen}");
}
