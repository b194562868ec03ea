//! Which models a receiver wants.

use super::super::acquire::{Strategy, wanted};
use super::super::models::plan_models;
use super::*;
use crate::category::Criticality;
use crate::manifest::{ModelStatus, WorkflowModel};

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
    let found = wanted(&manifest, &plan_models(&manifest, &library, &BTreeMap::new()));
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
        let expected: std::collections::BTreeSet<String> = left.into_iter().map(key).collect();
        assert_eq!(strategy.leaves_out(&found), expected, "{word}");
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
    let found = wanted(&manifest, &steps);
    assert_eq!(found.iter().find(|model| model.key == key(1)).unwrap().workflows, ["a", "b", "c"]);
    assert_eq!(found.len(), 4);
}
