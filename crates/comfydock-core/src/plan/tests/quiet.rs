//! The quiet loop as a property: whatever lies where on the receiving machine, what came and was
//! not touched is nothing to commit there.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::models::{Action, ModelStep, localise, plan_models};
use super::super::tracked::read;
use super::*;
use crate::category;
use crate::resolve::Index;
use crate::workflow::{Workflow, model_refs, with_spelling_of, without_metadata};

const FIXTURES: [(&str, &str); 5] = [
    ("3d", include_str!("../../../../../tests/fixtures/workflows/3d_hunyuan3d-v2.1.json")),
    ("flux/krea", include_str!("../../../../../tests/fixtures/workflows/flux1_krea_dev.json")),
    ("flux/schnell", include_str!("../../../../../tests/fixtures/workflows/flux_schnell.json")),
    ("lora", include_str!("../../../../../tests/fixtures/workflows/image_qwen_image_2512_with_2steps_lora.json")),
    ("edit", include_str!("../../../../../tests/fixtures/workflows/image_qwen_image_edit_2509.json")),
];

/// Where downloads and links go.
const TARGET: usize = 1;

/// Machine A after its commit of every fixture, each model where its loader finds it.
static SENDER: LazyLock<Studio> = LazyLock::new(|| {
    let mut studio = Studio::new(Vec::new());
    let mut seen = BTreeSet::new();
    for (name, text) in FIXTURES {
        studio.live.insert(name.to_owned(), text.to_owned());
        for reference in model_refs(&Workflow::parse(text.to_owned()).unwrap()) {
            let category = reference.category.expect("every loader of the fixtures is known");
            let path = format!("{}/{}", category::folders(&category)[0], reference.value);
            if seen.insert(path.clone()) {
                let mut model = known(u32::try_from(seen.len()).unwrap(), &path);
                model.sources.push(source("https://example.org/model.safetensors"));
                studio.models.push(model);
            }
        }
    }
    assert!(studio.commit().open.is_empty());
    studio.assert_quiet();
    studio
});

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| SENDER.said());

/// Where the receiver has a model.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Absent,
    Same,
    Subfolder,
    Renamed,
    OtherCategory,
}

/// A file of the receiver that has a model's name, or nearly, and is another model.
#[derive(Debug, Clone, Copy)]
enum Stranger {
    None,
    SameName,
    OtherCase,
    Subfolder,
}

fn fates() -> impl Strategy<Value = Vec<(Fate, usize, Stranger, usize)>> {
    let fate =
        prop::sample::select(vec![Fate::Absent, Fate::Same, Fate::Subfolder, Fate::Renamed, Fate::OtherCategory]);
    let stranger =
        prop::sample::select(vec![Stranger::None, Stranger::SameName, Stranger::OtherCase, Stranger::Subfolder]);
    prop::collection::vec((fate, 0..3_usize, stranger, 0..3_usize), SENDER.models.len())
}

fn receiver(fates: &[(Fate, usize, Stranger, usize)]) -> Vec<KnownModel> {
    let mut models = Vec::new();
    for (number, (sent, (fate, root, stranger, its_root))) in (1_u32..).zip(SENDER.models.iter().zip(fates)) {
        let (folder, name) = sent.places[0].relative_path.split_once('/').unwrap();
        let last = *category::folders(category::of_folder(folder)).last().unwrap();
        let path = match fate {
            Fate::Absent => None,
            Fate::Same => Some(format!("{folder}/{name}")),
            Fate::Subfolder => Some(format!("{last}/a b/{name}")),
            Fate::Renamed => Some(format!("{last}/sub/mine_{number}.safetensors")),
            Fate::OtherCategory => Some(format!("embeddings/{name}")),
        };
        if let Some(path) = path {
            models.push(KnownModel { places: vec![place(*root, &path)], sources: Vec::new(), ..sent.clone() });
        }
        let path = match stranger {
            Stranger::None => continue,
            Stranger::SameName => format!("{folder}/{name}"),
            Stranger::OtherCase => format!("{folder}/{}", name.to_uppercase()),
            Stranger::Subfolder => format!("{folder}/theirs/{name}"),
        };
        let mut other = known(1000 + number, &path);
        other.places[0].root = *its_root;
        models.push(other);
    }
    models
}

fn steps(models: &[KnownModel]) -> Vec<ModelStep> {
    let manifest = &*MANIFEST;
    plan_models(manifest, &Library::new(models.to_vec(), Some(manifest)), &BTreeMap::new())
}

fn localised(steps: &[ModelStep]) -> BTreeMap<String, String> {
    let manifest = &*MANIFEST;
    let parse = |text: &String| Workflow::parse(text.clone()).unwrap();
    SENDER.tracked.iter().map(|(name, text)| (name.clone(), localise(name, &parse(text), manifest, steps))).collect()
}

/// The models after everything planned was linked in or downloaded.
fn fetched(mut models: Vec<KnownModel>, steps: &[ModelStep]) -> Vec<KnownModel> {
    for step in steps.iter().filter(|step| step.action != Action::Here) {
        let new = place(TARGET, &step.relative_path);
        match models.iter_mut().find(|model| model.sha256 == step.sha256) {
            Some(model) => model.places.push(new),
            None => {
                let sent = SENDER.models.iter().find(|model| model.sha256 == step.sha256).unwrap();
                models.push(KnownModel { places: vec![new], ..sent.clone() });
            }
        }
    }
    models
}

fn quiet(models: &[KnownModel], live: &BTreeMap<String, String>) -> Result<(), TestCaseError> {
    let manifest = &*MANIFEST;
    let library = Library::new(models.to_vec(), Some(manifest));
    let index = Index::new(&library.files);
    for (name, text) in live {
        let tracked = Workflow::parse(SENDER.tracked[name].clone()).unwrap();
        let here = Workflow::parse(text.clone()).unwrap();
        let reading = read(name, &here, Some(&tracked), manifest, &index).unwrap();
        prop_assert!(!reading.changed, "{} is changed", name);
        prop_assert_eq!(&reading.canonical, &without_metadata(tracked.text()).unwrap());
        for mention in &reading.mentions {
            prop_assert!(mention.key.is_some(), "{} is open", mention.reference.value);
        }
    }
    let receiver = Studio { live: live.clone(), models: models.to_vec(), ..SENDER.clone() };
    let plan = receiver.plan();
    prop_assert_eq!(plan.changes, BTreeMap::new());
    prop_assert_eq!(plan.manifest.text(), receiver.manifest.text());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_came_is_nothing_to_commit_before_and_after_its_models_arrive(fates in fates()) {
        let before = receiver(&fates);
        let plan = steps(&before);
        let live = localised(&plan);
        quiet(&before, &live)?;

        let after = fetched(before, &plan);
        quiet(&after, &live)?;
        let again = steps(&after);
        for step in &again {
            prop_assert_eq!(&step.action, &Action::Here, "{}", &step.relative_path);
        }
        prop_assert_eq!(localised(&again), live);
    }

    #[test]
    fn a_localised_workflow_in_the_tracked_spelling_is_the_original_to_the_byte(fates in fates()) {
        for (name, text) in localised(&steps(&receiver(&fates))) {
            let tracked = Workflow::parse(SENDER.tracked[&name].clone()).unwrap();
            let back = with_spelling_of(&tracked, &Workflow::parse(text).unwrap(), |_, _| true);
            prop_assert_eq!(&back, &SENDER.live[&name]);
        }
    }
}
