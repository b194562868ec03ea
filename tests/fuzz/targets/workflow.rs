//! Any bytes as a workflow: reading never panics, and rewriting changes nothing but names.

#![no_main]

use comfydock_core::plan::show::{Knowledge, needs};
use comfydock_core::workflow::{
    Format, Metadata, Workflow, model_refs, rewrite, same_content, with_metadata, without_metadata,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Metadata::parse(text);
    let Ok(workflow) = Workflow::parse_any(text.to_owned()) else { return };
    let references = model_refs(&workflow);
    needs(&workflow, Knowledge::default());

    // A name written anew reads back as that name, and what is outside the spans stays.
    let changes: Vec<_> = references.iter().map(|reference| (reference, "a \"b\\(c)\u{e9}.pt".to_owned())).collect();
    let changed = rewrite(&workflow, &changes);
    let again = Workflow::parse_any(changed.clone()).expect("a rewritten workflow is one");
    assert_eq!(again.format(), workflow.format());
    let mut spans: Vec<_> = references
        .iter()
        .flat_map(|reference| reference.mirrors.iter().chain([&reference.span]))
        .map(|span| (span.start, span.end))
        .collect();
    spans.sort_unstable();
    spans.dedup();
    let (mut kept, mut at) = (Vec::new(), 0);
    for (start, end) in spans {
        // A copy of a whole name may lie over a copy of a text with that name.
        if start >= at {
            kept.push(&text[at..start]);
        }
        at = at.max(end);
    }
    let mut rest = changed.as_str();
    for piece in kept {
        rest = &rest[rest.find(piece).expect("what stood before a name still stands there") + piece.len()..];
    }
    assert!(rest.ends_with(&text[at..]));

    if workflow.format() == Format::Api {
        return;
    }
    let metadata = Metadata::new("2026-01-01T00:00:00Z".to_owned());
    if let Ok(with) = with_metadata(text, &metadata) {
        assert_eq!(Metadata::of(&Workflow::parse(with.clone()).expect("still a workflow")), Ok(Some(metadata)));
        assert!(same_content(text, &with));
        let without = without_metadata(&with).expect("it was put in");
        assert!(same_content(text, &without));
    }
});
