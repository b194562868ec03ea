//! What changed, in words: since the last commit and between versions.

use serde_json::{Value, json};

use crate::support::nodes::NodePack;
use crate::support::{Machine, Studio, git, templates, write};

/// Changes a workflow as somebody in the editor does.
fn edit(machine: &Machine, name: &str, change: impl FnOnce(&mut Value)) {
    let path = machine.workflow("studio", name);
    let mut workflow: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut workflow);
    write(&path, workflow.to_string());
}

fn node<'a>(workflow: &'a mut Value, class: &str) -> &'a mut Value {
    workflow["nodes"].as_array_mut().unwrap().iter_mut().find(|node| node["type"] == class).unwrap()
}

#[test]
fn what_changed_is_told_in_nodes_models_and_packages() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    studio.share("portrait", &templates::old("default"), 20_000);
    studio.share("edit/old", &templates::old("lora"), 20_000);
    studio.send("Start");
    a.ok(&["diff"]).line(&["v2 → what is here"]).line(&["nothing changed"]);

    // On another machine, where the models have other names, nothing changed either.
    for model in studio.a.models().join("checkpoints").read_dir().unwrap().flatten() {
        let name = format!("checkpoints/mine/my_{}", model.file_name().to_string_lossy());
        b.put_model(&name, &std::fs::read(model.path()).unwrap());
    }
    studio.clone().ok();
    let spelled = std::fs::read_to_string(b.workflow("studio", "portrait")).unwrap();
    assert!(spelled.contains("mine/my_"), "not in this machine's spelling");
    b.ok(&["diff"]).line(&["nothing changed"]);

    // A workflow is dragged about and changed, one gets another name, one is new; a pack is cloned.
    edit(a, "portrait", |workflow| {
        let sampler = node(workflow, "KSampler");
        sampler["pos"] = json!([1, 2]);
        sampler["widgets_values"][2] = json!(33);
        node(workflow, "SaveImage")["mode"] = json!(4);
        workflow["extra"]["ds"] = json!({"scale": 2});
    });
    let old = a.workflow("studio", "edit/old");
    std::fs::rename(&old, old.with_file_name("other.json")).unwrap();
    studio.share("new", &templates::old("flux_schnell"), 20_000);
    let pack = NodePack::new();
    let folder = a.environment("studio").join("ComfyUI/custom_nodes");
    std::fs::create_dir_all(&folder).unwrap();
    git::git(&folder, &["clone", "--quiet", &pack.url(), NodePack::NAME]);

    let said = a.ok(&["diff"]);
    let said = said
        .line(&["~ portrait"])
        .line(&["~ KSampler (3): steps 20 → 33"])
        .line(&["~ SaveImage (9): active → bypassed"])
        .line(&["~ layout of "])
        .line(&["~ edit/other, before edit/old"])
        .line(&["+ new ("])
        .line(&["+ model flux1-schnell-fp8.safetensors ("])
        .line(&["node packs"])
        .line(&["+ comfyui-six (git,", &pack.commit[..12]]);
    assert!(!said.stdout.contains("pos"), "{said}");
    a.ok(&["diff", "--layout"]).line(&["~ layout of KSampler (3): pos"]).line(&["extra.ds"]);
    let stat = a.ok(&["diff", "--stat"]).line(&["~ portrait", "2 nodes, layout of "]).line(&["node packs", "1 added"]);
    assert!(!stat.stdout.contains("steps"), "{stat}");
    let one = a.ok(&["diff", "--workflow", "portrait"]).line(&["steps 20 → 33"]);
    assert!(!one.stdout.contains("comfyui-six") && !one.stdout.contains("new"), "{one}");
    a.run(&["diff", "--workflow", "nobody"]).code(1).says("there is no workflow `nobody` in v2 or here");

    // The same, once it is committed: from then to now, and back.
    a.ok(&["commit", "-m", "Changes", "--yes"]);
    a.ok(&["diff"]).line(&["v3 → what is here"]).line(&["nothing changed"]);
    for arguments in
        [&["diff", "v2"][..], &["diff", "HEAD~1", "HEAD"], &["diff", "v2", "v3", "--workflow", "portrait.json"]]
    {
        a.ok(arguments).line(&["v2 →"]).line(&["~ KSampler (3): steps 20 → 33"]);
    }
    let packages = a
        .ok(&["diff", "v2", "v3"])
        .line(&["+ group node-comfyui-six: six"])
        .line(&["Python packages"])
        .line(&["+ six 1."]);
    assert!(!packages.stdout.contains("uv.lock"), "{packages}");
    a.ok(&["diff", "v3", "v2"]).line(&["~ KSampler (3): steps 33 → 20"]).line(&["- comfyui-six"]).line(&["- six 1."]);
    let document = a.json(&["diff", "v2", "v3"]);
    let widget = &document["workflows"][2]["nodes"][0]["widgets"][0];
    assert_eq!((&widget["name"], &widget["index"]), (&json!("steps"), &json!(2)), "{document}");
    assert_eq!((&widget["before"], &widget["after"]), (&json!(20), &json!(33)));
    assert_eq!((&document["from"]["version"], &document["to"]["version"]), (&json!(2), &json!(3)));

    for (version, says) in [
        ("v9", "there are v1 to v3"),
        ("v0", "there are v1 to v3"),
        ("3", "version 3 is `v3`"),
        ("HEAD~7", "before the first version"),
    ] {
        a.run(&["diff", version]).code(1).says(says);
    }
}

#[test]
fn the_history_is_shown_in_either_length() {
    let machine = Machine::new();
    let comfyui = crate::support::comfyui::ComfyUi::new();
    machine.create(&comfyui);
    write(&machine.workflow("studio", "one"), r#"{"nodes":[]}"#);
    machine.ok(&["commit", "-m", "One\n\nand why", "--yes"]);
    let long = machine.ok(&["log"]).line(&["v2 ", "Ann"]).line(&["    One"]).line(&["    and why"]).line(&["v1 "]);
    assert!(!long.text().contains("rollback"), "only who reads along is told what to do: {long}");
    let short = machine.ok(&["log", "--oneline", "--limit", "1"]);
    assert_eq!(short.stdout.lines().count(), 1, "{short}");
    short.line(&["v2 ", " One"]);
}
