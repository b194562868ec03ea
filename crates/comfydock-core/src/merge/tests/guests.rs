//! Two environments that never were one.

use super::*;
use crate::merge::nothing_in_common;

fn environment(comfyui: u32, platforms: &[&str], newest: Option<&str>) -> Side {
    let facts = EnvironmentFacts {
        comfyui_version: format!("v{comfyui}"),
        comfyui_commit: commit(comfyui),
        comfyui_url: "https://example.org/ComfyUI".to_owned(),
        python_version: "3.11".to_owned(),
        platforms: platforms.iter().map(|text| (*text).to_owned()).collect(),
    };
    let mut manifest = Document::new(&facts, newest);
    manifest.set_dependencies(&[format!("core-{comfyui}")]);
    Side { manifest, workflows: BTreeMap::new(), files: BTreeMap::new() }
}

fn put_together(home: &Side, guest: &Side, answers: &Answers) -> Merge {
    let (home_text, guest_text) = (home.manifest.text(), guest.manifest.text());
    let base = nothing_in_common(&home_text, &guest_text).unwrap();
    let (no_workflows, no_files) = (BTreeMap::new(), BTreeMap::new());
    let state = |manifest, workflows, files| State { manifest, workflows, files };
    merge(
        state(&base, &no_workflows, &no_files),
        state(&home_text, &home.workflows, &home.files),
        state(&guest_text, &guest.workflows, &guest.files),
        answers,
        NOW,
    )
    .unwrap()
}

fn words(merge: &Merge) -> Vec<String> {
    merge.questions.iter().map(|question| question.subject.word()).collect()
}

#[test]
fn what_only_one_has_is_there_and_nothing_is_asked() {
    let (mut home, mut guest) = (environment(1, &["linux-x86_64"], None), environment(1, &["linux-x86_64"], None));
    home.manifest.set_node(&node("mine", 1));
    guest.manifest.set_node(&node("theirs", 2));
    home.workflows.insert("portrait".to_owned(), workflow(1, 1));
    guest.workflows.insert("landscape".to_owned(), workflow(2, 1));
    let merged = put_together(&home, &guest, &Answers::default());
    assert_eq!(words(&merged), Vec::<String>::new());
    let manifest = merged.document.manifest().unwrap();
    assert_eq!(manifest.nodes.keys().collect::<Vec<_>>(), ["mine", "theirs"]);
    assert_eq!(merged.workflows.keys().collect::<Vec<_>>(), ["landscape", "portrait"]);
    assert_eq!(manifest.environment, home.manifest.manifest().unwrap().environment);
}

#[test]
fn what_both_have_otherwise_is_asked() {
    let (mut home, mut guest) = (environment(1, &[], None), environment(2, &[], None));
    home.manifest.set_node(&node("pack", 1));
    guest.manifest.set_node(&node("pack", 2));
    home.workflows.insert("portrait".to_owned(), workflow(1, 1));
    guest.workflows.insert("portrait".to_owned(), workflow(1, 2));
    let asked = put_together(&home, &guest, &Answers::default());
    assert_eq!(words(&asked), ["portrait", "fact:comfyui", "pack:pack"]);
    for (answer, side) in [(Answer::Ours, &home), (Answer::Theirs, &guest)] {
        let answers = Answers { workflows: Some(Answer::Both), others: Some(answer), ..Answers::default() };
        let merged = put_together(&home, &guest, &answers);
        assert_eq!(words(&merged), Vec::<String>::new());
        let (merged_manifest, expected) = (merged.document.manifest().unwrap(), side.manifest.manifest().unwrap());
        assert_eq!(merged_manifest.environment, expected.environment);
        assert_eq!(merged_manifest.nodes, expected.nodes);
        assert_eq!(merged.document.text().contains("core-1"), answer == Answer::Ours, "its requirements go with it");
        assert_eq!(merged.workflows.keys().collect::<Vec<_>>(), ["portrait", "portrait (mine)"]);
    }
}

#[test]
fn a_guest_does_not_say_where_its_host_runs_nor_how_new_its_packages_are() {
    let guest = environment(1, &["linux-x86_64", "windows-x86_64"], Some("2025-10-14T00:00:00Z"));
    for newest in [None, Some("2025-01-14T00:00:00Z"), Some("2025-12-14T00:00:00Z")] {
        let home = environment(1, &["linux-x86_64"], newest);
        let merged = put_together(&home, &guest, &Answers::default());
        assert_eq!(words(&merged), Vec::<String>::new());
        let text = merged.document.text();
        assert!(!text.contains("win32") && !text.contains("windows"), "{text}");
        // Of two dates the later counts: what either has is not too new.
        let expected = newest.map(|newest| newest.max("2025-10-14T00:00:00Z"));
        assert_eq!(expected.is_some(), text.contains("exclude-newer"), "{text}");
        assert!(expected.is_none_or(|expected| text.contains(expected)), "{text}");
    }
}
