//! What is not settled, and what of it stops a commit.

use super::super::commit::{Change, Open, missing_here, stops};
use super::*;
use crate::category::Criticality;
use crate::manifest::{ModelStatus, WorkflowModel};

const MUTED: &str = r#","mode":2"#;
const BYPASSED: &str = r#","mode":4"#;

fn stopping(open: &[Open]) -> Vec<&str> {
    stops(open).map(|open| open.value.as_str()).collect()
}

/// The manifest's entry for the only model of the only workflow, changed by its user.
fn choose(studio: &mut Studio, change: impl Fn(&mut WorkflowModel)) {
    let mut entries = studio.said().workflows["hero"].clone();
    entries.iter_mut().for_each(change);
    studio.manifest.set_workflow("hero", &entries);
}

#[test]
fn a_name_that_means_nothing_stops_and_says_where() {
    let mut studio = Studio::with(Vec::new(), &[checkpoint(4, "x.safetensors")]);
    let plan = studio.commit();
    let open = &plan.open[0];
    assert_eq!((open.workflow.as_str(), open.value.as_str()), ("hero", "x.safetensors"));
    assert_eq!(open.node, "node 4 (CheckpointLoaderSimple)");
    assert_eq!((open.candidates.len(), open.criticality), (0, Criticality::Flexible));
    assert_eq!(stopping(&plan.open), ["x.safetensors"]);
    let entry = &studio.said().workflows["hero"][0];
    assert_eq!((entry.status, entry.hash.as_deref()), (ModelStatus::Unresolved, None));
    studio.assert_quiet();

    studio.models.push(known(1, "checkpoints/x.safetensors"));
    assert!(studio.commit().open.is_empty(), "once the file is there it is found");
    assert_eq!(studio.said().workflows["hero"][0].status, ModelStatus::Resolved);
}

#[test]
fn two_models_a_name_could_mean_are_a_question() {
    let models = vec![known(1, "checkpoints/a/x.safetensors"), known(2, "checkpoints/b/x.safetensors")];
    let mut studio = Studio::with(models, &[checkpoint(4, "x.safetensors")]);
    let plan = studio.commit();
    assert_eq!(plan.open[0].candidates, [key(1), key(2)]);
    assert_eq!(stopping(&plan.open), ["x.safetensors"]);
    assert!(studio.said().models.is_empty());
}

#[test]
fn what_only_resting_nodes_name_is_optional() {
    for mode in [MUTED, BYPASSED] {
        let resting = loader(4, "CheckpointLoaderSimple", &["x.safetensors"], mode);
        let mut studio = Studio::with(Vec::new(), std::slice::from_ref(&resting));
        let plan = studio.commit();
        assert_eq!(plan.open[0].criticality, Criticality::Optional);
        assert_eq!(stopping(&plan.open), [""; 0]);

        let mut studio = Studio::with(Vec::new(), &[resting, checkpoint(5, "x.safetensors")]);
        assert_eq!(stopping(&studio.commit().open), ["x.safetensors", "x.safetensors"], "one node runs");
    }
}

#[test]
fn criticality_comes_from_the_category_until_the_user_chooses() {
    let nodes = [checkpoint(1, "x.safetensors"), loader(2, "ControlNetLoader", &["c.safetensors"], "")];
    let models = vec![known(1, "checkpoints/x.safetensors"), known(2, "controlnet/c.safetensors")];
    let mut studio = Studio::with(models, &nodes);
    studio.commit();
    let criticality =
        |studio: &Studio| studio.said().workflows["hero"].iter().map(|entry| entry.criticality).collect::<Vec<_>>();
    assert_eq!(criticality(&studio), [Criticality::Flexible, Criticality::Required]);

    choose(&mut studio, |entry| entry.criticality = Criticality::Optional);
    studio.commit();
    assert!(studio.said().workflows["hero"].iter().all(|entry| entry.chosen), "an edit by hand is a choice");
    studio.assert_quiet();
    // Neither another change of the workflow nor the model's going takes the choice away.
    studio.save("hero", &[nodes[0].clone(), nodes[1].clone(), r#"{"id":3,"type":"Note"}"#.to_owned()]);
    studio.commit();
    assert_eq!(criticality(&studio), [Criticality::Optional; 2]);
    studio.models.clear();
    assert_eq!(stopping(&studio.commit().open), [""; 0]);
    assert_eq!(criticality(&studio), [Criticality::Optional; 2]);
}

#[test]
fn what_the_user_skipped_is_not_asked_again_until_the_widget_names_something_else() {
    let mut studio = Studio::with(Vec::new(), &[checkpoint(4, "x.safetensors")]);
    studio.commit();
    choose(&mut studio, |entry| entry.status = ModelStatus::Skipped);
    assert!(studio.commit().open.is_empty());
    assert_eq!(studio.said().workflows["hero"][0].status, ModelStatus::Skipped);
    assert!(studio.tracked["hero"].contains(r#""status":"skipped""#));
    studio.assert_quiet();

    studio.save("hero", &[checkpoint(4, "y.safetensors")]);
    assert_eq!(stopping(&studio.commit().open), ["y.safetensors"]);
    assert_eq!(studio.said().workflows["hero"][0].status, ModelStatus::Unresolved);
}

#[test]
fn a_yaml_config_is_no_model() {
    let node = loader(4, "CheckpointLoader", &["v1-inference.yaml", "x.safetensors"], "");
    let mut studio = Studio::with(vec![known(1, "checkpoints/x.safetensors")], &[node]);
    assert!(studio.commit().open.is_empty());
    assert_eq!(studio.said().workflows["hero"][0].nodes[0].widget_index, 1);
}

#[test]
fn what_comfyui_would_not_find_is_told_by_workflow() {
    let nodes = [checkpoint(1, "x.safetensors"), checkpoint(2, "gone.safetensors")];
    let mut studio = Studio::with(vec![known(1, "checkpoints/x.safetensors")], &nodes);
    studio.save("empty", &[]);
    studio.commit();
    let told = |studio: &Studio| missing_here(&studio.said(), &studio.library());
    assert_eq!(told(&studio)["hero"], ["gone.safetensors"]);
    assert_eq!(told(&studio)["empty"], [""; 0]);
    studio.models[0].places = vec![place(0, "loras/x.safetensors")];
    assert_eq!(
        told(&studio)["hero"],
        ["gone.safetensors", "x.safetensors"],
        "a loader of checkpoints does not look there"
    );
}

#[test]
fn a_choice_is_kept_when_the_file_turns_up_in_another_case() {
    let mut studio = Studio::with(Vec::new(), &[checkpoint(4, "x.safetensors")]);
    studio.commit();
    choose(&mut studio, |entry| entry.criticality = Criticality::Optional);
    studio.commit();
    studio.models.push(known(1, "checkpoints/X.safetensors"));
    studio.commit();
    assert_eq!(studio.said().workflows["hero"][0].criticality, Criticality::Optional);
}

#[test]
fn two_models_of_one_file_name_have_a_choice_each() {
    let models = vec![known(1, "checkpoints/a/x.safetensors"), known(2, "checkpoints/b/x.safetensors")];
    let nodes = [checkpoint(4, "a/x.safetensors"), checkpoint(5, "b/x.safetensors")];
    let mut studio = Studio::with(models, &nodes);
    studio.commit();
    choose(&mut studio, |entry| {
        if entry.hash == Some(key(2)) {
            entry.criticality = Criticality::Optional;
        }
    });
    studio.commit();
    assert_eq!(studio.said().workflows["hero"].iter().map(|entry| entry.chosen).collect::<Vec<_>>(), [false, true]);
    studio.assert_quiet();
}

#[test]
fn another_name_that_means_nothing_either_is_a_change() {
    let mut studio = Studio::with(Vec::new(), &[checkpoint(4, "x.safetensors")]);
    studio.commit();
    studio.save("hero", &[checkpoint(4, "y.safetensors")]);
    assert_eq!(studio.commit().changes["hero"], Change::Changed);
    assert!(studio.tracked["hero"].contains(r#"["y.safetensors"]"#), "{}", studio.tracked["hero"]);
}

#[test]
fn what_only_rests_is_optional_until_it_runs_and_a_choice_outlasts_both() {
    let bypassed = loader(4, "CheckpointLoaderSimple", &["x.safetensors"], r#","mode":4"#);
    let running = checkpoint(4, "x.safetensors");
    let criticality = |studio: &Studio| studio.said().workflows["hero"][0].criticality;
    let mut studio = Studio::with(vec![known(1, "checkpoints/x.safetensors")], std::slice::from_ref(&bypassed));
    studio.commit();
    assert_eq!(criticality(&studio), Criticality::Optional);
    studio.save("hero", std::slice::from_ref(&running));
    studio.commit();
    assert_eq!(criticality(&studio), Criticality::Flexible, "it runs now");
    studio.save("hero", std::slice::from_ref(&bypassed));
    studio.commit();
    assert_eq!(criticality(&studio), Criticality::Optional, "it rests again");

    choose(&mut studio, |entry| entry.chosen = true);
    studio.save("hero", std::slice::from_ref(&running));
    studio.commit();
    assert_eq!(criticality(&studio), Criticality::Optional, "somebody chose that");
}

#[test]
fn what_a_file_says_of_itself_finds_its_models_where_their_names_do_not() {
    let metadata = |sha256: &Sha256| {
        format!(
            r#"{{"nodes":[{}],"extra":{{"_comfydock_metadata":{{"version":"0.2.0","models":{{"4":{{"node_type":"CheckpointLoaderSimple","refs":[{{"widget_index":0,"path":"theirs.safetensors","hash":"{}","sha256":"{sha256}"}}]}}}}}}}}}}"#,
            checkpoint(4, "theirs.safetensors"),
            key(9)
        )
    };
    let mut studio = Studio::new(vec![known(1, "checkpoints/mine.safetensors")]);
    studio.live.insert("hero".to_owned(), metadata(&sha256(1)));
    assert!(studio.plan().open.is_empty(), "its SHA-256 is that of a file here");
    studio.live.insert("hero".to_owned(), metadata(&sha256(2)));
    assert_eq!(stopping(&studio.plan().open), ["theirs.safetensors"]);
}

#[test]
fn a_folder_stops_no_commit_and_is_named_because_it_does_not_travel() {
    let node = |mode| loader(4, "DiffusersLoader", &["stable-diffusion/v1"], mode);
    let mut studio = Studio::with(Vec::new(), &[node("")]);
    let plan = studio.commit();
    assert!(plan.open.is_empty());
    assert!(plan.warnings[0].contains("`stable-diffusion/v1` at node 4"), "{:?}", plan.warnings);
    let resting = Studio::with(Vec::new(), &[node(r#","mode":4"#)]);
    assert!(resting.plan().warnings.is_empty());
}
