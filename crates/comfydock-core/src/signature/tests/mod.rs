//! What is signed, field by field. That the signature itself fits is the bundle crate's table.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::manifest::{empty_config, layer, older, read_layers, read_referrer, referrer, with_layer, write_config};
use super::replay::{Age, age};
use super::*;
use crate::oci::{Descriptor, IMAGE_MANIFEST, LARGEST_MANIFEST, Reference};

const DIGEST: &str = "14c526fd410404ab17adaf84033f1eea579af2c6f64bf5d8a3822c5669444c32";
const V3_PAYLOAD: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"14c526fd410404ab17adaf84033f1eea579af2c6f64bf5d8a3822c5669444c32"},"annotations":{}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#;

fn digest() -> Sha256 {
    Sha256::parse(DIGEST).unwrap()
}

fn claim(reference: &str, version: &str, created: &str) -> Claim {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Claim { reference: some(reference), version: some(version), created: some(created) }
}

/// cosign's statement with some members replaced, or taken out by null.
fn statement_with(changes: Value) -> Vec<u8> {
    let mut statement: Value = serde_json::from_str(V3_PAYLOAD).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(statement.as_object_mut().unwrap().remove(name)),
            value => statement[name] = value.clone(),
        }
    }
    serde_json::to_vec(&statement).unwrap()
}

fn kind(outcome: &Result<Signed, Refusal>) -> &'static str {
    match outcome {
        Ok(Signed { origin: Origin::Here, .. }) => "here",
        Ok(Signed { origin: Origin::MirrorOf(_), .. }) => "mirror",
        Err(Refusal::Unreadable { .. }) => "unreadable",
        Err(Refusal::PayloadType { .. }) => "payload type",
        Err(Refusal::StatementType { .. }) => "statement type",
        Err(Refusal::PredicateType { .. }) => "predicate type",
        Err(Refusal::CriticalType { .. }) => "critical type",
        Err(Refusal::Subject { .. }) => "subject",
        Err(Refusal::OtherRepository { .. }) => "other repository",
        Err(Refusal::OtherVersion { .. }) => "other version",
        Err(_) => "something else",
    }
}

#[test]
fn what_is_signed_is_what_dsse_says() {
    // The first vector of the protocol itself.
    let encoded = dsse::pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn a_statement_has_to_be_a_signature_of_the_content() {
    let predicate = |claim: Value| json!({ "predicate": { "comfydock": claim } });
    let other = "0".repeat(64);
    let subject = |digests: &[(&str, &str)]| json!({ "subject": digests.iter().map(|(name, digest)| json!({ "digest": { *name: digest } })).collect::<Vec<_>>() });
    let place = Place::read("ghcr.io/team/look:1.2");
    for (changes, expected) in [
        (json!({}), "here"),
        (json!({ "predicate": null }), "here"),
        (json!({ "predicate": { "somebody": "else's" }, "more": 1 }), "here"),
        (subject(&[("sha256", &other), ("sha256", DIGEST)]), "here"),
        (predicate(json!({ "ref": "ghcr.io/team/look", "version": "1.2", "created": "2026-11-28T00:00:00Z" })), "here"),
        (predicate(json!({ "ref": "GHCR.io/team/look:1.2" })), "here"),
        (predicate(json!({ "version": "1.2" })), "here"),
        (predicate(json!({})), "here"),
        (predicate(json!({ "ref": "ghcr.io/team/look", "version": "1.1" })), "other version"),
        (predicate(json!({ "ref": "ghcr.io/team/look:1.1" })), "other version"),
        (predicate(json!({ "version": "1.1" })), "other version"),
        (predicate(json!({ "ref": "ghcr.io/team/other", "version": "1.1" })), "mirror"),
        (predicate(json!({ "ref": "quay.io/team/look", "version": "1.2" })), "mirror"),
        (predicate(json!({ "ref": 7 })), "unreadable"),
        (predicate(json!("1.2")), "unreadable"),
        (json!({ "_type": "https://in-toto.io/Statement/v0.1" }), "statement type"),
        (json!({ "_type": null }), "unreadable"),
        (json!({ "predicateType": "https://slsa.dev/provenance/v1" }), "predicate type"),
        (json!({ "predicateType": null }), "unreadable"),
        (json!({ "subject": [] }), "subject"),
        (json!({ "subject": null }), "subject"),
        (subject(&[("sha256", &other)]), "subject"),
        (subject(&[("sha512", DIGEST)]), "subject"),
        (subject(&[("sha256", &DIGEST.to_uppercase())]), "subject"),
    ] {
        let outcome = statement::judge(dsse::PAYLOAD_TYPE, &statement_with(changes.clone()), &digest(), Some(&place));
        assert_eq!(kind(&outcome), expected, "{changes}: {outcome:?}");
    }
    let outcome = statement::judge("application/vnd.docker+json", V3_PAYLOAD.as_bytes(), &digest(), None);
    assert_eq!(kind(&outcome), "payload type");
    let twice = V3_PAYLOAD.replacen("\"predicate\":", "\"predicateType\":\"x\",\"predicate\":", 1);
    assert_eq!(kind(&statement::judge(dsse::PAYLOAD_TYPE, twice.as_bytes(), &digest(), None)), "unreadable");
    // A file lies nowhere: whatever it was published as, it is this file.
    let published = statement_with(predicate(json!({ "ref": "ghcr.io/team/look", "version": "1.1" })));
    assert_eq!(kind(&statement::judge(dsse::PAYLOAD_TYPE, &published, &digest(), None)), "here");
}

#[test]
fn the_older_form_has_to_name_type_content_and_repository() {
    let place = Place::read("127.0.0.1:5055/team/env:1.2");
    let payload = |reference: &str, digest: &str, kind: &str, optional: Value| {
        json!({ "critical": { "identity": { "docker-reference": reference }, "image": { "docker-manifest-digest": digest }, "type": kind }, "optional": optional }).to_string()
    };
    let (here, this, type_) = ("127.0.0.1:5055/team/env", format!("sha256:{DIGEST}"), simple_signing::TYPE);
    let ours = |version: &str| json!({ "comfydock": { "ref": here, "version": version } });
    for (text, expected) in [
        (payload(here, &this, type_, Value::Null), "here"),
        (payload(here, &this, type_, json!({ "creator": "cosign" })), "here"),
        (payload(&format!("{here}:1.2"), &this, type_, Value::Null), "here"),
        (payload(here, &this, type_, ours("1.2")), "here"),
        (payload(here, &this, type_, ours("1.1")), "other version"),
        (payload(&format!("{here}:1.1"), &this, type_, Value::Null), "other version"),
        (payload("evil.example/other", &this, type_, Value::Null), "other repository"),
        (payload("127.0.0.1/team/env", &this, type_, Value::Null), "other repository"),
        (payload(here, &this, "bogus", Value::Null), "critical type"),
        (payload(here, &format!("sha256:{}", "0".repeat(64)), type_, Value::Null), "subject"),
        (payload(here, DIGEST, type_, Value::Null), "subject"),
        ("{}".to_owned(), "unreadable"),
        (String::new(), "unreadable"),
    ] {
        let outcome = simple_signing::judge(text.as_bytes(), &digest(), Some(&place));
        assert_eq!(kind(&outcome), expected, "{text}: {outcome:?}");
    }
}

#[test]
fn every_refusal_has_words_of_its_own() {
    let fingerprint = |digit: &str| Fingerprint::from(Sha256::parse(&digit.repeat(64)).unwrap());
    let found = "x".to_owned();
    let all = [
        Refusal::TooLarge { what: "it", most: 1 },
        Refusal::unreadable("it", "why"),
        Refusal::NoEnvelope,
        Refusal::Keyless,
        Refusal::PayloadType { found: found.clone() },
        Refusal::StatementType { found: found.clone() },
        Refusal::PredicateType { found: found.clone() },
        Refusal::CriticalType { found: found.clone() },
        Refusal::Subject { found: vec![], wanted: digest() },
        Refusal::OtherRepository { signed: found.clone(), wanted: found.clone() },
        Refusal::OtherVersion { repository: found.clone(), signed: found.clone(), wanted: found },
        Refusal::OtherKey { found: fingerprint("0"), named: fingerprint("1") },
        Refusal::NoKey { named: None },
        Refusal::NoKey { named: Some(fingerprint("0")) },
        Refusal::Broken,
        Refusal::Prehashed,
    ];
    let words: std::collections::BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), all.len(), "{words:#?}");
}

#[test]
fn places_have_one_spelling() {
    for (text, repository, tag) in [
        ("ghcr.io/team/look", "ghcr.io/team/look", None),
        ("GHCR.IO/team/look:1.2", "ghcr.io/team/look", Some("1.2")),
        ("localhost:5000/look", "localhost:5000/look", None),
        ("localhost:5000/look:1.2", "localhost:5000/look", Some("1.2")),
        ("localhost:5000/look:1.2@sha256:00", "localhost:5000/look", Some("1.2")),
        ("index.docker.io/library/look@sha256:00", "docker.io/library/look", None),
        ("localhost:5000", "localhost:5000", None),
        ("", "", None),
    ] {
        let place = Place::read(text);
        assert_eq!((place.repository.as_str(), place.tag.as_deref()), (repository, tag), "{text}");
        if let Ok(reference) = Reference::parse(&format!("oci://{}", text.replace("@sha256:00", ""))) {
            assert_eq!(Place::from(&reference), place, "{text}");
        }
    }
}

#[test]
fn an_older_version_in_the_place_of_a_newer_one_is_noticed() {
    let (early, late) = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00.5Z");
    for (seen, now, expected) in [
        (("1.2.0", early), ("1.2.0", early), Age::NotOlder),
        (("1.2.0", early), ("1.10.0", ""), Age::NotOlder),
        (("1.10.0", ""), ("1.2.0", ""), Age::Older),
        // A patch of an older line comes later than the newer line; its version says that it is older.
        (("2.0.0", early), ("1.9.1", late), Age::Older),
        (("v1.2", ""), ("1.2.0-rc1", ""), Age::Older),
        (("1.2.0-rc1", ""), ("1.2.0", ""), Age::NotOlder),
        (("1.2.0", late), ("1.2.0", early), Age::Older),
        (("1.2.0-rc2", early), ("1.2.0-rc1", late), Age::NotOlder),
        (("latest", late), ("latest", early), Age::Older),
        (("latest", early), ("latest", late), Age::NotOlder),
        (("latest", early), ("1.0", ""), Age::Unknown),
        (("latest", early), ("latest", "yesterday"), Age::Unknown),
        (("latest", late), ("latest", "2026-11-01T00:00:00+02:00"), Age::Unknown),
        (("", ""), ("1.0", late), Age::Unknown),
        (("1.0+build.7", ""), ("1.0", ""), Age::NotOlder),
    ] {
        let found = age(&claim("", seen.0, seen.1), &claim("", now.0, now.1));
        assert_eq!(found, expected, "{seen:?} then {now:?}");
    }
}

#[test]
fn what_we_write_is_what_cosign_writes() {
    let written = statement::write(&digest(), None);
    assert_eq!(written, V3_PAYLOAD.replace(",\"annotations\":{}", ""));
    let claim = claim("ghcr.io/team/look", "1.4.0", "2026-11-28T12:00:00Z");
    let predicate =
        r#""predicate":{"comfydock":{"ref":"ghcr.io/team/look","version":"1.4.0","created":"2026-11-28T12:00:00Z"}}"#;
    assert_eq!(statement::write(&digest(), Some(&claim)), written.replace("\"predicate\":{}", predicate));
    assert_eq!(
        simple_signing::write("127.0.0.1:5055/team/env", &digest(), None),
        include_str!("../../../../../tests/fixtures/signatures/v2.payload")
    );
    let optional = simple_signing::write("ghcr.io/team/look", &digest(), Some(&claim));
    assert!(optional.ends_with(&predicate.replace("predicate", "optional").replace("}}", "}}}")), "{optional}");
    // As cosign 2.5 wrote it, for the payload of the samples: its size and SHA-256 stand in their manifest.
    let layers = read_layers(include_bytes!("../../../../../tests/fixtures/signatures/v2.manifest.json")).unwrap();
    assert_eq!(layers.len(), 1);
    assert_eq!(write_config(&[layers[0].payload.clone()]).len(), 233);
}

#[test]
fn a_referrer_carries_bundle_subject_and_key() {
    let empty = Sha256::parse("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a").unwrap();
    let of = |kind: &str, size| Descriptor::new(kind, digest().into(), size);
    let manifest = referrer(of(IMAGE_MANIFEST, 605), empty_config(&empty), of(BUNDLE_TYPE, 659), "the key");
    let text = String::from_utf8(manifest.to_bytes()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let cosigns: Value =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/signatures/v3.manifest.json")).unwrap();
    for same in ["schemaVersion", "mediaType", "artifactType", "subject"] {
        assert_eq!(value[same], cosigns[same], "{same}");
    }
    assert_eq!(
        value["config"],
        json!({ "mediaType": "application/vnd.oci.empty.v1+json", "digest": format!("sha256:{empty}"), "size": 2 })
    );
    for same in ["dev.sigstore.bundle.content", "dev.sigstore.bundle.predicateType"] {
        assert_eq!(value["annotations"][same], cosigns["annotations"][same], "{same}");
    }
    let read = read_referrer(text.as_bytes()).unwrap().unwrap();
    assert_eq!((read.bundle.size, read.public_key.as_deref()), (659, Some("the key")));
    let read = read_referrer(cosigns.to_string().as_bytes()).unwrap().unwrap();
    assert_eq!((read.bundle.size, read.public_key), (659, None));
    // An SBOM is no signature, and no error.
    let other = text.replace(BUNDLE_TYPE, "application/spdx+json");
    assert_eq!(read_referrer(other.as_bytes()).unwrap(), None);
    assert_eq!(
        read_referrer(&vec![b' '; LARGEST_MANIFEST + 1]),
        Err(Refusal::TooLarge { what: "the manifest of a signature", most: LARGEST_MANIFEST })
    );
}

#[test]
fn a_signature_of_the_older_form_is_added_once_and_the_others_stay() {
    let existing = include_bytes!("../../../../../tests/fixtures/signatures/v2.manifest.json");
    let layers = with_layer(Some(existing), layer(&digest(), 300, "bWluZQ==", "the key")).unwrap().unwrap();
    assert_eq!(layers.len(), 2);
    let text = String::from_utf8(older(&digest(), 400, layers.clone()).to_bytes()).unwrap();
    assert_eq!(with_layer(Some(text.as_bytes()), layer(&digest(), 300, "bWluZQ==", "the key")).unwrap(), None);
    assert_eq!(
        with_layer(Some(text.as_bytes()), layer(&digest(), 300, "b3RoZXI=", "the key")).unwrap().unwrap().len(),
        3
    );
    let read = read_layers(text.as_bytes()).unwrap();
    assert_eq!(read[0], read_layers(existing).unwrap()[0], "cosign's own stays as it was");
    assert_eq!((read[1].signature.as_str(), read[1].public_key.as_deref()), ("bWluZQ==", Some("the key")));
    assert_eq!(write_config(&layers).matches("sha256:").count(), 2);
    assert!(with_layer(Some(b"<html>"), layer(&digest(), 1, "", "")).is_err());
}

proptest! {
    #[test]
    fn nothing_that_arrives_ends_the_program(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,80}") {
        let place = Place::read(&text);
        let _ = statement::judge(dsse::PAYLOAD_TYPE, &bytes, &digest(), Some(&place));
        let _ = simple_signing::judge(&bytes, &digest(), Some(&place));
        let _ = (read_referrer(&bytes), read_layers(&bytes));
        let _ = age(&claim(&text, &text, &text), &claim("", &text, &text));
    }

    #[test]
    fn a_changed_statement_is_refused_or_says_the_same_of_the_content(at in 0..V3_PAYLOAD.len(), byte in any::<u8>()) {
        let mut bytes = V3_PAYLOAD.as_bytes().to_vec();
        bytes[at] = byte;
        if statement::judge(dsse::PAYLOAD_TYPE, &bytes, &digest(), None).is_ok() {
            let text = String::from_utf8(bytes).unwrap();
            prop_assert!(text.contains(DIGEST) && text.contains(statement::PREDICATE_TYPE), "{}", text);
        }
    }
}
