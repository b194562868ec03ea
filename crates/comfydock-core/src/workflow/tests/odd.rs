//! Properties of workflows nobody would write.

use proptest::prelude::*;

use crate::workflow::{ModelRef, Workflow, model_refs, node_types, rewrite};

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

/// The text between the places of the references.
fn between<'text>(text: &'text str, references: &[ModelRef]) -> Vec<&'text str> {
    let mut spans: Vec<_> = references
        .iter()
        .flat_map(|found| found.mirrors.iter().chain([&found.span]))
        .map(|span| (span.start, span.end))
        .collect();
    spans.sort_unstable();
    let (mut at, mut pieces) = (0, Vec::new());
    for (start, end) in spans {
        // One place may lie in another: a name in a text that is a copy of a whole name.
        if start >= at {
            pieces.push(&text[at..start]);
        }
        at = at.max(end);
    }
    pieces.push(&text[at..]);
    pieces
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
            let changed = rewrite(&workflow, &changes);
            Workflow::parse_any(changed.clone()).unwrap();
            // What stands between the places is all there, in order; the first piece and the last at their ends.
            let mut rest = changed.as_str();
            let pieces = between(workflow.text(), &references);
            for (at, piece) in pieces.iter().enumerate() {
                let found = if at + 1 == pieces.len() { rest.len().checked_sub(piece.len()) } else { rest.find(piece) };
                let found = found.filter(|&found| rest[found..].starts_with(piece) && (at > 0 || found == 0));
                prop_assert!(found.is_some(), "`{}` is not there: {}", piece, rest);
                rest = &rest[found.unwrap_or_default() + piece.len()..];
            }
            // And as many bytes more as names were changed, escapes aside: no place was left out.
            let places: std::collections::BTreeSet<_> = references
                .iter()
                .flat_map(|found| found.mirrors.iter().chain([&found.span]))
                .map(|span| (span.start, span.end))
                .collect();
            let whole = |&&(start, _): &&(usize, usize)| workflow.text()[start..].starts_with('"');
            if places.iter().all(|place| whole(&place)) {
                prop_assert_eq!(changed.len(), workflow.text().len() + 2 * places.len());
            }
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
