use super::*;

fn hex(byte: &str) -> String {
    byte.repeat(32)
}

fn sha256(byte: &str) -> Sha256 {
    Sha256::parse(&hex(byte)).unwrap()
}

/// As the site answers, with the fields that come and go.
fn sample() -> String {
    format!(
        r#"{{"id":25,"modelId":8,"name":"v16.0","description":null,"baseModel":"Illustrious","status":"Published","usageControl":"Download",
        "stats":{{"downloadCount":null}},"model":{{"name":"WAI","type":"Checkpoint","nsfw":false}},
        "files":[
          {{"id":1,"name":"config.yaml","type":"Config","sizeKB":1.2,"hashes":{{"SHA256":"{c}"}},"primary":false}},
          {{"id":2,"name":"full.safetensors","type":"Model","sizeKB":6775430.35,"metadata":{{"fp":"fp16"}},"pickleScanResult":"Success",
            "hashes":{{"AutoV2":"AAAA","SHA256":"{a}","CRC32":"DAEE95B7","BLAKE3":"{b}"}},"downloadUrl":"https://undefined/api/download/models/25","primary":true}},
          {{"id":3,"name":"pruned.ckpt","type":"Pruned Model","sizeKB":null,"virusScanResult":"Danger","hashes":{{"SHA256":"{d}"}}}},
          {{"id":4,"name":"pending.safetensors","type":"Model","hashes":{{}}}},
          {{"name":"no id"}}, null],
        "images":[{{"url":"x"}}],"downloadUrl":"https://undefined/api/download/models/25"}}"#,
        a = hex("AA"),
        b = hex("bb"),
        c = hex("cc"),
        d = hex("dd"),
    )
}

#[test]
fn a_version_is_read_and_its_file_chosen_by_hash() {
    let version = version(sample().as_bytes()).unwrap();
    assert_eq!((version.id, version.title.as_str(), version.files.len()), (25, "WAI v16.0", 4));
    assert!(version.downloadable);
    let pruned = version.by_sha256(&sha256("dd")).unwrap();
    assert_eq!((pruned.id, pruned.about, pruned.dangerous), (3, None, true), "not the primary one");
    assert_eq!(version.source(pruned).to_string(), "civitai:25/3");
    let full = version.by_sha256(&sha256("aa")).unwrap();
    assert_eq!(full.about, Some((6_775_430.35_f64 * 1024.0).round() as u64));
    assert_eq!(full.blake3, Blake3::parse(&hex("bb")).ok());
    assert!(full.weights && !version.files[0].weights);
    assert_eq!(version.by_sha256(&sha256("bb")), None, "a BLAKE3 is no SHA-256");
}

#[test]
fn what_is_barely_there_is_read_too() {
    let bare = version(br#"{"id":1,"modelId":2,"files":[]}"#).unwrap();
    assert!(bare.files.is_empty() && bare.title.is_empty());
    let odd = version(br#"{"id":1,"files":"none","model":7,"usageControl":"Generation"}"#).unwrap();
    assert!(odd.files.is_empty() && !odd.downloadable);
    for text in ["", "<html>", "null", "[]", "{}", r#"{"id":"1"}"#, r#"{"id":-1}"#] {
        assert!(version(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_batch_has_holes_and_repeats() {
    let text = format!("[null,{0},null,{{\"id\":3,\"files\":[]}},{0}]", sample());
    let read = versions(text.as_bytes()).unwrap();
    assert_eq!(read.iter().map(|version| version.id).collect::<Vec<_>>(), [3, 25]);
    assert!(versions(b"{}").is_err());
}

#[test]
fn ids_are_read() {
    let text = format!(
        r#"[{{"modelVersionId":5,"modelId":1,"hash":"{}"}},{{"modelVersionId":6,"hash":"AAAA"}},null]"#,
        hex("AB")
    );
    assert_eq!(ids(text.as_bytes()).unwrap(), [(sha256("ab"), 5)]);
}

#[test]
fn every_refusal_has_its_own_meaning() {
    let login =
        r#"{"error":"Unauthorized","message":"The creator of this asset requires you to be logged in to download it"}"#;
    let disabled =
        r#"{"error":"Unauthorized","message":"The creator of this asset has disabled downloads on this file"}"#;
    let early = r#"{"error":"Early Access","deadline":"2026-12-01T00:00:00Z","message":"…"}"#;
    for (status, body, meaning) in [
        (200, "", None),
        (307, "", None),
        (400, r#"{"error":"bad"}"#, Some(Refusal::Odd(400))),
        (
            401,
            login,
            Some(Refusal::Login(Some(
                "The creator of this asset requires you to be logged in to download it".to_owned(),
            ))),
        ),
        (401, "", Some(Refusal::Login(None))),
        (401, disabled, Some(Refusal::Disabled)),
        (403, early, Some(Refusal::EarlyAccess(Some("2026-12-01T00:00:00Z".to_owned())))),
        (403, "<html>Cloudflare", Some(Refusal::Forbidden(None))),
        (404, r#"{"error":"Model not found"}"#, Some(Refusal::Missing)),
        (410, "", Some(Refusal::Archived)),
        (429, "", Some(Refusal::Busy(Some(7)))),
        (451, r#"{"code":"REGION_BLOCKED"}"#, Some(Refusal::Region)),
        (503, "", Some(Refusal::Broken(503))),
    ] {
        assert_eq!(refusal(status, Some(7), body.as_bytes()), meaning, "{status} {body}");
    }
    let clauses: std::collections::BTreeSet<String> = [
        Refusal::Missing,
        Refusal::Login(None),
        Refusal::Gated,
        Refusal::Forbidden(None),
        Refusal::Disabled,
        Refusal::EarlyAccess(None),
        Refusal::Archived,
        Refusal::Busy(None),
        Refusal::Region,
        Refusal::Broken(500),
        Refusal::Odd(400),
    ]
    .iter()
    .map(|refusal| refusal.clause(super::super::Site::Civitai))
    .collect();
    assert_eq!(clauses.len(), 11, "no two read the same");
}
