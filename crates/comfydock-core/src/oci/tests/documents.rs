use serde_json::{Value, json};

use super::super::*;

fn digest(letter: char) -> Digest {
    Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).unwrap()
}

#[test]
fn a_digest_has_one_spelling() {
    assert_eq!(digest('a').to_string(), format!("sha256:{}", "a".repeat(64)));
    assert_eq!(digest('a').referrers_tag().as_str(), format!("sha256-{}", "a".repeat(64)));
    for text in
        ["", "sha256:", &"a".repeat(64), &format!("sha256:{}", "A".repeat(64)), &format!("sha512:{}", "a".repeat(128))]
    {
        assert!(Digest::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_manifest_is_written_as_the_specification_has_it() {
    let mut manifest = ImageManifest::new("application/x", Descriptor::new(EMPTY, digest('a'), 2), vec![]);
    let bare = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE_MANIFEST}","artifactType":"application/x","config":{{"mediaType":"{EMPTY}","digest":"{}","size":2}},"layers":[]}}"#,
        digest('a')
    );
    assert_eq!(String::from_utf8(manifest.to_bytes()).unwrap(), bare);
    manifest.subject = Some(Descriptor::new(IMAGE_MANIFEST, digest('b'), 7));
    manifest.annotations.insert("k".to_owned(), "v".to_owned());
    assert_eq!(serde_json::from_slice::<ImageManifest>(&manifest.to_bytes()).unwrap(), manifest);
    assert_eq!(manifest.kind(), "application/x");
    manifest.artifact_type = None;
    assert_eq!(manifest.kind(), EMPTY);
    assert_eq!(media_type_within(&manifest.to_bytes()).as_deref(), Some(IMAGE_MANIFEST));
    assert_eq!(media_type_within(b"{}"), None);
}

#[test]
fn an_entry_is_added_and_nothing_else_of_the_index_changes() {
    let entry = Descriptor::new(IMAGE_MANIFEST, digest('a'), 1);
    let first = appended(None, &entry).unwrap();
    let read: Value = serde_json::from_slice(&first).unwrap();
    assert_eq!((&read["schemaVersion"], &read["mediaType"]), (&json!(2), &json!(IMAGE_INDEX)));
    assert!(listed(&first, &digest('a')) && !listed(&first, &digest('b')));

    let foreign = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "annotations": {"a": "b"}, "manifests": [
        {"mediaType": "x", "digest": format!("sha512:{}", "a".repeat(128)), "size": 3, "platform": {"os": "linux"}},
        {"mediaType": "y", "digest": digest('b').to_string(), "size": 4, "artifactType": EMPTY},
    ]});
    let bytes = appended(Some(&serde_json::to_vec(&foreign).unwrap()), &entry).unwrap();
    let mut document: Value = serde_json::from_slice(&bytes).unwrap();
    let last = document["manifests"].as_array_mut().unwrap().pop().unwrap();
    assert_eq!(document, foreign);
    assert_eq!(serde_json::from_value::<Descriptor>(last).unwrap(), entry);
    let readable = serde_json::from_slice::<ImageIndex>(&bytes).unwrap().manifests;
    assert_eq!(readable.iter().map(|entry| entry.digest.clone()).collect::<Vec<_>>(), [digest('b'), digest('a')]);
    assert!(serde_json::from_slice::<ImageIndex>(br#"{"manifests":null}"#).unwrap().manifests.is_empty());
    assert!(appended(Some(b"[]"), &entry).is_err());
}

#[test]
fn refusals_are_read_and_odd_ones_say_nothing() {
    for (body, code, message) in [
        (
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such\nrepository"}]}"#,
            Some(Code::NameUnknown),
            "no such repository",
        ),
        (r#"{"errors":[{"code":"X"},{"code":"DENIED","detail":null}]}"#, Some(Code::Denied), "X"),
        (r#"{"errors":[]}"#, None, ""),
        ("<html>", None, ""),
        ("", None, ""),
    ] {
        assert_eq!(complaint(body.as_bytes()), Complaint { code, message: message.to_owned() }, "{body}");
    }
    let long = format!(r#"{{"errors":[{{"message":"{}"}}]}}"#, "x".repeat(9000));
    assert_eq!(complaint(long.as_bytes()).message.len(), 300);
}
