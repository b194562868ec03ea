//! What a commit records of models.

use super::super::commit::Change;
use super::*;
use crate::plan::resolve::Answer;
use crate::workflow::{Metadata, Workflow};

const SOURCE: &str = r#""url":"https://example.org/x.safetensors","directory":"checkpoints""#;

fn recorded(studio: &Studio, number: u32) -> Model {
    studio.said().models[&key(number)].clone()
}

fn sources(studio: &Studio, number: u32) -> Vec<String> {
    recorded(studio, number).sources.iter().map(ToString::to_string).collect()
}

fn saying(rest: &str) -> Studio {
    let node = loader(4, "CheckpointLoaderSimple", &["x.safetensors"], &says("x.safetensors", rest));
    Studio::with(vec![known(1, "checkpoints/x.safetensors")], &[node])
}

#[test]
fn a_full_hash_that_came_later_changes_only_what_is_known_of_the_model() {
    let node = checkpoint(4, "x.safetensors");
    let mut studio = Studio::with(vec![unmeasured(1, "checkpoints/x.safetensors")], &[node]);
    let plan = studio.commit();
    assert_eq!(plan.unmeasured, [(1, 1001)], "the row and its bytes, for an estimate");
    assert_eq!(recorded(&studio, 1).sha256, None);

    studio.models = vec![known(1, "checkpoints/x.safetensors")];
    let plan = studio.commit();
    assert_eq!(plan.changes["hero"], Change::Models);
    assert_eq!(recorded(&studio, 1).sha256, Some(sha256(1)));
    let tracked = Workflow::parse(studio.tracked["hero"].clone()).unwrap();
    let metadata = Metadata::of(&tracked).unwrap().unwrap();
    assert_eq!(metadata.models["4"].refs[0].sha256, Some(sha256(1)));
    studio.assert_quiet();
}

#[test]
fn a_model_that_went_away_keeps_what_is_known_of_it() {
    let mut studio = saying(SOURCE);
    studio.commit();
    studio.models.clear();
    studio.assert_quiet();
}

#[test]
fn embedded_sources_are_taken_once_and_in_canonical_spelling() {
    let mut studio = saying(r#""url":"https://huggingface.co/o/r/blob/main/x.safetensors?download=true""#);
    studio.models[0].sources.push(source("civitai:1/2"));
    studio.commit();
    let expected = ["civitai:1/2", "https://huggingface.co/o/r/resolve/main/x.safetensors"];
    assert_eq!(sources(&studio, 1), expected);
    studio.assert_quiet();
}

#[test]
fn a_source_alone_never_rewrites_a_tracked_copy() {
    let mut studio = saying(SOURCE);
    studio.commit();
    studio.models[0].sources.push(source("https://other.example/x.safetensors"));
    let plan = studio.commit();
    assert!(plan.changes.is_empty() && plan.workflows.is_empty());
    assert_eq!(sources(&studio, 1), ["https://example.org/x.safetensors", "https://other.example/x.safetensors"]);
    studio.assert_quiet();
}

#[test]
fn a_secret_in_an_embedded_url_is_neither_recorded_nor_repeated() {
    for url in [
        "https://civitai.com/api/download/models/1?token=hunter2",
        "https://s3.example.org/x.safetensors?X-Amz-Signature=hunter2",
        "https://me:hunter2@example.org/x.safetensors",
    ] {
        let mut studio = saying(&format!(r#""url":"{url}""#));
        let plan = studio.commit();
        assert_eq!(sources(&studio, 1), [""; 0]);
        assert_eq!(plan.warnings.len(), 1);
        assert!(plan.warnings[0].contains("`hero`") && plan.warnings[0].contains("secret"), "{:?}", plan.warnings);
        assert!(!plan.warnings[0].contains("hunter2"), "{:?}", plan.warnings);
        assert!(!studio.manifest.text().contains("hunter2"));
    }
}

#[test]
fn an_authors_hash_that_is_another_is_asked_about_then_warned_of_and_its_source_is_not_believed() {
    let claim = |sha256: &Sha256| format!(r#"{SOURCE},"hash_type":"SHA256","hash":"{sha256}""#);
    let mut studio = saying(&claim(&sha256(9)));
    assert_eq!(studio.plan().open[0].candidates, [key(1)]);
    studio.answer("hero", &Answer::Use(key(1)));
    let plan = studio.commit();
    assert!(plan.open.is_empty());
    assert!(plan.warnings[0].contains("not the file its author used"), "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains(sha256(1).short(8)) && plan.warnings[0].contains(sha256(9).short(8)));
    assert_eq!(sources(&studio, 1), [""; 0]);

    let mut studio = saying(&claim(&sha256(1)));
    assert_eq!(studio.commit().warnings, [""; 0]);
    assert_eq!(sources(&studio, 1), ["https://example.org/x.safetensors"]);
}

#[test]
fn two_models_of_one_quick_hash_stay_two() {
    let twin = KnownModel { id: 2, quick: QuickHash::parse(&key(1)).unwrap(), ..known(2, "checkpoints/y.safetensors") };
    let nodes = [checkpoint(4, "x.safetensors"), checkpoint(5, "y.safetensors")];
    let mut studio = Studio::with(vec![known(1, "checkpoints/x.safetensors"), twin], &nodes);
    studio.commit();
    let suffixed = format!("{}-{}", key(1), sha256(2).short(8));
    let manifest = studio.said();
    let identities: Vec<_> = manifest.models.iter().map(|(key, model)| (key.clone(), model.sha256.clone())).collect();
    assert_eq!(identities, [(key(1), Some(sha256(1))), (suffixed.clone(), Some(sha256(2)))]);
    assert!(studio.tracked["hero"].contains(&suffixed), "the metadata has the same key");
    studio.assert_quiet();

    // The key belongs to the model, not to the order in which an index happens to list them.
    studio.models.reverse();
    studio.models.iter_mut().zip([1, 2]).for_each(|(model, id)| model.id = id);
    studio.assert_quiet();
    // It stays when the other is neither used nor here any more.
    studio.save("hero", &[checkpoint(5, "y.safetensors")]);
    studio.models.retain(|model| model.sha256 == Some(sha256(2)));
    studio.commit();
    assert_eq!(studio.said().models.keys().cloned().collect::<Vec<_>>(), [suffixed]);
    studio.assert_quiet();
}

#[test]
fn a_model_no_longer_referred_to_is_dropped() {
    let models = vec![known(1, "checkpoints/x.safetensors"), known(2, "checkpoints/y.safetensors")];
    let mut studio = Studio::with(models, &[checkpoint(4, "x.safetensors")]);
    studio.commit();
    studio.save("hero", &[checkpoint(4, "y.safetensors")]);
    assert_eq!(studio.commit().changes["hero"], Change::Changed);
    assert_eq!(studio.said().models.keys().cloned().collect::<Vec<_>>(), [key(2)]);
    studio.assert_quiet();
}

#[test]
fn of_several_places_the_one_the_loader_sees_is_recorded() {
    let mut model = known(1, "loras/x.safetensors");
    model.places.push(place(1, "checkpoints/b/x.safetensors"));
    model.places.push(place(0, "checkpoints/a/x.safetensors"));
    let mut studio = Studio::with(vec![model], &[checkpoint(4, "b/x.safetensors")]);
    studio.commit();
    let recorded = recorded(&studio, 1);
    assert_eq!((recorded.relative_path.folder(), recorded.category.as_str()), ("checkpoints", "checkpoints"));
}

#[test]
fn one_model_in_several_places_is_one_entry_with_all_of_them() {
    let nodes = [checkpoint(4, "x.safetensors"), checkpoint(7, "x.safetensors")];
    let mut studio = Studio::with(vec![known(1, "checkpoints/x.safetensors")], &nodes);
    studio.commit();
    let manifest = studio.said();
    assert_eq!(manifest.workflows["hero"].len(), 1);
    let nodes: Vec<_> = manifest.workflows["hero"][0].nodes.iter().map(|at| at.node_id.as_str()).collect();
    assert_eq!(nodes, ["4", "7"]);
}
