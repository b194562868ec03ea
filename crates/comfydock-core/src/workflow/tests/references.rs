use super::{fixture, of_nodes};
use crate::workflow::{Confidence, ModelRef, PathStep, RefKind, Workflow, model_refs};

fn values(workflow: &Workflow) -> Vec<String> {
    model_refs(workflow).into_iter().map(|reference| reference.value).collect()
}

fn of_node(node_type: &str, widgets: &str) -> Vec<ModelRef> {
    model_refs(&of_nodes(&format!(r#"{{"id":1,"type":"{node_type}","widgets_values":{widgets}}}"#)))
}

fn found(node_type: &str, widgets: &str) -> Vec<String> {
    of_node(node_type, widgets).into_iter().map(|reference| reference.value).collect()
}

#[test]
fn a_real_flat_workflow() {
    let workflow = fixture("qwen_image_lora");
    let references = model_refs(&workflow);
    let mut summary: Vec<_> = references
        .iter()
        .map(|found| (found.node_type.as_str(), found.category.as_deref().unwrap(), found.value.as_str()))
        .collect();
    summary.sort_unstable();
    assert_eq!(
        summary,
        [
            ("CLIPLoader", "text_encoders", "qwen_2.5_vl_7b_fp8_scaled.safetensors"),
            ("LoraLoaderModelOnly", "loras", "Wuli-Qwen-Image-2512-Turbo-LoRA-2steps-V1.0-bf16.safetensors"),
            ("UNETLoader", "diffusion_models", "qwen_image_2512_fp8_e4m3fn.safetensors"),
            ("VAELoader", "vae", "qwen_image_vae.safetensors"),
        ]
    );
    for reference in &references {
        assert_eq!(reference.confidence, Confidence::High);
        assert!(reference.embedded[0].url.starts_with("https://"));
        for span in reference.mirrors.iter().chain([&reference.span]) {
            assert_eq!(&workflow.text()[span.clone()], format!("\"{}\"", reference.value));
        }
    }
}

#[test]
fn a_real_promoted_value_is_a_mirror_of_the_inner_one() {
    let workflow = fixture("3d_hunyuan3d");
    let references = model_refs(&workflow);
    assert_eq!(references.len(), 1);
    let reference = &references[0];
    assert_eq!(reference.node_id, "134b0aa2-0237-4237-8366-558c4a007c68:1");
    assert_eq!(reference.category.as_deref(), Some("checkpoints"));
    // Instance and inner node, both with widgets_values_named, and properties.models.
    let occurrences = workflow.text().matches("\"hunyuan_3d_v2.1.safetensors\"").count();
    assert_eq!(reference.mirrors.len() + 1, occurrences);
}

#[test]
fn shapes_of_widgets() {
    assert_eq!(found("X", r#"["a.pt"]"#), ["a.pt"]);
    assert!(found("X", "null").is_empty());
    assert!(found("X", "\"a.pt\"").is_empty());
    assert!(model_refs(&of_nodes(r#"{"id":1,"type":"X"}"#)).is_empty());

    let object = of_node("VHS", r#"{"fps":8,"model":"m.ckpt","deep":{"list":[null,"n.ckpt"]}}"#);
    assert_eq!(object[0].widget_index, 1);
    assert_eq!(object[0].widget_path, Some(vec![PathStep::Key("model".into())]));
    assert_eq!(serde_json::to_string(&object[1].widget_path).unwrap(), r#"["deep","list",1]"#);

    let power = of_node(
        "Power Lora Loader (rgthree)",
        r#"[null,{"type":"PowerLoraLoaderHeaderWidget"},{"on":false,"lora":"a\\b.safetensors","strength":1},{"lora":"None"},""]"#,
    );
    assert_eq!(power.len(), 1);
    assert_eq!(power[0].value, "a\\b.safetensors");
    assert_eq!(power[0].widget_index, 2);
    assert_eq!(serde_json::to_string(&power[0].widget_path).unwrap(), r#"[2,"lora"]"#);
}

#[test]
fn known_loaders() {
    let checkpoint = of_node("CheckpointLoader", r#"["v1-inference.yaml","sd15.ckpt"]"#);
    assert_eq!((checkpoint.len(), checkpoint[0].widget_index), (1, 1));
    assert_eq!(found("CheckpointLoaderSimple", r#"["no extension"]"#), ["no extension"]);
    for name in ["", "None", "[None]", "taesd", "taesdxl", "pixel_space"] {
        assert!(found("VAELoader", &format!("[\"{name}\"]")).is_empty(), "{name}");
    }
    assert_eq!(of_node("DiffusersLoader", r#"["folder.bin"]"#)[0].kind, RefKind::Folder);
    assert!(found("TrainLoraNode", r#"[1,2,3,4,5,6,7,8,9,10,11,12,13,"[None]"]"#).is_empty());
    let train = of_node("TrainLoraNode", r#"[1,2,3,4,5,6,7,8,9,10,11,12,13,"l.safetensors"]"#);
    assert_eq!(train[0].category.as_deref(), Some("loras"));
    // Another string widget of a known loader still counts by its ending.
    let extra = of_node("UNETLoader", r#"["a.sft","b.sft"]"#);
    assert_eq!(extra[0].category.as_deref(), Some("diffusion_models"));
    assert_eq!((extra[1].category.as_deref(), extra[1].confidence), (None, Confidence::Medium));
}

#[test]
fn names_known_by_their_ending() {
    for name in ["x.vae.pt", "inpaint_v26.fooocus.patch", "Q4.GGUF", "bbox/x.pt", "日本 (1)+.safetensors", "y.onnx"] {
        assert_eq!(found("Some Loader", &format!("[\"{name}\"]")), [name]);
    }
    let long = format!("{}.pt", "a".repeat(400));
    for name in [
        "https://x.org/a.safetensors",
        "a prompt <lora:x.pt",
        "two\\nlines.pt",
        "*.pt",
        "config.yaml",
        "org/repo",
        ".safetensors",
        &long,
    ] {
        assert!(found("Some Loader", &format!("[\"{name}\"]")).is_empty(), "{name}");
    }
    for node_type in ["Note", "MarkdownNote", "ShowText|pysssss", "CheckpointSave", "Save Image w/Metadata"] {
        assert!(found(node_type, r#"["loras/x.safetensors"]"#).is_empty(), "{node_type}");
    }
}

#[test]
fn what_the_workflow_says_about_its_models() {
    let sha = "AB".repeat(32);
    let workflow = of_nodes(&format!(
        r#"{{"id":1,"type":"Odd","widgets_values":["sub\\m.pt","plain name"],"properties":{{"models":[
        {{"name":"m.pt","url":" https://x.org/1?download=true ","directory":"unet","hash":"{sha}","hash_type":"SHA256"}},
        {{"name":"plain name","url":"https://x.org/2","directory":"clip","hash":"12","hash_type":"SHA256"}},
        {{"name":"stale.pt","url":"https://x.org/3","directory":"loras"}},
        {{"url":"https://x.org/4"}}, 7]}}}}"#
    ));
    let references = model_refs(&workflow);
    assert_eq!(references.len(), 2);
    assert_eq!(references[0].category.as_deref(), Some("diffusion_models"));
    assert_eq!(references[0].confidence, Confidence::High);
    assert_eq!(references[0].embedded[0].url, "https://x.org/1?download=true");
    assert_eq!(references[0].embedded[0].sha256, Some("ab".repeat(32)));
    assert!(references[0].mirrors.is_empty(), "another spelling of the name is not a copy");
    assert_eq!(references[1].category.as_deref(), Some("text_encoders"));
    assert_eq!((references[1].mirrors.len(), &references[1].embedded[0].sha256), (1, &None));
}

#[test]
fn models_listed_at_the_root_respect_the_category() {
    let text = r#"{"nodes":[
        {"id":1,"type":"CheckpointLoaderSimple","widgets_values":["f.safetensors"]},
        {"id":2,"type":"UNETLoader","widgets_values":["f.safetensors"]}],
        "models":[{"name":"f.safetensors","url":"https://x.org","directory":"diffusion_models"}]}"#;
    let references = model_refs(&Workflow::parse(text.into()).unwrap());
    assert_eq!(references.iter().map(|found| found.embedded.len()).collect::<Vec<_>>(), [0, 1]);
}

/// One definition `d` with a UNETLoader inside, and these instances at the root.
fn with_instances(instances: &str) -> Workflow {
    Workflow::parse(format!(
        r#"{{"nodes":[{instances}],"definitions":{{"subgraphs":[{{"id":"d","nodes":[
        {{"id":5,"type":"UNETLoader","inputs":[{{"name":"unet_name","widget":{{"name":"unet_name"}},"link":9}}],"widgets_values":["in.sft","default"]}}],
        "inputs":[{{"name":"unet_name","linkIds":[9]}}],
        "links":[{{"id":9,"origin_id":-10,"origin_slot":0,"target_id":5,"target_slot":0}}]}}]}}}}"#
    ))
    .unwrap()
}

#[test]
fn a_promoted_value_that_differs_counts_for_itself() {
    let workflow = with_instances(r#"{"id":1,"type":"d","widgets_values":["other"]}"#);
    assert_eq!(values(&workflow), ["other", "in.sft"], "the loader's own input needs no ending");
    let workflow = with_instances(
        r#"{"id":1,"type":"d","widgets_values":["out.sft"],"widgets_values_named":{"unet_name":"out.sft"}}"#,
    );
    let references = model_refs(&workflow);
    assert_eq!(values(&workflow), ["out.sft", "in.sft"]);
    assert_eq!((references[0].node_id.as_str(), references[0].mirrors.len()), ("1", 1));
    assert_eq!(references[0].category.as_deref(), Some("diffusion_models"));
    assert_eq!(references[0].confidence, Confidence::High);
}

#[test]
fn each_of_several_instances_counts_for_itself() {
    let workflow = with_instances(
        r#"{"id":1,"type":"d","widgets_values":["in.sft"]},{"id":2,"type":"d","mode":4,"widgets_values":["b.sft"]}"#,
    );
    let references = model_refs(&workflow);
    let places: Vec<_> =
        references.iter().map(|found| (found.node_id.as_str(), found.value.as_str(), found.active)).collect();
    assert_eq!(places, [("1", "in.sft", true), ("2", "b.sft", false), ("d:5", "in.sft", true)]);
    assert!(references.iter().all(|found| found.category.as_deref() == Some("diffusion_models")));
}

#[test]
fn a_value_promoted_through_two_levels_is_one_reference() {
    let text = r#"{"nodes":[{"id":1,"type":"outer","widgets_values":["m.pt"]}],"definitions":{"subgraphs":[
        {"id":"outer","nodes":[{"id":1,"type":"inner","widgets_values":["m.pt"]}]},
        {"id":"inner","nodes":[{"id":1,"type":"LoraLoader","widgets_values":["m.pt",1,1]}]}]}}"#;
    let references = model_refs(&Workflow::parse(text.into()).unwrap());
    assert_eq!(references.len(), 1);
    assert_eq!((references[0].node_id.as_str(), references[0].mirrors.len()), ("inner:1", 2));
}

#[test]
fn subgraphs_that_contain_themselves_end() {
    let text = r#"{"nodes":[{"id":1,"type":"a","widgets_values":["m.pt"]}],"definitions":{"subgraphs":[
        {"id":"a","nodes":[{"id":1,"type":"b"},{"id":2,"type":"X","widgets_values":["m.pt"]}]},
        {"id":"b","nodes":[{"id":1,"type":"a"}]},{"id":"a","nodes":[]}]}}"#;
    assert!(!model_refs(&Workflow::parse(text.into()).unwrap()).is_empty());
}

#[test]
fn the_same_id_at_the_root_and_inside() {
    let workflow = with_instances(r#"{"id":1,"type":"d"},{"id":5,"type":"LoraLoader","widgets_values":["l.sft"]}"#);
    let ids: Vec<_> = model_refs(&workflow).into_iter().map(|found| found.node_id).collect();
    assert_eq!(ids, ["5", "d:5"]);
}

#[test]
fn a_primitive_that_feeds_a_loader_is_a_mirror() {
    let workflow = of_nodes(
        r#"{"id":1,"type":"PrimitiveNode","widgets_values":["m.sft","fixed"]},
        {"id":2,"type":"UNETLoader","widgets_values":["m.sft","default"]},
        {"id":3,"type":"PrimitiveNode","widgets_values":["n.sft","fixed"]}"#,
    );
    let references = model_refs(&workflow);
    assert_eq!(references.len(), 1);
    assert_eq!((references[0].node_id.as_str(), references[0].mirrors.len()), ("2", 1));
}

#[test]
fn named_copies_belong_to_equal_widgets_in_order() {
    let workflow = of_nodes(
        r#"{"id":1,"type":"DualCLIPLoader","widgets_values":["a.sft","a.sft"],
        "widgets_values_named":{"clip_name1":"a.sft","clip_name2":"a.sft"}}"#,
    );
    let references = model_refs(&workflow);
    assert_eq!((references[0].mirrors.len(), references[1].mirrors.len()), (1, 1));
    assert!(references[0].mirrors[0].start < references[1].mirrors[0].start);
}
