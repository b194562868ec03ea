//! How many of the references in a labelled set are found, and how many of those found are right.
//! The labels were written by hand before the first run; docs/extraction.md says how.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use comfydock_core::workflow::{Workflow, model_refs};

/// Workflow, node, kind and value of a reference, with how often it stands there.
type References = BTreeMap<(String, String, String, String), usize>;

fn labelled(folder: &Path) -> References {
    let mut labels = References::new();
    for line in fs::read_to_string(folder.join("labels.tsv")).unwrap().lines().skip(1) {
        let parts: Vec<&str> = line.split('\t').collect();
        let [workflow, node, kind, value] = parts[..] else { panic!("{line}: four columns") };
        *labels.entry((workflow.into(), node.into(), kind.into(), value.into())).or_default() += 1;
    }
    labels
}

fn found(folder: &Path) -> References {
    let mut found = References::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let workflow = Workflow::parse_any(fs::read_to_string(&path).unwrap()).unwrap();
        for reference in model_refs(&workflow) {
            let kind = serde_json::to_value(reference.kind).unwrap().as_str().unwrap().to_owned();
            *found.entry((name.clone(), reference.node_id, kind, reference.value)).or_default() += 1;
        }
    }
    found
}

fn percent(part: usize, whole: usize) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

#[test]
fn recall_and_precision_are_what_the_documentation_says() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = project.join("tests/fixtures/extraction");
    let (labels, found) = (labelled(&folder), found(&folder));
    let mut table = String::new();
    for (kind, words) in [
        ("file", "file"),
        ("embedding", "embedding tag"),
        ("lora_tag", "lora tag"),
        ("folder", "folder"),
        ("remote", "remote name"),
    ] {
        let of_kind = |references: &References| -> usize {
            references.iter().filter(|((_, _, of, _), _)| of == kind).map(|(_, count)| count).sum()
        };
        let right: usize = labels
            .iter()
            .filter(|((_, _, of, _), _)| of == kind)
            .map(|(at, count)| found.get(at).copied().unwrap_or_default().min(*count))
            .sum();
        let (all, ours) = (of_kind(&labels), of_kind(&found));
        table.push_str(&format!(
            "| {words} | {all} | {ours} | {right} | {} | {} |\n",
            percent(right, all),
            percent(right, ours)
        ));
    }
    let misses: Vec<_> = labels.iter().filter(|(at, count)| found.get(at) < Some(count)).map(|(at, _)| at).collect();
    let extra: Vec<_> = found.iter().filter(|(at, count)| labels.get(at) < Some(count)).map(|(at, _)| at).collect();
    let documented = fs::read_to_string(project.join("docs/extraction.md")).unwrap_or_default();
    assert!(
        documented.contains(&table),
        "docs/extraction.md should say\n{table}\nmissed: {misses:#?}\nnot models: {extra:#?}"
    );
}
