use super::{FIXTURES, fixture};
use crate::workflow::{
    ModelRef, Workflow, model_refs, normalise_for_lookup, rewrite, same_content, same_content_with, with_spelling_of,
};

/// The same model: the same file name, whatever the folder.
fn same_file_name(left: &ModelRef, right: &ModelRef) -> bool {
    let name = |reference: &ModelRef| normalise_for_lookup(&reference.value).path.rsplit('/').next().map(str::to_owned);
    name(left) == name(right)
}

fn rewritten(workflow: &Workflow, new: impl Fn(&str) -> String) -> Workflow {
    let references = model_refs(workflow);
    let changes: Vec<_> = references.iter().map(|found| (found, new(&found.value))).collect();
    Workflow::parse(rewrite(workflow, &changes)).unwrap()
}

#[test]
fn localised_and_back_is_byte_for_byte_the_same() {
    for (name, text) in FIXTURES {
        let tracked = fixture(name);
        let local = rewritten(&tracked, |value| format!("deep/größer \"q\"/{value}"));
        assert_ne!(local.text(), text);
        assert_eq!(model_refs(&local).len(), model_refs(&tracked).len());
        assert!(!same_content(tracked.text(), local.text()));
        assert!(same_content_with(&tracked, &local, same_file_name), "{name}");
        assert!(!same_content_with(&tracked, &local, |_, _| false), "{name}");
        assert_eq!(with_spelling_of(&tracked, &local, same_file_name), text);
    }
}

#[test]
fn every_copy_changes_with_its_reference() {
    let workflow = fixture("3d_hunyuan3d");
    let local = rewritten(&workflow, |_| "x\\y.safetensors".into());
    assert!(!local.text().contains("\"hunyuan_3d_v2.1.safetensors\""));
    assert_eq!(
        local.text().matches(r#""x\\y.safetensors""#).count(),
        workflow.text().matches("\"hunyuan_3d_v2.1.safetensors\"").count()
    );
}

#[test]
fn another_model_or_another_change_is_a_difference() {
    let workflow = fixture("flux_schnell");
    let other = rewritten(&workflow, |_| "other.safetensors".into());
    assert!(!same_content_with(&workflow, &other, same_file_name));
    let local = rewritten(&workflow, |value| format!("sub/{value}"));
    let moved = Workflow::parse(local.text().replacen("\"mode\": 0", "\"mode\": 4", 1)).unwrap();
    assert!(!same_content_with(&workflow, &moved, same_file_name));
}
