//! Where each model comes from on a machine.

use super::super::models::{Action, ModelStep, plan_models};
use super::*;
use crate::category::Criticality;
use crate::manifest::{ModelStatus, WorkflowModel};

fn uses(number: u32, category: &str) -> WorkflowModel {
    WorkflowModel {
        chosen: false,
        filename: "x.safetensors".to_owned(),
        category: category.to_owned(),
        hash: Some(key(number)),
        status: ModelStatus::Resolved,
        criticality: Criticality::Required,
        nodes: Vec::new(),
    }
}

/// A manifest with model 1 at this path, used by one workflow for this category.
fn wanting(relative_path: &str, category: &str) -> Manifest {
    let mut manifest = manifest();
    manifest.models.insert(key(1), model(1, relative_path));
    manifest.workflows.insert("hero".to_owned(), vec![uses(1, category)]);
    manifest
}

fn plan(manifest: &Manifest, models: Vec<KnownModel>) -> Vec<ModelStep> {
    plan_models(manifest, &Library::new(models, Some(manifest)), &BTreeMap::new())
}

fn at(number: u32, places: &[(usize, &str)]) -> KnownModel {
    KnownModel {
        places: places.iter().map(|(root, path)| place(*root, path)).collect(),
        ..known(number, "checkpoints/unused.safetensors")
    }
}

#[test]
fn a_model_is_here_linked_in_or_fetched() {
    let link = |root, path| Action::Link { from: place(root, path) };
    let suffixed = format!("x-{}.safetensors", sha256(1).short(8));
    let folder = |name: &str| format!("checkpoints/{name}");
    let plain = "x.safetensors".to_owned();
    let elsewhere = "checkpoints/sub/y.safetensors";
    for (what, models, action, path, name) in [
        ("nowhere", vec![], Action::Download, folder(&plain), plain.clone()),
        ("in its place", vec![at(1, &[(0, "checkpoints/x.safetensors")])], Action::Here, folder(&plain), plain.clone()),
        (
            "in a later folder",
            vec![at(1, &[(2, "checkpoints/x.safetensors")])],
            Action::Here,
            folder(&plain),
            plain.clone(),
        ),
        ("renamed", vec![at(1, &[(0, elsewhere)])], Action::Here, elsewhere.to_owned(), "sub/y.safetensors".to_owned()),
        (
            "in two places, its own first",
            vec![at(1, &[(0, elsewhere), (1, "checkpoints/x.safetensors")])],
            Action::Here,
            folder(&plain),
            plain.clone(),
        ),
        (
            "in another category",
            vec![at(1, &[(1, "loras/z.safetensors")])],
            link(1, "loras/z.safetensors"),
            folder(&plain),
            plain.clone(),
        ),
        (
            "nowhere, and the name is another's",
            vec![at(2, &[(0, "checkpoints/x.safetensors")])],
            Action::Download,
            folder(&suffixed),
            suffixed.clone(),
        ),
        (
            "hidden behind another of the same name",
            vec![at(1, &[(1, "checkpoints/x.safetensors")]), at(2, &[(0, "checkpoints/x.safetensors")])],
            link(1, "checkpoints/x.safetensors"),
            folder(&suffixed),
            suffixed.clone(),
        ),
        (
            "before another of the same name",
            vec![at(1, &[(0, "checkpoints/x.safetensors")]), at(2, &[(1, "checkpoints/x.safetensors")])],
            Action::Here,
            folder(&plain),
            plain.clone(),
        ),
        (
            "hidden, and once more in the open",
            vec![
                at(1, &[(1, "checkpoints/x.safetensors"), (1, elsewhere)]),
                at(2, &[(0, "checkpoints/x.safetensors")]),
            ],
            Action::Here,
            elsewhere.to_owned(),
            "sub/y.safetensors".to_owned(),
        ),
    ] {
        let steps = plan(&wanting("checkpoints/x.safetensors", "checkpoints"), models);
        assert_eq!(steps.len(), 1);
        let step = &steps[0];
        assert_eq!((&step.action, &step.relative_path, &step.name), (&action, &path, &name), "{what}");
        assert_eq!((step.key.clone(), step.size, step.workflows.as_slice()), (key(1), 1001, &["hero".to_owned()][..]));
    }
}

#[test]
fn what_cannot_be_fetched_says_why() {
    let mut nameless = wanting("checkpoints/x.safetensors", "checkpoints");
    nameless.models.get_mut(&key(1)).unwrap().sources.clear();
    assert_eq!(plan(&nameless, vec![])[0].action, Action::NoSource);
    let here = vec![known(1, "checkpoints/x.safetensors")];
    assert_eq!(plan(&nameless, here)[0].action, Action::Here, "it needs no source where it is");

    let mut unmeasured = wanting("checkpoints/x.safetensors", "checkpoints");
    unmeasured.models.get_mut(&key(1)).unwrap().sha256 = None;
    assert_eq!(plan(&unmeasured, vec![])[0].action, Action::Unverifiable);
}

#[test]
fn a_candidate_of_the_same_quick_hash_is_no_proof() {
    let wanted = wanting("checkpoints/x.safetensors", "checkpoints");
    let twin = KnownModel { quick: QuickHash::parse(&key(1)).unwrap(), ..known(7, "checkpoints/x.safetensors") };
    let step = &plan(&wanted, vec![twin])[0];
    assert_eq!((&step.action, step.name.contains(sha256(1).short(8))), (&Action::Download, true));
}

#[test]
fn older_folders_of_a_category_count() {
    let wanted = wanting("text_encoders/t.safetensors", "text_encoders");
    let step = &plan(&wanted, vec![known(1, "clip/t.safetensors")])[0];
    assert_eq!((&step.action, step.relative_path.as_str()), (&Action::Here, "clip/t.safetensors"));
}

#[test]
fn a_loader_of_another_category_gets_the_model_into_its_own_folder() {
    let step =
        &plan(&wanting("checkpoints/x.safetensors", "diffusion_models"), vec![known(1, "checkpoints/x.safetensors")])
            [0];
    assert_eq!(step.action, Action::Link { from: place(0, "checkpoints/x.safetensors") });
    assert_eq!((step.category.as_str(), step.relative_path.as_str()), ("diffusion_models", "unet/x.safetensors"));
}

#[test]
fn an_unknown_category_is_the_models_own() {
    let step = &plan(&wanting("ultralytics/bbox/face.pt", "unknown"), vec![known(1, "ultralytics/bbox/face.pt")])[0];
    assert_eq!(
        (&step.action, step.category.as_str(), step.name.as_str()),
        (&Action::Here, "ultralytics", "bbox/face.pt")
    );
}

#[test]
fn two_models_that_want_one_name_get_two() {
    let mut wanted = wanting("checkpoints/x.safetensors", "checkpoints");
    wanted.models.insert(key(2), model(2, "checkpoints/x.safetensors"));
    wanted.workflows.insert("other".to_owned(), vec![uses(2, "checkpoints")]);
    let names: Vec<_> = plan(&wanted, vec![]).into_iter().map(|step| step.name).collect();
    assert_eq!(names, ["x.safetensors".to_owned(), format!("x-{}.safetensors", sha256(2).short(8))]);
}

#[test]
fn a_model_is_planned_once_a_category_with_all_its_workflows() {
    let mut wanted = wanting("checkpoints/x.safetensors", "checkpoints");
    wanted.workflows.insert("a".to_owned(), vec![uses(1, "checkpoints"), uses(1, "loras")]);
    let open = WorkflowModel { hash: None, status: ModelStatus::Unresolved, ..uses(3, "vae") };
    let skipped = WorkflowModel { status: ModelStatus::Skipped, ..uses(4, "vae") };
    wanted.workflows.insert("open".to_owned(), vec![open, skipped, uses(99, "vae")]);
    let steps = plan(&wanted, vec![]);
    let found: Vec<_> = steps.iter().map(|step| (step.category.as_str(), step.workflows.join(" "))).collect();
    assert_eq!(found, [("checkpoints", "a hero".to_owned()), ("loras", "a".to_owned())]);
}

#[test]
fn the_catalog_is_asked_before_the_manifest_and_nobody_twice() {
    let wanted = wanting("checkpoints/x.safetensors", "checkpoints");
    let (hub, own) = (source("https://hub.example/x.safetensors"), source("https://example.org/1.safetensors"));
    let offered = BTreeMap::from([
        (sha256(1), vec![hub.clone(), own.clone(), hub.clone()]),
        (sha256(9), vec![source("https://evil.example/x.safetensors")]),
    ]);
    let library = Library::default();
    assert_eq!(plan_models(&wanted, &library, &offered)[0].sources, [hub, own.clone()]);
    assert_eq!(plan_models(&wanted, &library, &BTreeMap::new())[0].sources, [own]);
}
