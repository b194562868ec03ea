//! All real templates: every model they list is found, and rewriting one changes that one alone.
//! They are curated, so this is the easy part; docs/extraction.md has the harder numbers.

use std::collections::BTreeSet;

use comfydock_core::category;
use comfydock_core::workflow::{ModelRef, Workflow, model_refs, nodes, rewrite};
use serde_json::Value;

use crate::support::templates;

/// What the templates list in `properties.models`: the node's path, the name, the folder.
fn listed(workflow: &Value) -> Vec<(String, String, String)> {
    fn of_nodes(list: &Value, graph: Option<&str>, found: &mut Vec<(String, String, String)>) {
        for node in list.as_array().into_iter().flatten() {
            let id = node["id"].to_string();
            let path = graph.map_or_else(|| id.clone(), |graph| format!("{graph}:{id}"));
            for model in node["properties"]["models"].as_array().into_iter().flatten() {
                let text = |key: &str| model[key].as_str().unwrap_or_default().to_owned();
                found.push((path.clone(), text("name"), text("directory")));
            }
        }
    }
    let mut found = Vec::new();
    of_nodes(&workflow["nodes"], None, &mut found);
    for graph in workflow["definitions"]["subgraphs"].as_array().into_iter().flatten() {
        of_nodes(&graph["nodes"], graph["id"].as_str(), &mut found);
    }
    found
}

/// The places of a reference put into the text as they are, but for the name.
fn expected(text: &str, reference: &ModelRef, new: &str) -> String {
    let mut spans: Vec<_> = reference.mirrors.iter().chain([&reference.span]).cloned().collect();
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    let mut changed = text.to_owned();
    for span in spans {
        let old = changed[span.clone()].replace(&reference.value, new);
        changed.replace_range(span, &old);
    }
    changed
}

#[test]
fn every_model_the_templates_list_is_found_and_can_be_renamed() {
    let (mut entries, mut renamed) = (0, 0);
    for path in templates::all() {
        let text = std::fs::read_to_string(&path).unwrap();
        let place = path.display();
        let workflow = Workflow::parse(text.clone()).unwrap();
        let references = model_refs(&workflow);
        let ids: BTreeSet<String> = nodes(&workflow).into_iter().map(|node| node.path).collect();
        for (node, name, directory) in listed(&serde_json::from_str(&text).unwrap()) {
            entries += 1;
            assert!(ids.contains(&node), "{place}: {node}");
            let wanted = category::of_folder(&directory);
            let found = references.iter().any(|reference| {
                let there = reference.node_id == node || reference.aliases.iter().any(|alias| alias.node_id == node);
                there && reference.value == name && reference.category.as_deref() == Some(wanted)
            });
            assert!(found, "{place}: {name} of node {node} in {directory}");
        }
        let same: Vec<_> = references.iter().map(|reference| (reference, reference.value.clone())).collect();
        assert_eq!(rewrite(&workflow, &same), text, "{place}");
        for reference in &references {
            let changed = rewrite(&workflow, &[(reference, "renamed.safetensors".to_owned())]);
            assert_eq!(changed, expected(&text, reference, "renamed.safetensors"), "{place}: {}", reference.value);
            assert_ne!(changed, text);
            renamed += 1;
        }
    }
    assert_eq!(entries, 1204 + 402);
    // 16 entries stand twice at one node.
    assert!(renamed >= entries - 16, "{renamed}");
}
