//! The quiet loop: what came and was not touched is nothing to commit, push or pull.

use crate::support::comfyui::ComfyUi;
use crate::support::templates::{self, Template};
use crate::support::{Hub, Machine, ModelServer, STUDIO, git, report, safetensors, write};

#[test]
fn nobody_has_anything_to_do_after_a_pull() {
    let (hub, server, comfyui) = (Hub::start(), ModelServer::start(), ComfyUi::new());
    // With subgraphs, promoted widgets, bypassed copies, and the models elsewhere on B.
    let templates = [
        templates::current("image_qwen_image_edit_2509"),
        templates::old("image_qwen_image_edit_2509"),
        templates::old("lora"),
    ];
    let [subgraphs, bypassed, loras] = templates.map(|template| template.at(&server));
    let (a, b) = (Machine::new(), Machine::new());
    a.create(&comfyui);
    hub.admit(&a, "ann");
    a.ok(&["remote", "add", "origin", STUDIO]);
    for (seed, model) in (1..).zip([&subgraphs, &bypassed, &loras].into_iter().flat_map(Template::models)) {
        // The first spelling of a name decides; templates share models.
        if !a.models().join(model.path()).exists() {
            let bytes = safetensors::model(seed, 50_000);
            a.put_model(&model.path(), &bytes);
            write(&b.models().join(&model.category).join("elsewhere").join(format!("my_{}", model.name)), &bytes);
        }
    }
    write(&a.workflow("studio", "edit/new"), &subgraphs.text);
    a.ok(&["commit", "-m", "One", "--yes"]);
    a.ok(&["push"]);

    hub.admit(&b, "bob");
    b.ok(&["clone", STUDIO, "--models-dir", b.models().to_str().unwrap(), "--yes"]);
    assert_quiet(&a, &b);

    write(&a.workflow("studio", "edit/old"), &bypassed.text);
    write(&a.workflow("studio", "Größe · 1"), &loras.text);
    a.ok(&["commit", "-m", "Three", "--yes"]);
    a.ok(&["push"]);
    b.ok(&["pull", "--yes"]);
    let spelled = std::fs::read_to_string(b.workflow("studio", "edit/new")).unwrap();
    assert!(spelled.contains("elsewhere/my_qwen_image_vae.safetensors"), "not in this machine's spelling");
    assert_quiet(&a, &b);
    assert_eq!(report::start(&a, "studio").digests(), report::start(&b, "studio").digests());
    assert!(server.log().is_empty());
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
