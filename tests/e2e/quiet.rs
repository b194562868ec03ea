//! The quiet loop: what came and was not touched is nothing to commit, push or pull.

use crate::support::{Machine, Studio, git, report, templates, write};

#[test]
fn nobody_has_anything_to_do_after_a_pull() {
    let studio = Studio::new();
    let Studio { a, b, server, .. } = &studio;
    // With subgraphs and promoted widgets, with bypassed copies; and the models elsewhere on B.
    let name = "image_qwen_image_edit_2509";
    for model in studio.share("edit/new", &templates::current(name), 50_000) {
        place_elsewhere(&studio, &model);
    }
    studio.send("One");
    studio.clone().ok();
    assert_quiet(a, b);

    studio.share("edit/old", &templates::old(name), 50_000);
    for model in studio.share("Größe · 1", &templates::old("lora"), 50_000) {
        place_elsewhere(&studio, &model);
    }
    studio.send("Three");
    b.ok(&["pull", "--yes"]);
    let spelled = std::fs::read_to_string(b.workflow("studio", "edit/new")).unwrap();
    assert!(spelled.contains("elsewhere/my_qwen_image_vae.safetensors"), "not in this machine's spelling");
    assert_quiet(a, b);
    report::assert_same(a, b);
    assert!(server.log().is_empty());
}

fn place_elsewhere(studio: &Studio, model: &templates::Named) {
    let there = studio.b.models().join(&model.category).join("elsewhere").join(format!("my_{}", model.name));
    write(&there, std::fs::read(studio.a.models().join(model.path())).unwrap());
}

fn assert_quiet(a: &Machine, b: &Machine) {
    let head = |machine: &Machine| git::git(&machine.environment("studio").join(".cec"), &["rev-parse", "HEAD"]);
    let before = head(a);
    b.ok(&["status"]).says("nothing to commit").says("up to date with origin");
    b.ok(&["commit", "--yes"]).says("nothing to commit");
    b.ok(&["push"]).says("nothing to push");
    b.ok(&["pull", "--yes"]).says("already up to date");
    a.ok(&["pull", "--yes"]).says("already up to date");
    a.ok(&["commit", "--yes"]).says("nothing to commit");
    a.ok(&["push"]).says("nothing to push");
    assert_eq!((head(a), head(b)), (before.clone(), before));
    for machine in [a, b] {
        assert_eq!(git::git(&machine.environment("studio").join(".cec"), &["status", "--porcelain"]), "");
    }
}
