use super::*;
use crate::workflow::{Confidence, EmbeddedSource};

fn file(key: &str, category: &str, name: &str, root: usize) -> IndexedFile {
    IndexedFile {
        key: key.into(),
        category: category.into(),
        name: name.into(),
        root,
        seen: true,
        sha256: Some(format!("sha-{key}")),
    }
}

fn reference(category: Option<&str>, value: &str) -> ModelRef {
    ModelRef {
        kind: crate::workflow::RefKind::File,
        node_id: "1".into(),
        node_type: "Loader".into(),
        widget_index: 0,
        widget_path: None,
        value: value.into(),
        span: 0..0,
        mirrors: Vec::new(),
        aliases: Vec::new(),
        reason: crate::workflow::Reason::Ending,
        category: category.map(str::to_owned),
        confidence: Confidence::High,
        active: true,
        embedded: Vec::new(),
    }
}

fn resolved(key: &str, by: Evidence) -> Resolution {
    Resolution::Resolved { key: key.into(), by }
}

fn ambiguous(keys: &[&str]) -> Resolution {
    Resolution::Ambiguous { keys: keys.iter().map(|&key| key.into()).collect() }
}

fn files() -> Vec<IndexedFile> {
    vec![
        file("A", "checkpoints", "sd/a.safetensors", 0),
        file("A", "checkpoints", "copy/a.safetensors", 1),
        file("B", "checkpoints", "b.safetensors", 1),
        file("C", "checkpoints", "b.safetensors", 0),
        file("D", "loras", "x/same.pt", 0),
        file("E", "loras", "y/same.pt", 0),
        file("F", "loras", "Case.pt", 0),
        file("G", "diffusion_models", "flux.safetensors", 0),
        file("H", "checkpoints", "flux.safetensors", 0),
        file("I", "loras", "é.pt", 0),
        file("J", "loras", "twice.pt", 0),
        file("K", "loras", "TWICE.pt", 0),
        file("L", "ultralytics", "bbox/face.pt", 0),
    ]
}

#[test]
fn steps_in_order() {
    use Evidence::*;
    let files = files();
    let index = Index::new(&files);
    let check = |category: Option<&str>, value: &str, expected: Resolution| {
        assert_eq!(resolve(&index, &reference(category, value), None), expected, "{category:?} {value}");
    };
    let checkpoints = Some("checkpoints");
    let loras = Some("loras");
    // Exactly, by either separator; the first root wins, as in ComfyUI.
    check(checkpoints, "sd/a.safetensors", resolved("A", Exact));
    check(checkpoints, "sd\\a.safetensors", resolved("A", Exact));
    check(checkpoints, "b.safetensors", resolved("C", Exact));
    check(loras, "e\u{301}.pt", resolved("I", Exact));
    check(Some("unet"), "flux.safetensors", resolved("G", Exact));
    // Case, only if that leaves one model.
    check(loras, "case.PT", resolved("F", CaseInsensitive));
    check(loras, "TWICE.pt", resolved("K", Exact));
    check(loras, "Twice.pt", ambiguous(&["J", "K"]));
    // A leading category comes off last.
    check(checkpoints, "checkpoints/b.safetensors", resolved("C", WithoutCategory));
    check(checkpoints, "models/checkpoints/sd/a.safetensors", resolved("A", WithoutCategory));
    check(Some("diffusion_models"), "unet/FLUX.safetensors", resolved("G", WithoutCategory));
    // The file name: several places of one model are no question, several models are.
    check(checkpoints, "a.safetensors", resolved("A", FileName));
    check(loras, "other/same.pt", ambiguous(&["D", "E"]));
    check(loras, "/abs/x/same.pt", ambiguous(&["D", "E"]));
    check(checkpoints, "C:\\m\\a.safetensors", resolved("A", FileName));
    check(loras, "z/twice.pt", resolved("J", FileName));
    // Without a category every one is asked.
    check(None, "flux.safetensors", ambiguous(&["G", "H"]));
    check(None, "unet/flux.safetensors", resolved("G", WithoutCategory));
    check(None, "bbox/face.pt", resolved("L", Exact));
    check(None, "face.pt", resolved("L", FileName));
    // ComfyUI looks only in the loader's category.
    check(loras, "flux.safetensors", Resolution::Missing);
    check(loras, "checkpoints/b.safetensors", Resolution::Missing);
    check(loras, "", Resolution::Missing);
    check(loras, "..", Resolution::Missing);
}

#[test]
fn what_was_decided_before() {
    let files = files();
    let index = Index::new(&files);
    let check = |value: &str, previous: &str, expected: Resolution| {
        let reference = reference(Some("loras"), value);
        assert_eq!(resolve(&index, &reference, Some(previous)), expected, "{value} {previous}");
    };
    check("other/same.pt", "D", resolved("D", Evidence::Previous));
    check("gone.pt", "F", resolved("F", Evidence::Previous));
    // ComfyUI would load what is exactly there.
    check("Case.pt", "D", resolved("F", Evidence::Exact));
    // A model that is not here counts only if nothing else answers.
    check("case.pt", "Z", resolved("F", Evidence::CaseInsensitive));
    check("gone.pt", "Z", resolved("Z", Evidence::Previous));
    check("other/same.pt", "Z", resolved("Z", Evidence::Previous));
}

#[test]
fn a_sha256_in_the_workflow_helps_where_names_do_not() {
    let files = files();
    let index = Index::new(&files);
    let with_hash = |value: &str, key: &str| {
        let mut reference = reference(Some("loras"), value);
        reference.embedded.push(EmbeddedSource {
            url: String::new(),
            directory: None,
            sha256: Some(format!("sha-{key}")),
        });
        resolve(&index, &reference, None)
    };
    assert_eq!(with_hash("renamed.pt", "F"), resolved("F", Evidence::Sha256));
    assert_eq!(with_hash("other/same.pt", "E"), resolved("E", Evidence::Sha256));
    assert_eq!(with_hash("other/same.pt", "F"), resolved("F", Evidence::Sha256), "what is proved beats a likeness");
    assert_eq!(with_hash("renamed.pt", "unknown"), Resolution::Missing);
    assert_eq!(with_hash("case.pt", "unknown"), Resolution::Missing, "the file alike is another one");
    assert_eq!(with_hash("TWICE.PT", "J"), resolved("J", Evidence::Sha256));
}

#[test]
fn a_file_of_this_name_that_is_another_one_is_a_question_until_it_was_answered() {
    let files = files();
    let index = Index::new(&files);
    let mut case = reference(Some("loras"), "Case.pt");
    case.embedded.push(EmbeddedSource { url: String::new(), directory: None, sha256: Some("sha-D".into()) });
    assert_eq!(resolve(&index, &case, None), ambiguous(&["D", "F"]), "which of the two");
    assert_eq!(resolve(&index, &case, Some("F")), resolved("F", Evidence::Exact));
    case.embedded[0].sha256 = Some("sha-nowhere".into());
    assert_eq!(resolve(&index, &case, None), ambiguous(&["F"]), "the right one is not here");
    case.embedded.push(EmbeddedSource { url: String::new(), directory: None, sha256: Some("sha-F".into()) });
    assert_eq!(resolve(&index, &case, None), resolved("F", Evidence::Exact), "one of two that are given");
}

#[test]
fn what_lies_where_comfyui_does_not_look_is_found_by_what_it_is() {
    let mut files = files();
    files.push(IndexedFile { seen: false, ..file("N", "models--org--repo", "snapshots/1/new.pt", 3) });
    let index = Index::new(&files);
    let mut new = reference(Some("loras"), "new.pt");
    assert_eq!(resolve(&index, &new, None), Resolution::Missing);
    assert_eq!(resolve(&index, &reference(None, "new.pt"), None), Resolution::Missing);
    new.embedded.push(EmbeddedSource { url: String::new(), directory: None, sha256: Some("sha-N".into()) });
    assert_eq!(resolve(&index, &new, None), resolved("N", Evidence::Sha256));
    assert_eq!(sight(&index, &new, "N"), Sight::Hidden);
}

#[test]
fn whether_comfyui_loads_a_model_under_the_name_it_has() {
    let files = files();
    let index = Index::new(&files);
    let named = |name: &str| Sight::Named(name.to_owned());
    for (category, value, key, expected) in [
        ("checkpoints", "sd/a.safetensors", "A", Sight::Loads),
        ("checkpoints", "copy/a.safetensors", "A", Sight::Loads),
        ("checkpoints", "sd\\a.safetensors", "A", named("sd/a.safetensors")),
        ("checkpoints", "a.safetensors", "A", named("sd/a.safetensors")),
        ("checkpoints", "checkpoints/sd/a.safetensors", "A", named("sd/a.safetensors")),
        ("loras", "case.PT", "F", named("Case.pt")),
        ("checkpoints", "b.safetensors", "B", Sight::Hidden),
        ("checkpoints", "flux.safetensors", "G", Sight::Hidden),
        ("unet", "flux.safetensors", "G", Sight::Loads),
    ] {
        assert_eq!(sight(&index, &reference(Some(category), value), key), expected, "{category} {value}");
    }
    assert_eq!(sight(&index, &reference(None, "face.pt"), "L"), Sight::Loads, "nobody can tell");
    let tag = |kind, value: &str| ModelRef { kind, ..reference(Some("loras"), value) };
    assert_eq!(sight(&index, &tag(RefKind::LoraTag, "same"), "E"), Sight::Loads);
    assert_eq!(sight(&index, &tag(RefKind::Embedding, "x/same"), "D"), Sight::Loads);
    assert_eq!(sight(&index, &tag(RefKind::Embedding, "same"), "D"), named("x/same"));
}

#[test]
fn the_visible_name_of_a_model() {
    let files = files();
    let index = Index::new(&files);
    let name = |key, category| index.visible(key, category).map(|file| file.name.as_str());
    assert_eq!(name("A", "checkpoints"), Some("sd/a.safetensors"));
    assert_eq!(name("B", "checkpoints"), None, "hidden by C in the first root");
    assert_eq!(name("G", "checkpoints"), None, "another category");
    assert!(index.contains("B"));
    assert_eq!(index.files_of("A").count(), 2);
}

proptest::proptest! {
    #[test]
    fn exact_names_resolve_whatever_the_order_of_the_files(seed in 0usize..5000) {
        let mut files = files();
        let length = files.len();
        for position in 0..length {
            files.swap(position, (seed * (position + 7) + position * position) % length);
        }
        let index = Index::new(&files);
        for file in &files {
            let category = Some(file.category.as_str());
            let winner = index.file(&file.category, &file.name).unwrap();
            let expected = resolved(&winner.key, Evidence::Exact);
            proptest::prop_assert_eq!(resolve(&index, &reference(category, &file.name), None), expected);
        }
        let answer = resolve(&index, &reference(Some("loras"), "q/same.pt"), None);
        proptest::prop_assert_eq!(answer, ambiguous(&["D", "E"]));
    }
}

#[test]
fn tags_name_files_without_their_endings() {
    use Evidence::*;
    let mut files = vec![
        file("E1", "embeddings", "easynegative.safetensors", 0),
        file("E2", "embeddings", "easynegative.pt", 0),
        file("E3", "embeddings", "sub/Bad Hands.pt", 0),
        file("L1", "loras", "style.safetensors", 0),
        file("L2", "loras", "people/ann_v1.5.safetensors", 0),
        file("L3", "loras", "x/twin.safetensors", 0),
        file("L4", "loras", "y/twin.safetensors", 0),
    ];
    files.push(file("C1", "checkpoints", "style.safetensors", 0));
    let index = Index::new(&files);
    let tag = |kind, value: &str| {
        let category = if kind == RefKind::Embedding { "embeddings" } else { "loras" };
        resolve(&index, &ModelRef { kind, ..reference(Some(category), value) }, None)
    };
    for (kind, value, expected) in [
        (RefKind::Embedding, "easynegative", resolved("E1", Exact)),
        (RefKind::Embedding, "easynegative.pt", resolved("E2", Exact)),
        (RefKind::Embedding, "sub/Bad Hands", resolved("E3", Exact)),
        (RefKind::Embedding, "Bad Hands", resolved("E3", FileName)),
        (RefKind::Embedding, "nothing", Resolution::Missing),
        (RefKind::LoraTag, "style", resolved("L1", Exact)),
        (RefKind::LoraTag, "people\\ann_v1.5", resolved("L2", Exact)),
        (RefKind::LoraTag, "ann_v1.5", resolved("L2", FileName)),
        (RefKind::LoraTag, "x/twin", resolved("L3", Exact)),
        (RefKind::LoraTag, "twin", ambiguous(&["L3", "L4"])),
    ] {
        assert_eq!(tag(kind, value), expected, "{value}");
    }
}

#[test]
fn similar_names_are_suggested_and_never_decide() {
    let files = files();
    let mut files: Vec<IndexedFile> = files.into_iter().filter(|file| file.category == "loras").collect();
    files.push(file("X", "checkpoints", "sd_xl_base_1.0.safetensors", 0));
    files.push(file("Y", "checkpoints", "sd_xl_refiner_1.0.safetensors", 0));
    files.push(file("Z", "vae", "sdxl_base.safetensors", 0));
    let index = Index::new(&files);
    let wanted = reference(Some("checkpoints"), "SDXL/sdXL_base_v1.0.safetensors");
    assert_eq!(resolve(&index, &wanted, None), Resolution::Missing);
    let keys = |reference: &ModelRef| -> Vec<String> {
        similar(&index, reference, 5).iter().map(|similar| similar.file.key.to_string()).collect()
    };
    assert_eq!(keys(&wanted), ["X"]);
    assert_eq!(keys(&ModelRef { category: None, ..wanted }), ["X", "Z"]);
    assert_eq!(keys(&reference(Some("checkpoints"), "completely_other.safetensors")), Vec::<String>::new());
}
