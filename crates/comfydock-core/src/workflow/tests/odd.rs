//! Properties of workflows nobody would write.

use proptest::prelude::*;

use crate::workflow::{Workflow, model_refs, node_types, rewrite};

/// Nodes of every odd shape: the keys we read with values of any kind, in graphs and definitions.
fn odd_json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "a",
        "b",
        "m.pt",
        "n.safetensors",
        "UNETLoader",
        "PrimitiveNode",
        "Note",
        "1",
        "",
        "workflow/g",
        "CLIPTextEncode",
        "x \"embedding:e <lora:l:1> embedding:e",
        "Power Lora Loader (rgthree)",
        "CR LoRA Stack",
        "-1",
        "q.gguf [2 GB]",
    ]);
    let leaf = prop_oneof![Just(serde_json::Value::Null), (0..5u8).prop_map(Into::into), word.prop_map(Into::into),];
    let key = prop::sample::select(vec![
        "id",
        "type",
        "nodes",
        "definitions",
        "subgraphs",
        "widgets_values",
        "widgets_values_named",
        "properties",
        "models",
        "name",
        "url",
        "directory",
        "proxyWidgets",
        "inputs",
        "links",
        "linkIds",
        "target_id",
        "target_slot",
        "widget",
        "mode",
        "extra",
        "class_type",
        "__value__",
        "lora",
        "on",
        "link",
        "origin_id",
    ]);
    leaf.prop_recursive(8, 120, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..9)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn odd_workflows_neither_panic_nor_change_elsewhere(
        nodes in prop::collection::vec(odd_json(), 0..6), definitions in prop::collection::vec(odd_json(), 0..3),
    ) {
        let text = serde_json::json!({
            "nodes": &nodes, "models": &definitions, "definitions": {"subgraphs": &definitions}, "links": &nodes,
            "extra": {"groupNodes": {"g": {"nodes": &nodes}}},
        });
        let api = serde_json::json!({"0": {"class_type": "X", "inputs": {}}, "1": &nodes, "2": &definitions});
        for workflow in [Workflow::parse(text.to_string()).unwrap(), Workflow::parse_any(api.to_string()).unwrap()] {
            let references = model_refs(&workflow);
            node_types(&workflow);
            let unchanged: Vec<_> = references.iter().map(|found| (found, found.value.clone())).collect();
            prop_assert_eq!(rewrite(&workflow, &unchanged), workflow.text());
            let changes: Vec<_> = references.iter().map(|found| (found, format!("x/{}", found.value))).collect();
            Workflow::parse_any(rewrite(&workflow, &changes)).unwrap();
        }
    }

    #[test]
    fn anything_that_is_json_is_read_or_refused(value in odd_json()) {
        if let Ok(workflow) = Workflow::parse_any(value.to_string()) {
            model_refs(&workflow);
        }
    }

    /// What stands around a tag stays, however the text is escaped.
    #[test]
    fn a_name_in_a_text_is_replaced_alone(
        before in "[a-z \\PC\"\\\\]{0,12}", after in "([ ,)\n][\\PC\"\\\\]{0,12})?", name in "[a-zé日]{1,8}", new in "[\\PC&&[^ ,;:()<>|\"\\[\\]{}.]]{1,8}",
    ) {
        let text = |name: &str| format!("{before} embedding:{name}{after}");
        let node = |text: &str| serde_json::json!({"nodes": [{"id": 1, "type": "CLIPTextEncode", "widgets_values": [text]}]}).to_string();
        let workflow = Workflow::parse(node(&text(&name))).unwrap();
        let references = model_refs(&workflow);
        let own: Vec<_> = references.iter().filter(|found| found.value == name && found.mirrors.is_empty()).collect();
        prop_assume!(own.len() == 1 && references.len() == 1);
        prop_assert_eq!(rewrite(&workflow, &[(own[0], new.clone())]), node(&text(&new)));
    }
}
