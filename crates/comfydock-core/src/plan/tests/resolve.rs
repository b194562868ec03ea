//! What is asked, and what answers change.

use super::*;
use crate::category::Criticality;
use crate::manifest::ModelStatus;
use crate::plan::resolve::{Answer, Likeness, Question, Settled, Sheet, settle};

impl Studio {
    fn observe<T>(&self, then: impl FnOnce(&Sheet<'_>) -> T) -> T {
        let library = self.library();
        let sheet = Sheet::read(&Observed {
            manifest: &self.manifest,
            tracked: &self.tracked,
            live: &self.live,
            library: &library,
            now: NOW,
        });
        then(&sheet.unwrap())
    }

    fn questions(&self, workflow: &str) -> Vec<Question> {
        self.observe(|sheet| sheet.questions(workflow))
    }

    fn open(&self, workflow: &str) -> Vec<Question> {
        self.questions(workflow).into_iter().filter(|question| !question.skipped).collect()
    }

    /// Answers every question of a workflow alike.
    pub(super) fn answer(&mut self, workflow: &str, answer: &Answer) -> Settled {
        let mut document = self.manifest.clone();
        let settled = self.observe(|sheet| {
            let questions = sheet.questions(workflow);
            let answers: Vec<_> = questions.iter().map(|question| (question, answer.clone())).collect();
            settle(sheet, workflow, &answers, &[], &mut document)
        });
        self.take(&settled, document);
        settled
    }

    /// Answers nothing, and puts models in the place of others.
    fn settle(&mut self, workflow: &str, substitutions: &[(String, String)]) -> Settled {
        let mut document = self.manifest.clone();
        let settled = self.observe(|sheet| settle(sheet, workflow, &[], substitutions, &mut document));
        self.take(&settled, document);
        settled
    }

    fn take(&mut self, settled: &Settled, document: Document) {
        self.manifest = document;
        self.live.extend(settled.workflows.clone());
        for bring in &settled.brings {
            let lies_there =
                |model: &&mut KnownModel| model.places.iter().chain(&model.elsewhere).any(|place| *place == bring.from);
            let model = self.models.iter_mut().find(lies_there).unwrap();
            model.places.push(place(0, &bring.relative_path));
        }
    }
}

fn names(question: &Question) -> Vec<&str> {
    question.choices.iter().map(|choice| choice.name.as_str()).collect()
}

#[test]
fn different_models_of_one_name_are_asked_about_and_the_choice_is_written_into_the_workflow() {
    let models = vec![known(1, "checkpoints/a/x.safetensors"), known(2, "checkpoints/b/x.safetensors")];
    let mut studio = Studio::with(models, &[checkpoint(4, "x.safetensors"), checkpoint(5, "x.safetensors")]);
    let questions = studio.questions("hero");
    assert_eq!(questions.len(), 1, "one name in one category is one question");
    assert_eq!(questions[0].uses.len(), 2);
    assert_eq!(names(&questions[0]), ["a/x.safetensors", "b/x.safetensors"]);
    assert!(questions[0].choices.iter().all(|choice| choice.likeness == Likeness::SameName));

    let settled = studio.answer("hero", &Answer::Use(key(2)));
    assert_eq!(settled.workflows["hero"].matches("b/x.safetensors").count(), 2);
    assert_eq!(studio.questions("hero"), []);
    assert!(studio.commit().open.is_empty());
    assert_eq!(studio.said().workflows["hero"][0].hash, Some(key(2)));
    studio.assert_quiet();
}

#[test]
fn one_model_in_several_places_is_no_question() {
    let mut model = known(1, "checkpoints/a/x.safetensors");
    model.places.push(place(1, "checkpoints/b/x.safetensors"));
    let studio = Studio::with(vec![model], &[checkpoint(4, "x.safetensors")]);
    assert_eq!(studio.questions("hero"), []);
}

#[test]
fn what_is_skipped_is_not_asked_again_until_the_name_changes_committed_or_not() {
    let mut studio = Studio::with(Vec::new(), &[checkpoint(4, "x.safetensors"), checkpoint(5, "y.safetensors")]);
    assert_eq!(studio.questions("hero").len(), 2);
    let settled = studio.answer("hero", &Answer::Skip);
    assert!(settled.workflows.is_empty(), "the workflow is left as it is");
    assert_eq!(studio.open("hero"), []);
    assert_eq!(studio.questions("hero").len(), 2, "and can be taken up again");
    let mut renamed = studio.clone();
    renamed.save("hero", &[checkpoint(4, "z.safetensors"), checkpoint(5, "y.safetensors")]);
    assert_eq!(
        renamed.open("hero").iter().map(|question| question.value.as_str()).collect::<Vec<_>>(),
        ["z.safetensors"]
    );

    assert!(studio.commit().open.is_empty());
    assert!(studio.said().workflows["hero"].iter().all(|entry| entry.status == ModelStatus::Skipped));
    assert!(
        studio.said().workflows["hero"].iter().all(|entry| entry.nodes[0].value.is_none()),
        "the tracked copy says it now"
    );
    studio.assert_quiet();
    assert_eq!(studio.open("hero"), []);
    studio.save("hero", &[checkpoint(4, "z.safetensors"), checkpoint(5, "y.safetensors")]);
    assert_eq!(studio.open("hero").len(), 1);
}

#[test]
fn a_skip_ends_when_a_file_of_the_name_turns_up() {
    let mut studio = Studio::with(Vec::new(), &[checkpoint(4, "x.safetensors")]);
    studio.answer("hero", &Answer::Skip);
    studio.models.push(known(1, "checkpoints/x.safetensors"));
    studio.commit();
    assert_eq!(studio.said().workflows["hero"][0].status, ModelStatus::Resolved);
}

#[test]
fn a_substitution_holds_in_every_workflow_and_is_offered_where_the_model_comes_up_again() {
    let models = vec![known(1, "checkpoints/old.safetensors"), known(2, "checkpoints/other.safetensors")];
    let mut studio = Studio::with(models, &[checkpoint(4, "old.safetensors")]);
    studio.save("second", &[checkpoint(7, "old.safetensors")]);
    studio.commit();
    studio.models.remove(0);
    let questions = studio.questions("hero");
    assert_eq!(questions[0].absent.as_ref().map(|(key, _)| key.clone()), Some(key(1)));

    let settled = studio.answer("hero", &Answer::Use(key(2)));
    assert_eq!(settled.workflows.len(), 2, "a substitution is global");
    assert_eq!(studio.said().substitutions[&key(1)].with, key(2));
    assert_eq!(studio.said().substitutions[&key(1)].sha256, Some(sha256(1)));
    studio.commit();
    assert_eq!(studio.said().workflows_using(&key(2)), ["hero", "second"]);
    assert!(!studio.said().models.contains_key(&key(1)));
    studio.assert_quiet();

    studio.save("third", &[checkpoint(1, "old.safetensors")]);
    let questions = studio.questions("third");
    assert_eq!(
        (names(&questions[0])[0], questions[0].choices[0].likeness),
        ("other.safetensors", Likeness::Substitute)
    );
}

#[test]
fn a_model_that_is_here_can_be_replaced_too() {
    let models = vec![known(1, "checkpoints/old.safetensors"), known(2, "checkpoints/new.safetensors")];
    let mut studio = Studio::with(models, &[checkpoint(4, "old.safetensors")]);
    studio.commit();
    studio.settle("hero", &[(key(1), key(2))]);
    studio.commit();
    assert_eq!(studio.said().workflows["hero"][0].hash, Some(key(2)));
    assert_eq!(studio.said().substitutions[&key(1)].filename, "old.safetensors");
}

#[test]
fn a_file_in_another_category_is_brought_in_under_a_free_name() {
    let mut other = known(2, "loras/x.safetensors");
    other.places[0].root = 1;
    let models = vec![other, known(3, "checkpoints/x.safetensors")];
    let mut studio = Studio::with(models, &[checkpoint(4, "missing.safetensors")]);
    let settled = studio.answer("hero", &Answer::Use(key(2)));
    let name = format!("x-{}.safetensors", sha256(2).short(8));
    assert_eq!(settled.brings[0].relative_path, format!("checkpoints/{name}"));
    assert!(settled.workflows["hero"].contains(&name));
    studio.commit();
    assert_eq!(studio.said().workflows["hero"][0].hash, Some(key(2)));
}

#[test]
fn a_question_says_how_much_it_matters_and_what_the_author_told() {
    let told = says("dreamlike.safetensors", r#""url":"https://example.org/x.safetensors","directory":"checkpoints""#);
    let node = loader(4, "CheckpointLoaderSimple", &["dreamlike.safetensors"], &told);
    let studio = Studio::with(vec![known(1, "checkpoints/dreamlike_v2.safetensors")], &[node]);
    let questions = studio.questions("hero");
    assert_eq!(questions[0].criticality, Criticality::Flexible);
    assert_eq!(questions[0].told[0].url, "https://example.org/x.safetensors");
    assert!(matches!(questions[0].choices[0].likeness, Likeness::Similar(score) if score >= 0.5));
}

#[test]
fn a_model_that_is_here_under_another_name_is_no_question_and_is_written_so_that_comfyui_finds_it() {
    let models = vec![known(1, "loras/style/foo.safetensors"), known(2, "checkpoints/X.safetensors")];
    let nodes = [
        loader(1, "LoraLoader", &["foo.safetensors"], ""),
        loader(2, "LoraLoader", &["STYLE\\foo.safetensors"], ""),
        loader(3, "LoraLoader", &["style/foo.safetensors"], ""),
        checkpoint(4, "checkpoints/X.safetensors"),
        loader(5, "CLIPTextEncode", &["no <lora:foo:1> here"], ""),
    ];
    let mut studio = Studio::with(models, &nodes);
    assert_eq!(studio.questions("hero"), []);
    let told = studio.observe(|sheet| sheet.misnamed("hero"));
    let told: Vec<_> = told.iter().map(|known| (known.value.as_str(), known.name.as_deref().unwrap())).collect();
    let expected = [
        ("foo.safetensors", "style/foo.safetensors"),
        ("STYLE\\foo.safetensors", "style/foo.safetensors"),
        ("checkpoints/X.safetensors", "X.safetensors"),
    ];
    assert_eq!(told, expected);
    assert_eq!(studio.commit().misnamed.len(), 3, "a commit records what is meant, and says so");

    let settled = studio.settle("hero", &[]);
    assert_eq!(settled.workflows["hero"].matches(r#"["style/foo.safetensors"]"#).count(), 3);
    assert!(settled.workflows["hero"].contains(r#"["X.safetensors"]"#));
    assert!(settled.workflows["hero"].contains("<lora:foo:1>"));
    assert_eq!(settled.renamed.len(), 3);
    assert!(studio.observe(|sheet| sheet.misnamed("hero")).is_empty());
    assert!(studio.plan().misnamed.is_empty());
    // The tracked copy keeps the spelling it had: this is no change to tell others of (decision 6).
    studio.assert_quiet();
}

#[test]
fn what_rests_is_written_anew_and_told_to_nobody() {
    let resting = loader(1, "LoraLoader", &["foo.safetensors"], r#","mode":4"#);
    let mut studio = Studio::with(vec![known(1, "loras/style/foo.safetensors")], &[resting]);
    assert!(studio.plan().misnamed.is_empty());
    assert!(studio.settle("hero", &[]).workflows["hero"].contains("style/foo.safetensors"));
}

#[test]
fn a_file_that_comfyui_does_not_look_for_is_linked_in_under_the_name_it_is_asked_for() {
    let cached = KnownModel {
        places: Vec::new(),
        elsewhere: vec![place(3, "models--org--repo/snapshots/abc/other.safetensors")],
        ..known(1, "x")
    };
    let told = says(
        "sub/hero.safetensors",
        &format!(r#""url":"https://example.org/x","directory":"loras","hash":"{}","hash_type":"SHA256""#, sha256(1)),
    );
    let node = loader(1, "LoraLoader", &["sub/hero.safetensors"], &told);
    let mut studio = Studio::with(vec![cached], &[node]);
    assert_eq!(studio.questions("hero"), []);
    let plan = studio.plan();
    assert!(plan.open.is_empty());
    assert_eq!(plan.misnamed[0].name, None);
    let recorded = &plan.manifest.manifest().unwrap().models[&key(1)];
    assert_eq!(recorded.relative_path.as_str(), "loras/sub/hero.safetensors");

    let settled = studio.settle("hero", &[]);
    assert_eq!(settled.brings[0].relative_path, "loras/sub/hero.safetensors");
    assert!(settled.workflows.is_empty(), "the name may stay");
    assert!(studio.plan().misnamed.is_empty());
}

#[test]
fn another_file_of_the_name_is_asked_about_and_the_answer_is_remembered() {
    let told = says(
        "x.safetensors",
        &format!(
            r#""url":"https://example.org/x","directory":"checkpoints","hash":"{}","hash_type":"SHA256""#,
            sha256(7)
        ),
    );
    let node = loader(4, "CheckpointLoaderSimple", &["x.safetensors"], &told);
    let mut studio = Studio::with(vec![known(1, "checkpoints/x.safetensors")], std::slice::from_ref(&node));
    let questions = studio.questions("hero");
    assert_eq!(questions[0].choices[0].likeness, Likeness::OtherFile);
    assert_eq!(studio.plan().open.len(), 1, "never one file for another without a word");

    // The right one is here too, under another name.
    let mut both = studio.clone();
    both.models.push(known(7, "checkpoints/right.safetensors"));
    let likely: Vec<_> = both.questions("hero")[0].choices.iter().map(|choice| choice.likeness).collect();
    assert_eq!(likely[..2], [Likeness::SameContent, Likeness::OtherFile]);
    both.answer("hero", &Answer::Use(key(7)));
    assert_eq!(both.questions("hero"), []);
    assert!(both.live["hero"].contains(r#"["right.safetensors"]"#));

    let settled = studio.answer("hero", &Answer::Use(key(1)));
    assert!(settled.workflows.is_empty(), "the name is the right one already");
    assert_eq!(studio.questions("hero"), []);
    assert!(studio.commit().open.is_empty());
    assert_eq!(studio.said().workflows["hero"][0].hash, Some(key(1)));
    studio.assert_quiet();
    assert_eq!(studio.questions("hero"), [], "after the commit too");
}

#[test]
fn a_file_that_is_proved_to_be_another_one_is_not_taken_for_its_name() {
    let told = says(
        "thing.safetensors",
        &format!(r#""url":"https://example.org/x","directory":"loras","hash":"{}","hash_type":"SHA256""#, sha256(1)),
    );
    let node = loader(4, "LoraLoader", &["thing.safetensors"], &told);
    let models = vec![known(1, "loras/renamed.safetensors"), known(2, "loras/b/thing.safetensors")];
    let mut studio = Studio::with(models, std::slice::from_ref(&node));
    assert_eq!(studio.questions("hero"), []);
    studio.settle("hero", &[]);
    assert!(studio.live["hero"].contains(r#"["renamed.safetensors"]"#));
    studio.commit();
    assert_eq!(studio.said().workflows["hero"][0].hash, Some(key(1)));
}
