//! ComfyUI's copy against the tracked one: what is a change and what only another spelling.

use super::super::tracked::{Reading, local_name, read};
use super::*;
use crate::resolve::Index;
use crate::workflow::{Workflow, without_metadata};

/// What a machine with these models makes of a live workflow, given the environment committed elsewhere.
fn read_here(studio: &Studio, live: &str, models: Vec<KnownModel>) -> Reading {
    let manifest = studio.said();
    let library = Library::new(models, Some(&manifest));
    let live = Workflow::parse(live.to_owned()).unwrap();
    let tracked = Workflow::parse(studio.tracked["hero"].clone()).unwrap();
    read("hero", &live, Some(&tracked), &manifest, &Index::new(&library.files)).unwrap()
}

fn committed() -> Studio {
    let mut studio =
        Studio::with(vec![known(1, "checkpoints/sub/x.safetensors")], &[checkpoint(4, "sub/x.safetensors")]);
    studio.commit();
    studio
}

fn live(value: &str) -> String {
    workflow(&[checkpoint(4, value)])
}

#[test]
fn another_spelling_of_the_same_model_is_no_change() {
    let studio = committed();
    let canonical = without_metadata(&studio.tracked["hero"]).unwrap();
    for (value, path) in [
        ("sub/x.safetensors", "checkpoints/sub/x.safetensors"),
        (r"sub\x.safetensors", "checkpoints/sub/x.safetensors"),
        ("x.safetensors", "checkpoints/x.safetensors"),
        ("other/renamed.safetensors", "checkpoints/other/renamed.safetensors"),
        ("checkpoints/sub/x.safetensors", "checkpoints/sub/x.safetensors"),
        ("SUB/X.safetensors", "checkpoints/sub/x.safetensors"),
    ] {
        let reading = read_here(&studio, &live(value), vec![known(1, path)]);
        assert!(!reading.changed, "{value} for {path}");
        assert_eq!(reading.canonical, canonical, "{value}");
        assert_eq!(reading.mentions[0].key, Some(key(1)));
    }
}

#[test]
fn another_model_is_a_change_whatever_it_is_called() {
    let studio = committed();
    // Under the very name the tracked copy has, and under another.
    for (value, path) in
        [("sub/x.safetensors", "checkpoints/sub/x.safetensors"), ("y.safetensors", "checkpoints/y.safetensors")]
    {
        let reading = read_here(&studio, &live(value), vec![known(2, path)]);
        assert_eq!(reading.mentions[0].key, Some(key(2)), "an exact name is what ComfyUI loads");
    }
    let both = vec![known(1, "checkpoints/sub/x.safetensors"), known(2, "checkpoints/y.safetensors")];
    let reading = read_here(&studio, &live("y.safetensors"), both);
    assert!(reading.changed);
    assert!(reading.canonical.contains("y.safetensors"));
}

#[test]
fn a_decision_stands_while_its_file_is_away_and_the_name_is_one_we_gave() {
    let studio = committed();
    let given = local_name(&studio.said().models[&key(1)], true);
    assert_eq!(given, format!("sub/x-{}.safetensors", sha256(1).short(8)));
    for (value, stands) in [("sub/x.safetensors", true), (given.as_str(), true), ("new.safetensors", false)] {
        let reading = read_here(&studio, &live(value), Vec::new());
        assert_eq!(reading.mentions[0].key.is_some(), stands, "{value}");
        assert_eq!(reading.changed, !stands, "{value}");
    }
}

#[test]
fn a_new_workflow_is_all_change_and_loses_foreign_metadata() {
    let text = r#"{"nodes":[],"extra":{"a":1,"_comfydock_metadata":{"version":"0.2.0"}}}"#;
    let parsed = Workflow::parse(text.to_owned()).unwrap();
    let reading = read("new", &parsed, None, &manifest(), &Index::new(&[])).unwrap();
    assert!(reading.changed);
    assert_eq!(reading.canonical, r#"{"nodes":[],"extra":{"a":1}}"#);
}

#[test]
fn a_changed_node_beside_a_respelled_model_is_tracked_in_the_first_spelling() {
    let studio = committed();
    let nodes = [checkpoint(4, "x.safetensors"), r#"{"id":5,"type":"Note"}"#.to_owned()];
    let reading = read_here(&studio, &workflow(&nodes), vec![known(1, "checkpoints/x.safetensors")]);
    assert!(reading.changed);
    assert!(reading.canonical.contains(r#""sub/x.safetensors""#), "{}", reading.canonical);
}

#[test]
fn the_name_a_model_gets_where_its_own_is_taken() {
    let named = model(1, "checkpoints/a.b/x.fp16.safetensors");
    assert_eq!(local_name(&named, false), "a.b/x.fp16.safetensors");
    assert_eq!(local_name(&named, true), format!("a.b/x.fp16-{}.safetensors", sha256(1).short(8)));
    let nobody_knows = Model { sha256: None, ..named };
    assert_eq!(local_name(&nobody_knows, true), "a.b/x.fp16.safetensors");
}

#[test]
fn a_decision_whose_file_is_away_yields_to_no_mere_likeness() {
    let studio = committed();
    for likeness in ["checkpoints/sub/X.safetensors", "checkpoints/theirs/x.safetensors"] {
        let reading = read_here(&studio, &live("sub/x.safetensors"), vec![known(2, likeness)]);
        assert_eq!(reading.mentions[0].key, Some(key(1)), "{likeness}");
        assert!(!reading.changed);
    }
}
