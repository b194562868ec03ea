use proptest::prelude::*;

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn canonical_spelling() {
    let hex = "ab".repeat(32);
    for (given, canonical) in [
        (" https://example.org/a.safetensors#x ", "https://example.org/a.safetensors".to_owned()),
        (
            "https://huggingface.co/o/blob/resolve/main/blob/a.safetensors",
            "https://huggingface.co/o/blob/resolve/main/blob/a.safetensors".to_owned(),
        ),
        (
            "https://huggingface.co/o/r/resolve/main/blob/a.safetensors",
            "https://huggingface.co/o/r/resolve/main/blob/a.safetensors".to_owned(),
        ),
        (
            "https://huggingface.co/datasets/o/r/blob/main/blob/a.safetensors",
            "https://huggingface.co/datasets/o/r/resolve/main/blob/a.safetensors".to_owned(),
        ),
        (
            "https://huggingface.co/gpt2/blob/main/a.safetensors",
            "https://huggingface.co/gpt2/resolve/main/a.safetensors".to_owned(),
        ),
        (
            "https://huggingface.co/o/r/blob/main/a.safetensors?download=true",
            "https://huggingface.co/o/r/resolve/main/a.safetensors".to_owned(),
        ),
        (
            &format!("https://huggingface.co/o/r/blob/{COMMIT}/d/a%20b.safetensors?download=true"),
            format!("hf:o/r@{COMMIT}/d/a b.safetensors"),
        ),
        (
            &format!("https://huggingface.co/datasets/o/r/resolve/{}/a.pt", COMMIT.to_uppercase()),
            format!("hf:datasets/o/r@{COMMIT}/a.pt"),
        ),
        (&format!("https://huggingface.co/gpt2/resolve/{COMMIT}/m.bin"), format!("hf:gpt2@{COMMIT}/m.bin")),
        (&format!("huggingface:o/r@{COMMIT}/a.pt"), format!("hf:o/r@{COMMIT}/a.pt")),
        ("https://example.org/get?id=5", "https://example.org/get?id=5".to_owned()),
        (
            "https://civitai.com/api/download/models/128713?fileId=99&type=Model&format=SafeTensor",
            "civitai:128713/99".to_owned(),
        ),
        ("https://civitai.red/api/download/models/128713?fileId=99", "civitai:128713/99".to_owned()),
        (
            "https://civitai.com/api/download/models/128713?type=Model",
            "https://civitai.com/api/download/models/128713?type=Model".to_owned(),
        ),
        ("civitai:4384/3290", "civitai:4384/3290".to_owned()),
        (&format!("hub:sha256:{}", hex.to_uppercase()), format!("hub:sha256:{hex}")),
        ("share:nas/loras/own style.safetensors", "share:nas/loras/own style.safetensors".to_owned()),
        ("oci://ghcr.io/o/r@sha256:ab", "oci://ghcr.io/o/r@sha256:ab".to_owned()),
    ] {
        let source = Source::given(given).unwrap();
        assert_eq!(source.to_string(), canonical, "{given}");
        assert_eq!(Source::parse(&canonical).unwrap(), source, "{given}");
    }
}

#[test]
fn what_says_too_little_is_read_and_kept_but_not_taken() {
    for text in [
        "civitai:78901",
        "civitai:0/1",
        "civitai:1/02",
        "civitai:1/2/3",
        "hf:o/r/a.safetensors",
        "hf:o/r@main/a.safetensors",
        &format!("hf:o/r@{COMMIT}/../a"),
        &format!("hf:o/r/x@{COMMIT}/a"),
        "huggingface:o/r/a.safetensors",
        "hub:sha256:abc",
        "share:nas",
        "share:nas/../x",
        "share:../x",
        "share:nas//x",
    ] {
        let source = Source::parse(text).unwrap();
        assert!(matches!(source, Source::Unclear { .. }), "{text}: {source:?}");
        assert_eq!(source.to_string(), text);
        assert!(matches!(Source::given(text), Err(Error::Unclear { .. })), "{text}");
    }
}

#[test]
fn only_the_sites_own_hosts_are_the_sites() {
    for text in [
        format!("https://huggingface.co.evil.example/o/r/resolve/{COMMIT}/a.pt"),
        format!("https://huggingface.co:8443/o/r/resolve/{COMMIT}/a.pt"),
        "https://evil.example/civitai.com/api/download/models/1?fileId=2".to_owned(),
        "https://sub.civitai.com/api/download/models/1?fileId=2".to_owned(),
        "https://civitai.com/api/download/models/1?fileId=2x".to_owned(),
    ] {
        assert!(matches!(Source::parse(&text).unwrap(), Source::Url(_)), "{text}");
    }
}

#[test]
fn what_a_source_names_on_a_site() {
    let named = |text: &str| Source::parse(text).unwrap();
    let file = named("https://huggingface.co/o/r/resolve/main/split%2Bfiles/a.pt").hugging_face().unwrap();
    assert_eq!((file.repository(), file.revision(), file.path()), ("o/r", "main", "split+files/a.pt"));
    assert_eq!(named("hf:o/r/d/a.pt").hugging_face().unwrap().path(), "d/a.pt");
    assert_eq!(named(&format!("hf:o/r@{COMMIT}/a.pt")).hugging_face().unwrap().revision(), COMMIT);
    let place = |version, file| Some(CivitaiPlace { version, file });
    assert_eq!(named("https://civitai.com/api/download/models/7?type=Model").civitai(), place(7, None));
    assert_eq!(named("https://civitai.com/models/5/name?modelVersionId=7").civitai(), place(7, None));
    assert_eq!(named("civitai:7/8").civitai(), place(7, Some(8)));
    assert_eq!(named("https://civitai.com/models/5").civitai(), None);
    assert_eq!(named("civitai:7").civitai(), None, "a model's id is no version's");
}

#[test]
fn what_is_near_and_what_is_pinned_is_asked_first() {
    let hub = format!("hub:sha256:{}", "ab".repeat(32));
    let pinned = format!("hf:o/r@{COMMIT}/a.pt");
    let order = [
        "share:nas/a.pt",
        &hub,
        &pinned,
        "civitai:1/2",
        "https://example.org/a.pt",
        "https://huggingface.co/o/r/resolve/main/a.pt",
        "oci://x/y",
        "civitai:1",
    ];
    let ranks: Vec<u8> = order.iter().map(|text| Source::parse(text).unwrap().rank()).collect();
    assert!(ranks.is_sorted_by(|one, other| one < other), "{ranks:?}");
}

#[test]
fn secrets_are_refused() {
    for text in [
        "https://civitai.com/api/download/models/1?token=abc",
        "https://civitai.com/api/download/models/1?fileId=2&Token=abc",
        "https://s3.example.org/x?X-Amz-Signature=abc",
        "https://storage.example.org/x?x-goog-signature=abc",
        "https://me:pw@example.org/x",
    ] {
        let error = Source::parse(text).unwrap_err();
        assert!(matches!(error, Error::Secret { .. }), "{text}");
        assert!(!error.to_string().contains("abc") && !error.to_string().contains("pw@"));
    }
}

#[test]
fn unknown_kinds_and_endless_texts_are_refused() {
    let long = format!("https://example.org/{}", "x".repeat(LONGEST));
    for text in ["", "file:///etc/passwd", "ftp://x/y", "model.safetensors", "hf:", &long] {
        assert!(Source::parse(text).is_err(), "{text}");
    }
}

proptest! {
    /// What was read once is written and read the same for ever: manifests do not drift.
    #[test]
    fn reading_what_was_written_changes_nothing(
        kind in "(hf|huggingface|civitai|hub|share|oci|https|http)",
        rest in "(//(huggingface\\.co|civitai\\.com)/)?[a-z0-9/@%:.? =&~é-]{1,60}",
    ) {
        if let Ok(source) = Source::parse(&format!("{kind}:{rest}")) {
            prop_assert_eq!(Source::parse(&source.to_string()).unwrap(), source);
        }
    }

    /// Every file at a commit comes back from its canonical form.
    #[test]
    fn pinned_files_travel(name in "[A-Za-z0-9][A-Za-z0-9._-]{0,20}", path in "[a-zA-Z0-9 %#?+é_-]{1,20}(/[a-zA-Z0-9 _]{1,9})?") {
        let file = HuggingFaceFile::new(&format!("o/{name}"), COMMIT, &path);
        prop_assume!(file.is_some());
        let file = file.unwrap().pinned().unwrap();
        let source = Source::HuggingFace(file);
        prop_assert_eq!(Source::parse(&source.to_string()).unwrap(), source);
    }
}
