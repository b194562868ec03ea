//! Tracked workflows in a machine's own spelling.

use super::super::models::{localise, plan_models};
use super::*;
use crate::workflow::{Workflow, with_spelling_of, without_metadata};

/// The tracked copy as another machine with these models gets it.
fn arrives(studio: &Studio, models: Vec<KnownModel>) -> String {
    let manifest = studio.said();
    let steps = plan_models(&manifest, &Library::new(models, Some(&manifest)), &BTreeMap::new());
    localise("hero", &Workflow::parse(studio.tracked["hero"].clone()).unwrap(), &manifest, &steps)
}

fn sent(nodes: &[String]) -> Studio {
    let models = vec![known(1, "checkpoints/x.safetensors"), known(2, "loras/s/l.safetensors")];
    let mut studio = Studio::with(models, nodes);
    studio.commit();
    studio
}

#[test]
fn only_the_names_of_models_change_and_metadata_stays_behind() {
    let nodes = [
        checkpoint(4, "x.safetensors"),
        loader(5, "LoraLoaderModelOnly", &["s/l.safetensors", "1.0"], ""),
        r#"{"id":6,"type":"Note","widgets_values":["x.safetensors is ours"]}"#.to_owned(),
    ];
    let studio = sent(&nodes);
    let arrived = arrives(&studio, vec![known(1, "checkpoints/a/b.safetensors"), known(2, "loras/s/l.safetensors")]);
    let expected = studio.live["hero"].replacen(r#"["x.safetensors"]"#, r#"["a/b.safetensors"]"#, 1);
    assert_eq!(arrived, expected);
    assert_eq!(arrives(&studio, studio.models.clone()), studio.live["hero"], "nothing to say differently");
    assert_eq!(arrives(&studio, Vec::new()), studio.live["hero"], "missing models keep their names");
}

#[test]
fn mirrors_follow_and_an_unresolved_name_stays() {
    let mirrored = loader(
        4,
        "CheckpointLoaderSimple",
        &["x.safetensors"],
        &says("x.safetensors", r#""url":"https://example.org/x.safetensors""#),
    );
    let studio = sent(&[mirrored, checkpoint(5, "gone.safetensors")]);
    let arrived = arrives(&studio, vec![known(1, "checkpoints/y.safetensors"), known(3, "checkpoints/g.safetensors")]);
    assert_eq!(arrived.matches(r#""y.safetensors""#).count(), 2, "{arrived}");
    assert!(!arrived.contains(r#""x.safetensors""#) && arrived.contains("gone.safetensors"), "{arrived}");
}

#[test]
fn the_way_back_is_the_way_there() {
    let odd = r#"{ "nodes" : [{"id":4, "type":"CheckpointLoaderSimple","widgets_values":["x.safetensors" ], "n":1.0}],
"extra":{ "ds":{"scale":0.90000} } }
"#;
    let mut studio = Studio::new(vec![known(1, "checkpoints/x.safetensors")]);
    studio.live.insert("hero".to_owned(), odd.to_owned());
    studio.commit();
    let tracked = Workflow::parse(studio.tracked["hero"].clone()).unwrap();
    let arrived = arrives(&studio, vec![known(1, r#"checkpoints/ü "1"/y.safetensors"#)]);
    assert!(arrived.contains(r#"["ü \"1\"/y.safetensors" ]"#), "{arrived}");
    let back = with_spelling_of(&tracked, &Workflow::parse(arrived).unwrap(), |_, _| true);
    assert_eq!(back, odd);
    assert_eq!(without_metadata(tracked.text()).unwrap(), odd);
}
