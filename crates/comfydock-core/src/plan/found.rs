//! Models that a plan has no usable source for, and what a look-up found for them.

use std::collections::BTreeMap;

use crate::digest::Sha256;
use crate::plan::models::{Action, ModelStep};
use crate::source::Source;

/// Whether bytes can be asked for at a source at all.
fn says_enough(source: &Source) -> bool {
    !matches!(source, Source::Unclear { .. } | Source::Oci(_))
}

/// Whether the model is missing, nobody says where it can be had, and it would be recognised.
pub fn is_sought(step: &ModelStep) -> bool {
    matches!(step.action, Action::NoSource | Action::Download)
        && step.sha256.is_some()
        && !step.sources.iter().any(says_enough)
}

/// Gives what was found to the models that lack it; they can be downloaded then.
pub fn complete(steps: &mut [ModelStep], found: &BTreeMap<Sha256, Vec<Source>>) {
    for step in steps.iter_mut().filter(|step| is_sought(step)) {
        let Some(sources) = step.sha256.as_ref().and_then(|sha256| found.get(sha256)) else { continue };
        if !sources.is_empty() {
            step.sources.splice(0..0, sources.iter().cloned());
            step.action = Action::Download;
        }
    }
}

/// Lets a model come from where its receiver says, before all others.
pub fn from_here(steps: &mut [ModelStep], key: &str, source: &Source) {
    for step in steps.iter_mut().filter(|step| step.key == key) {
        step.sources.retain(|known| known != source);
        step.sources.insert(0, source.clone());
        if step.action == Action::NoSource {
            step.action = Action::Download;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(action: Action, sha256: Option<&str>, sources: &[&str]) -> ModelStep {
        ModelStep {
            key: "ab".repeat(32),
            category: "loras".to_owned(),
            filename: "x.pt".to_owned(),
            size: 1,
            sha256: sha256.map(|byte| Sha256::parse(&byte.repeat(32)).unwrap()),
            blake3: None,
            sources: sources.iter().map(|text| Source::parse(text).unwrap()).collect(),
            action,
            relative_path: "loras/x.pt".to_owned(),
            name: "x.pt".to_owned(),
            workflows: Vec::new(),
        }
    }

    #[test]
    fn only_what_is_missing_and_would_be_recognised_is_sought() {
        for (step, sought) in [
            (step(Action::NoSource, Some("aa"), &[]), true),
            (step(Action::Download, Some("aa"), &["civitai:78901"]), true),
            (step(Action::Download, Some("aa"), &["civitai:78901", "https://x.example/y"]), false),
            (step(Action::Unverifiable, None, &[]), false),
            (step(Action::Here, Some("aa"), &[]), false),
        ] {
            assert_eq!(is_sought(&step), sought, "{step:?}");
        }
    }

    #[test]
    fn what_is_found_comes_before_what_is_unclear() {
        let mut steps = [
            step(Action::Download, Some("aa"), &["civitai:78901"]),
            step(Action::NoSource, Some("bb"), &[]),
            step(Action::NoSource, Some("cc"), &[]),
        ];
        let source = Source::parse("civitai:1/2").unwrap();
        let sha256 = |byte: &str| Sha256::parse(&byte.repeat(32)).unwrap();
        complete(
            &mut steps,
            &[(sha256("aa"), vec![source.clone()]), (sha256("bb"), vec![source]), (sha256("cc"), vec![])].into(),
        );
        let texts = |step: &ModelStep| step.sources.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&steps[0]), ["civitai:1/2", "civitai:78901"]);
        assert_eq!((texts(&steps[1]), &steps[1].action), (vec!["civitai:1/2".to_owned()], &Action::Download));
        assert_eq!(steps[2].action, Action::NoSource);
    }

    #[test]
    fn what_its_receiver_says_is_asked_first() {
        let mut steps = [
            step(Action::NoSource, Some("aa"), &[]),
            step(Action::Download, Some("aa"), &["https://x.example/y", "civitai:1/2"]),
            step(Action::Here, Some("aa"), &[]),
            step(Action::Unverifiable, None, &[]),
        ];
        let source = Source::parse("civitai:1/2").unwrap();
        from_here(&mut steps, &"ab".repeat(32), &source);
        assert!(steps.iter().all(|step| step.sources[0] == source));
        assert_eq!(steps[1].sources.len(), 2, "it is asked once");
        let actions: Vec<&Action> = steps.iter().map(|step| &step.action).collect();
        assert_eq!(actions, [&Action::Download, &Action::Download, &Action::Here, &Action::Unverifiable]);
    }
}
