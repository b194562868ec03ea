//! What is asked, and what answers change.

use super::*;
use crate::category::Criticality;
use crate::manifest::ModelStatus;
use crate::plan::resolve::{Answer, Likeness, Question, Settled, Sheet, settle, substitute};

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

    /// Answers every question of a workflow alike.
    fn answer(&mut self, workflow: &str, answer: &Answer) -> Settled {
        let mut document = self.manifest.clone();
        let settled = self.observe(|sheet| {
            let questions = sheet.questions(workflow);
            let answers: Vec<_> = questions.iter().map(|question| (question, answer.clone())).collect();
            settle(sheet, workflow, &answers, &mut document)
        });
        self.take(&settled, document);
        settled
    }

    fn take(&mut self, settled: &Settled, document: Document) {
        self.manifest = document;
        self.live.extend(settled.workflows.clone());
        for bring in &settled.brings {
            let model = self.models.iter_mut().find(|model| model.places.contains(&bring.from)).unwrap();
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
    assert_eq!(studio.questions("hero"), []);
    let mut renamed = studio.clone();
    renamed.save("hero", &[checkpoint(4, "z.safetensors"), checkpoint(5, "y.safetensors")]);
    assert_eq!(
        renamed.questions("hero").iter().map(|question| question.value.as_str()).collect::<Vec<_>>(),
        ["z.safetensors"]
    );

    assert!(studio.commit().open.is_empty());
    assert!(studio.said().workflows["hero"].iter().all(|entry| entry.status == ModelStatus::Skipped));
    assert!(
        studio.said().workflows["hero"].iter().all(|entry| entry.nodes[0].value.is_none()),
        "the tracked copy says it now"
    );
    studio.assert_quiet();
    assert_eq!(studio.questions("hero"), []);
    studio.save("hero", &[checkpoint(4, "z.safetensors"), checkpoint(5, "y.safetensors")]);
    assert_eq!(studio.questions("hero").len(), 1);
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
    let mut document = studio.manifest.clone();
    let settled = studio.observe(|sheet| substitute(sheet, &key(1), &key(2), &mut document));
    studio.take(&settled, document);
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
