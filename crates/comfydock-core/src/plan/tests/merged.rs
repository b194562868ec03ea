//! A merge that was committed leaves nothing to commit.

use super::*;
use crate::diff::State;
use crate::merge::{Answer, Answers, merge};

/// The studio after it took a merge of its own state and another's.
fn after(base: &Studio, ours: &Studio, theirs: &Studio, answers: &Answers) -> Studio {
    let files = BTreeMap::new();
    let texts = [base, ours, theirs].map(|studio| studio.manifest.text());
    let state = |studio: usize| State {
        manifest: &texts[studio],
        workflows: &[base, ours, theirs][studio].tracked,
        files: &files,
    };
    let found = merge(state(0), state(1), state(2), answers, "2025-11-28T12:00:00Z").unwrap();
    assert_eq!(found.questions, []);
    let live = found.workflows.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
    Studio { manifest: found.document, tracked: found.workflows, live, models: ours.models.clone() }
}

#[test]
fn nothing_is_left_to_commit_after_a_merge() {
    let models = || {
        vec![
            known(1, "checkpoints/one.safetensors"),
            known(2, "checkpoints/two.safetensors"),
            known(3, "checkpoints/three.safetensors"),
        ]
    };
    let mut base = Studio::with(models(), &[checkpoint(1, "one.safetensors")]);
    base.save("other", &[checkpoint(1, "two.safetensors")]);
    base.commit();
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.save("hero", &[checkpoint(1, "one.safetensors"), checkpoint(2, "three.safetensors")]);
    ours.save("mine", &[checkpoint(7, "two.safetensors")]);
    ours.commit();
    theirs.save("hero", &[checkpoint(1, "two.safetensors")]);
    theirs.save("yours", &[checkpoint(8, "three.safetensors"), checkpoint(9, "nowhere.safetensors")]);
    theirs.live.remove("other");
    theirs.commit();
    for answer in [Answer::Ours, Answer::Theirs, Answer::Both] {
        let answers = Answers { workflows: Some(answer), ..Answers::default() };
        let merged = after(&base, &ours, &theirs, &answers);
        merged.assert_quiet();
        after(&base, &theirs, &ours, &answers).assert_quiet();
        let said = merged.said();
        assert!(said.workflows.contains_key("mine") && said.workflows.contains_key("yours"));
        assert!(!said.workflows.contains_key("other"));
        assert_eq!(said.workflows.contains_key("hero (mine)"), answer == Answer::Both);
    }
}

#[test]
fn choices_made_on_either_side_are_kept_and_quiet() {
    // Measured there, not yet here.
    let mut base = Studio::with(
        vec![unmeasured(1, "loras/one.safetensors")],
        &[loader(1, "LoraLoaderModelOnly", &["one.safetensors"], "")],
    );
    base.save("other", &[checkpoint(1, "nowhere.safetensors")]);
    base.commit();
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    theirs.models = vec![known(1, "loras/one.safetensors")];
    theirs.commit();
    let mut models = ours.said().workflows["other"].clone();
    models[0].status = crate::manifest::ModelStatus::Skipped;
    ours.manifest.set_workflow("other", &models);
    ours.commit();
    let mut merged = after(&base, &ours, &theirs, &Answers::default());
    let said = merged.said();
    assert_eq!(said.models[&key(1)].sha256, Some(sha256(1)));
    assert_eq!(said.workflows["other"][0].status, crate::manifest::ModelStatus::Skipped);
    merged.assert_quiet();
    merged.models = theirs.models.clone();
    merged.assert_quiet();
}
