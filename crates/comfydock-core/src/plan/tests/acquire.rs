//! Which models a receiver wants.

use std::collections::BTreeSet;

use super::super::acquire::{Decision, Strategy, Wanted, Way, sort, substitutes, wanted};
use super::super::models::plan_models;
use super::*;
use crate::category::Criticality;
use crate::manifest::{ModelStatus, WorkflowModel};
use crate::resolve::Index;
use crate::source::Source;

fn needs(number: u32, category: &str, criticality: Criticality) -> WorkflowModel {
    WorkflowModel {
        chosen: false,
        filename: format!("{number}.safetensors"),
        category: category.to_owned(),
        hash: Some(key(number)),
        status: ModelStatus::Resolved,
        criticality,
        nodes: Vec::new(),
    }
}

/// Model 1 is required by one workflow and optional in another, 2 is flexible and optional, 3 is optional, 4 is here.
fn manifest_of_four() -> Manifest {
    use Criticality::{Flexible, Optional, Required};
    let mut manifest = manifest();
    for number in 1..=4 {
        let size = u64::from(number) * 10;
        let sources = vec![crate::source::Source::parse("https://example.org/x").unwrap()];
        let path = format!("checkpoints/{number}.safetensors");
        manifest.models.insert(key(number), Model { size, sources, ..model(number, &path) });
    }
    let of = |list: &[(u32, Criticality)]| list.iter().map(|(at, much)| needs(*at, "checkpoints", *much)).collect();
    manifest.workflows.insert("a".to_owned(), of(&[(1, Optional), (2, Flexible), (4, Required)]));
    manifest.workflows.insert("b".to_owned(), of(&[(1, Required), (2, Optional), (3, Optional)]));
    manifest
}

#[test]
fn what_matters_most_comes_first_and_counts_by_the_most_any_workflow_says() {
    let manifest = manifest_of_four();
    let library = Library::new(vec![known(4, "checkpoints/4.safetensors")], Some(&manifest));
    let found = wanted(&manifest, &plan_models(&manifest, &library, &BTreeMap::new()), false);
    let told: Vec<(String, Criticality, usize, bool)> = found
        .iter()
        .map(|model| (model.key.clone(), model.criticality, model.workflows.len(), model.is_here))
        .collect();
    assert_eq!(
        told,
        [
            (key(4), Criticality::Required, 1, true),
            (key(1), Criticality::Required, 2, false),
            (key(2), Criticality::Flexible, 2, false),
            (key(3), Criticality::Optional, 1, false),
        ]
    );
    for (word, left, bytes) in
        [("all", vec![], 60), ("flexible", vec![3], 30), ("required", vec![2, 3], 10), ("none", vec![1, 2, 3], 0)]
    {
        let strategy: Strategy = word.parse().unwrap();
        let expected: BTreeSet<String> = left.into_iter().map(key).collect();
        let nothing = BTreeMap::new();
        assert_eq!(sort(&found, strategy, &nothing).without(), expected, "{word}");
        assert_eq!(sort(&found, strategy, &nothing).bytes(), bytes, "{word}");
        assert_eq!(strategy.bytes(&found), bytes, "{word}");
    }
    assert!("some".parse::<Strategy>().is_err());
}

#[test]
fn a_file_in_two_categories_is_one_model() {
    let mut manifest = manifest_of_four();
    manifest.workflows.insert("c".to_owned(), vec![needs(1, "unet", Criticality::Optional)]);
    let steps = plan_models(&manifest, &Library::new(Vec::new(), Some(&manifest)), &BTreeMap::new());
    assert_eq!(steps.iter().filter(|step| step.key == key(1)).count(), 2);
    let found = wanted(&manifest, &steps, false);
    assert_eq!(found.iter().find(|model| model.key == key(1)).unwrap().workflows, ["a", "b", "c"]);
    assert_eq!(found.len(), 4);
}

/// A model that is not here: 1 can be had, 2 has no source, 3 has neither source nor SHA-256.
fn absent(number: u32) -> Wanted {
    Wanted {
        key: key(number),
        filename: format!("{number}.safetensors"),
        category: "checkpoints".to_owned(),
        size: 10,
        criticality: Criticality::Required,
        workflows: Vec::new(),
        source: None,
        is_here: false,
        can_be_had: number == 1,
        would_be_taken: number < 3,
    }
}

#[test]
fn what_can_be_done_about_a_model_follows_from_what_is_known_of_it() {
    use Way::{Download, LeaveOut, Substitute, Url};
    for (number, substitutes, ways, enter) in [
        (1, 2, vec![Download, Substitute, LeaveOut], Download),
        (1, 0, vec![Download, LeaveOut], Download),
        (2, 1, vec![Substitute, LeaveOut, Url], LeaveOut),
        (2, 0, vec![LeaveOut, Url], LeaveOut),
        (3, 1, vec![Substitute, LeaveOut], LeaveOut),
    ] {
        assert_eq!(absent(number).ways(substitutes), (ways, enter), "{number}, {substitutes}");
    }
}

#[test]
fn a_model_without_sha256_comes_only_where_that_was_allowed() {
    let mut manifest = manifest_of_four();
    manifest.models.get_mut(&key(1)).unwrap().sha256 = None;
    let steps = plan_models(&manifest, &Library::new(Vec::new(), Some(&manifest)), &BTreeMap::new());
    for allowed in [false, true] {
        let found = wanted(&manifest, &steps, allowed);
        let one = found.iter().find(|model| model.key == key(1)).unwrap();
        assert_eq!((one.can_be_had, one.would_be_taken), (allowed, allowed));
    }
}

#[test]
fn what_was_decided_goes_before_the_shortcut() {
    let here = Wanted { is_here: true, ..absent(4) };
    let optional = Wanted { criticality: Criticality::Optional, ..absent(5) };
    let all = [absent(1), absent(2), absent(3), here, Wanted { can_be_had: true, ..optional }];
    let url = Decision::From(Source::parse("https://example.org/x").unwrap());
    let told = |strategy: Strategy, decisions: &[(u32, Decision)]| {
        let decisions: BTreeMap<_, _> = decisions.iter().map(|(number, one)| (key(*number), one.clone())).collect();
        let sorted = sort(&all, strategy, &decisions);
        let numbers = |models: &[&Wanted]| -> Vec<usize> {
            models.iter().map(|model| 1 + all.iter().position(|one| one == *model).unwrap()).collect()
        };
        let instead: Vec<&Wanted> = sorted.substitute.iter().map(|(model, _)| *model).collect();
        [
            numbers(&sorted.here),
            numbers(&sorted.download),
            numbers(&instead),
            numbers(&sorted.left_out),
            numbers(&sorted.missing),
        ]
    };
    assert_eq!(told(Strategy::All, &[]), [vec![4], vec![1, 5], vec![], vec![], vec![2, 3]]);
    // Leaving out by choice what nobody has is no open question.
    assert_eq!(told(Strategy::Nothing, &[]), [vec![4], vec![], vec![], vec![1, 2, 3, 5], vec![]]);
    let decisions = [
        (1, Decision::LeaveOut),
        (2, url.clone()),
        (3, url),
        (4, Decision::Substitute(key(9))),
        (5, Decision::Download),
    ];
    assert_eq!(told(Strategy::Required, &decisions), [vec![], vec![2, 5], vec![4], vec![1], vec![3]]);
}

#[test]
fn only_models_of_its_category_stand_in_the_most_alike_first() {
    let files = [
        known(1, "loras/detail_one.safetensors"),
        known(2, "checkpoints/other.safetensors"),
        known(3, "checkpoints/dreamshaper_8.safetensors"),
        known(4, "checkpoints/sub/dreamshaper_7.safetensors"),
    ];
    let library = Library::new(files.to_vec(), None);
    let wish = Wanted { filename: "dreamshaper_7_pruned.safetensors".to_owned(), ..absent(9) };
    let index = Index::new(&library.files);
    let found: Vec<String> = substitutes(&index, &wish).iter().map(|similar| similar.file.key.to_string()).collect();
    assert_eq!(found, [key(4), key(3), key(2)]);
    // A model is no substitute for itself.
    assert_eq!(substitutes(&index, &Wanted { key: key(4), ..wish }).len(), 2);
}
