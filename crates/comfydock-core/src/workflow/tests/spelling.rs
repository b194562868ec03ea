use super::{FIXTURES, fixture, of_nodes};
use crate::workflow::{
    ModelRef, Workflow, model_refs, normalise_for_lookup, rewrite, same_content, same_content_with, with_spelling_of,
};

/// The same model: the same file name, whatever the folder.
fn same_file_name(left: &ModelRef, right: &ModelRef) -> bool {
    let name = |reference: &ModelRef| normalise_for_lookup(&reference.value).path.rsplit('/').next().map(str::to_owned);
    name(left) == name(right)
}

fn rewritten(workflow: &Workflow, new: impl Fn(&str) -> String) -> Workflow {
    let references = model_refs(workflow);
    let changes: Vec<_> = references.iter().map(|found| (found, new(&found.value))).collect();
    Workflow::parse(rewrite(workflow, &changes)).unwrap()
}

#[test]
fn localised_and_back_is_byte_for_byte_the_same() {
    for (name, text) in FIXTURES {
        let tracked = fixture(name);
        let local = rewritten(&tracked, |value| format!("deep/größer \"q\"/{value}"));
        assert_ne!(local.text(), text);
        assert_eq!(model_refs(&local).len(), model_refs(&tracked).len());
        assert!(!same_content(tracked.text(), local.text()));
        assert!(same_content_with(&tracked, &local, same_file_name), "{name}");
        assert!(!same_content_with(&tracked, &local, |_, _| false), "{name}");
        assert_eq!(with_spelling_of(&tracked, &local, same_file_name), text);
    }
}

#[test]
fn every_copy_changes_with_its_reference() {
    let workflow = fixture("3d_hunyuan3d");
    let local = rewritten(&workflow, |_| "x\\y.safetensors".into());
    assert!(!local.text().contains("\"hunyuan_3d_v2.1.safetensors\""));
    assert_eq!(
        local.text().matches(r#""x\\y.safetensors""#).count(),
        workflow.text().matches("\"hunyuan_3d_v2.1.safetensors\"").count()
    );
}

#[test]
fn another_model_or_another_change_is_a_difference() {
    let workflow = fixture("flux_schnell");
    let other = rewritten(&workflow, |_| "other.safetensors".into());
    assert!(!same_content_with(&workflow, &other, same_file_name));
    let local = rewritten(&workflow, |value| format!("sub/{value}"));
    let moved = Workflow::parse(local.text().replacen("\"mode\": 0", "\"mode\": 4", 1)).unwrap();
    assert!(!same_content_with(&workflow, &moved, same_file_name));
}

#[test]
fn tags_keep_their_manner() {
    let workflow = of_nodes(
        r#"{"id":1,"type":"CLIPTextEncode","widgets_values":["embedding:a embedding:s/b embedding:c.pt embedding:t\\d.pt"]}"#,
    );
    let spelled: Vec<_> =
        model_refs(&workflow).iter().map(|found| found.spelling_of("x/v1.5 (new).safetensors")).collect();
    let long = "x/v1.5 (new)";
    let with_ending = format!("{long}.safetensors");
    assert_eq!(spelled, [long, long, &with_ending, &with_ending], "ComfyUI takes it for a path");
    let lora = of_nodes(r#"{"id":1,"type":"CLIPTextEncode","widgets_values":["<lora:a:1> <lora:s/b:1>"]}"#);
    let spelled: Vec<_> = model_refs(&lora).iter().map(|found| found.spelling_of(&with_ending)).collect();
    assert_eq!(spelled, ["v1.5 (new)", long]);
    let file = of_nodes(r#"{"id":1,"type":"LoraLoader","widgets_values":["a"]}"#);
    assert_eq!(model_refs(&file)[0].spelling_of("x/b.pt"), "x/b.pt");
}

#[test]
fn tags_of_one_text_are_told_apart_by_their_order() {
    let text = |first: &str, second: &str| {
        of_nodes(&format!(
            r#"{{"id":1,"type":"CLIPTextEncode","widgets_values":["embedding:{first}, embedding:{second} <lora:l:1>"]}}"#
        ))
    };
    let (tracked, local) = (text("a", "b"), text("here_a", "b"));
    let same = |left: &ModelRef, right: &ModelRef| right.value.ends_with(&left.value);
    assert_eq!(with_spelling_of(&tracked, &local, same), tracked.text());
    assert!(!same_content_with(&tracked, &text("here_a", "c"), same));
}

#[test]
fn a_copy_of_a_name_and_of_a_text_with_it_changes_once() {
    let workflow = Workflow::parse(
        r#"{"nodes":[
        {"id":1,"type":"DiffusersLoader","inputs":[{"widget":{"name":"model_path"},"link":5}],"widgets_values":["embedding:e"]},
        {"id":2,"type":"CLIPTextEncode","inputs":[{"widget":{"name":"text"},"link":4}],"widgets_values":["embedding:e"]},
        {"id":3,"type":"PrimitiveNode","widgets_values":["embedding:e"]}],
        "links":[[4,3,0,2,0,"STRING"],[5,3,0,1,0,"STRING"]]}"#
            .to_owned(),
    )
    .unwrap();
    let references = model_refs(&workflow);
    assert_eq!(references.iter().map(|found| found.mirrors.len()).collect::<Vec<_>>(), [1, 1]);
    for order in [[0, 1], [1, 0]] {
        let changes: Vec<_> = order.iter().map(|&at| (&references[at], "new".to_owned())).collect();
        Workflow::parse(rewrite(&workflow, &changes)).unwrap();
    }
}
