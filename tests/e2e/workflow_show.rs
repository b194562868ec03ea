//! `workflow show`: files anywhere, with and without a workspace.

use serde_json::{Value, json};

use crate::support::comfyui::ComfyUi;
use crate::support::{Machine, project, write};

const NODES: &str = r#"{"version":0.4,"nodes":[
    {"id":"a","type":"CheckpointLoaderSimple","widgets_values":["sd\\one.safetensors"],"properties":{"cnr_id":"comfy-core","ver":"0.3.64"}},
    {"id":2,"type":"CLIPTextEncode","widgets_values":["a \"cat\" embedding:neg"]},
    {"id":3,"type":"Power Lora Loader (rgthree)","widgets_values":[{"on":false,"lora":"x.safetensors"}],"properties":{"aux_id":"rgthree/rgthree-comfy","ver":"abc"}},
    {"id":4,"type":"Note","widgets_values":["x.safetensors"]}]}"#;

fn documents(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn files_are_shown_without_a_workspace_and_one_bad_file_keeps_no_other_back() {
    let machine = Machine::new();
    write(&machine.root().join("a b.json"), NODES);
    write(&machine.root().join("cut.json"), &NODES[..200]);
    write(&machine.root().join("api.json"), r#"{"3":{"class_type":"UNETLoader","inputs":{"unet_name":"u.gguf"}}}"#);
    let said = machine.run(&["--json", "workflow", "show", "a b.json", "cut.json", "api.json", "gone.json"]).code(1);
    let documents = documents(&said.stdout);
    assert_eq!(documents.len(), 4, "{said}");
    let first = &documents[0];
    assert_eq!((&first["schema"], &first["name"]), (&json!("comfydock.workflow-show/1"), &json!("a b")));
    assert_eq!(first["format"], "0.4");
    assert_eq!(
        first["models"][0],
        json!({
            "node_id": "a", "node_type": "CheckpointLoaderSimple", "widget_index": 0, "widget_path": null,
            "value": "sd\\one.safetensors", "kind": "file", "category": "checkpoints", "confidence": "high",
            "reason": "it is the ckpt_name of CheckpointLoaderSimple", "active": true, "alias_of": null,
            "alias_of_widget_index": null,
            "status": "unknown", "loads": null, "here_as": null, "hash": null, "sources": [],
        })
    );
    assert_eq!((&first["models"][1]["value"], &first["models"][1]["kind"]), (&json!("neg"), &json!("embedding")));
    assert_eq!(first["models"][2]["widget_path"], json!([0, "lora"]));
    assert_eq!(first["models"][2]["active"], false);
    assert_eq!(first["models"].as_array().unwrap().len(), 3);
    let nodes: Vec<_> = first["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (&node["type"], &node["builtin"], &node["pack"]))
        .collect();
    assert_eq!(
        nodes,
        [
            (&json!("CLIPTextEncode"), &json!(true), &json!(null)),
            (&json!("CheckpointLoaderSimple"), &json!(true), &json!("comfy-core")),
            (&json!("Power Lora Loader (rgthree)"), &json!(false), &json!("rgthree/rgthree-comfy")),
        ]
    );
    assert_eq!(documents[1]["schema"], "comfydock.error/1");
    assert_eq!(
        (&documents[2]["format"], &documents[2]["models"][0]["widget_path"]),
        (&json!("api"), &json!(["unet_name"]))
    );
    said.says("cut.json").says("found the end of the file").says("gone.json");
}

#[test]
fn a_name_with_a_line_feed_makes_no_row() {
    let machine = Machine::new();
    let nodes =
        r#"{"version":"0.4\nmodels 0","nodes":[{"id":"x\ny","type":"LoraLoader","widgets_values":["a\nb.pt"]}]}"#;
    write(&machine.root().join("odd.json"), nodes);
    let said = machine.ok(&["workflow", "show", "odd.json"]);
    assert_eq!(said.stdout.trim_end().lines().count(), 2, "{said}");
    said.says("format unknown").says("not looked up");
}

#[test]
fn what_is_no_text_is_told_by_what_it_is() {
    let machine = Machine::new();
    std::fs::write(machine.root().join("image.json"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    std::fs::write(machine.root().join("wide.json"), b"\xff\xfe{\0}\0").unwrap();
    std::fs::create_dir(machine.root().join("folder.json")).unwrap();
    write(&machine.root().join("empty.json"), "");
    for (file, says) in [
        ("image.json", "is an image"),
        ("wide.json", "is not text in UTF-8"),
        ("folder.json", "is a folder"),
        ("empty.json", "empty or cut off"),
    ] {
        machine.run(&["workflow", "show", file]).code(1).says(says);
    }
    write(&machine.root().join("marked.json"), format!("\u{feff}{NODES}"));
    machine.ok(&["workflow", "show", "marked.json"]).says("sd\\one.safetensors");
}

#[test]
fn promoted_copies_are_listed_as_such() {
    let machine = Machine::new();
    let file = project().join("tests/fixtures/workflows/3d_hunyuan3d-v2.1.json");
    let document = machine.json(&["workflow", "show", file.to_str().unwrap()]);
    let models = document["models"].as_array().unwrap();
    assert_eq!(models.len(), 2, "{document}");
    assert_eq!(models[1]["alias_of"], models[0]["node_id"]);
    assert_eq!(models[1]["alias_of_widget_index"], models[0]["widget_index"]);
    assert_eq!((&models[1]["node_id"], &models[1]["value"]), (&json!("19"), &models[0]["value"]));
    let said = machine.ok(&["workflow", "show", file.to_str().unwrap()]);
    assert_eq!(said.stdout.matches("  hunyuan_3d_v2.1.safetensors  ").count(), 1, "a model is one line: {said}");
}

#[test]
fn a_workspace_knows_what_is_here() {
    let machine = Machine::new();
    machine.init();
    machine.put_model("checkpoints/sd/one.safetensors", &[7; 2000]);
    write(&machine.root().join("w.json"), NODES);
    let document = machine.json(&["workflow", "show", "w.json"]);
    let status = |at: usize| document["models"][at]["status"].as_str().unwrap();
    assert_eq!((status(0), status(2)), ("resolved", "unresolved"), "{document}");
    assert_eq!(document["models"][0]["hash"].as_str().unwrap().len(), 64);
    // ComfyUI on Linux has no file called with a backslash.
    assert_eq!(
        (&document["models"][0]["loads"], &document["models"][0]["here_as"]),
        (&json!(false), &json!("sd/one.safetensors"))
    );
    machine.ok(&["workflow", "show", "w.json"]).says("here as sd/one.safetensors").says("not in use").says("nodes");
    machine.run(&["workflow", "show", "-e", "nowhere", "w.json"]).code(1).says("nowhere");
}

#[test]
fn workflows_of_an_environment_are_shown_by_name_and_in_every_state() {
    let (comfyui, machine) = (ComfyUi::new(), Machine::new());
    machine.create(&comfyui);
    machine.put_model("checkpoints/a/one.safetensors", &[1; 2000]);
    machine.put_model("checkpoints/b/one.safetensors", &[2; 2000]);
    machine.put_model("loras/here.safetensors", &[3; 2000]);
    let node = |id: u32, class: &str, value: &str| json!({ "id": id, "type": class, "widgets_values": [value, 1, 1] });
    let nodes = [
        node(1, "CheckpointLoaderSimple", "one.safetensors"),
        node(2, "LoraLoader", "gone.safetensors"),
        node(3, "LoraLoader", "here.safetensors"),
        node(4, "LoraLoader", "left.safetensors"),
        node(5, "DownloadAndLoadFlorence2Model", "microsoft/Florence-2-base"),
    ];
    // As a Mac writes it: the letter and its dots apart.
    write(
        &machine.workflow("studio", "sub folder/a\u{308}rger"),
        json!({ "version": 0.4, "nodes": nodes }).to_string(),
    );
    let name = "sub folder/ärger";
    machine.run(&["workflow", "resolve", name, "--skip", "left.safetensors"]).code(1);
    let document = machine.json(&["workflow", "show", name]);
    assert_eq!(document["name"], name);
    let states: Vec<_> =
        document["models"].as_array().unwrap().iter().map(|model| model["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["ambiguous", "unresolved", "resolved", "skipped", "self_managed"], "{document}");
    machine.ok(&["workflow", "show", name]).says("several could be meant").says("got by the node");
    machine.run(&["workflow", "show", "nowhere"]).code(1).says("has no workflow `nowhere`");
}
