use super::*;

#[test]
fn an_answer_of_the_registry_is_read() {
    let node: Node = read(
        br#"{"id":"comfyui-impact-pack","name":"ComfyUI Impact Pack","description":"d","author":"","license":"{}","icon":"",
        "repository":"https://github.com/ltdrdata/ComfyUI-Impact-Pack","tags":[],"downloads":2034121,"rating":0,
        "created_at":"2024-05-21T02:15:00.000000Z","status":"NodeStatusActive","status_detail":"",
        "publisher":{"id":"drltdata","name":"Dr.Lt.Data","createdAt":"2024-05-01T00:00:00Z","status":"PublisherStatusActive"},
        "latest_version":{"id":"5a4c","node_id":"comfyui-impact-pack","version":"8.8.1","createdAt":"2025-03-01T10:11:12.123456Z",
        "changelog":"","dependencies":["piexif","scipy>=1.11.4"],"deprecated":false,"downloadUrl":"https://cdn.example/node.zip",
        "status":"NodeVersionStatusActive","status_reason":"","supported_os":null}}"#,
    )
    .unwrap();
    let version = node.latest_version.clone().unwrap();
    assert_eq!((node.id.as_str(), node.publisher.id.as_str()), ("comfyui-impact-pack", "drltdata"));
    assert_eq!((&node.status, &version.status), (&NodeStatus::Active, &NodeVersionStatus::Active));
    assert_eq!(version.number().unwrap().to_string(), "8.8.1");
    assert_eq!(version.dependencies, ["piexif", "scipy>=1.11.4"]);
    assert_eq!(version.download_url, "https://cdn.example/node.zip");
    let kept = serde_json::to_vec(&node).unwrap();
    assert_eq!(read::<Node>(&kept).unwrap(), node, "it is kept as it was answered");
}

#[test]
fn what_is_not_known_may_be_absent_or_null() {
    for text in [
        r#"{"id":"x"}"#,
        r#"{"id":"x","name":null,"description":null,"repository":null,"status":null,"publisher":null,"latest_version":null}"#,
        r#"{"id":"x","repository":"","status":"","publisher":{}}"#,
    ] {
        let node: Node = read(text.as_bytes()).unwrap();
        assert_eq!(
            (node.latest_version, node.status, node.repository.as_str()),
            (None, NodeStatus::Unsaid, ""),
            "{text}"
        );
    }
    let version: NodeVersion =
        read(br#"{"version":"1.0.0","dependencies":null,"deprecated":null,"status":"NodeVersionStatusNew"}"#).unwrap();
    assert_eq!(version.status, NodeVersionStatus::Other("NodeVersionStatusNew".to_owned()));
    assert_eq!(read::<Vec<NodeVersion>>(b"[]").unwrap(), []);
}

#[test]
fn what_is_no_answer_says_what_it_is() {
    for (body, words) in [
        (&b"<!DOCTYPE html><title>Sign in</title>"[..], "web page"),
        (b"\n  <html>", "web page"),
        (b"", "cut off"),
        (br#"{"id":"x","name":"#, "cut off"),
        (br#"{"name":"x"}"#, "missing field `id`"),
        (br#"{"id":"../x"}"#, "not a usable node name"),
        (b"[]", "cannot be read"),
    ] {
        let message = read::<Node>(body).unwrap_err();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn statuses_are_judged() {
    use NodeStatus as N;
    use NodeVersionStatus as V;
    let other = || V::Other("NodeVersionStatusOdd".to_owned());
    for (node, version, deprecated, expected) in [
        (N::Active, V::Active, false, "ok"),
        (N::Unsaid, V::Unsaid, false, "ok"),
        (N::Active, V::Pending, false, "warn: not scanned"),
        (N::Active, V::Flagged, false, "warn: scan found"),
        (N::Active, V::Active, true, "warn: deprecated"),
        (N::Active, V::Flagged, true, "warn: scan found"),
        (N::Active, V::Flagged, true, "warn: deprecated"),
        (N::Active, other(), false, "warn: NodeVersionStatusOdd"),
        (N::Other("x".to_owned()), V::Active, false, "warn: `x`"),
        (N::Active, V::Banned, false, "refuse: banned this version"),
        (N::Active, V::Deleted, false, "refuse: deleted this version"),
        (N::Banned, V::Active, false, "refuse: banned it"),
        (N::Deleted, V::Active, false, "refuse: deleted it"),
        (N::Deleted, V::Banned, true, "refuse: banned"),
    ] {
        let (word, reason) = match judge(&node, &version, deprecated) {
            Verdict::Ok => ("ok", String::new()),
            Verdict::Warn(reason) => ("warn", reason),
            Verdict::Refuse(reason) => ("refuse", reason),
        };
        let (wanted, part) = expected.split_once(": ").unwrap_or((expected, ""));
        assert!(word == wanted && reason.contains(part), "{node:?} {version:?} {deprecated}: {word} {reason}");
    }
}

#[test]
fn refusals_have_their_own_words() {
    for (status, body, words) in [
        (403, "", "node pack `x` is banned"),
        (404, r#"{"error":"","message":"Node not found"}"#, "there is no node pack `x`"),
        (400, r#"{"message":"bad\nversion"}"#, "does not understand the question for node pack `x`: bad version"),
        (429, "", "left alone for 7 s"),
        (500, r#"{"error":"boom","message":""}"#, "out of order (HTTP status 500: boom)"),
        (503, "<html>", "out of order (HTTP status 503)"),
        (403, "\n<html>", "answered with HTTP status 403"),
        (301, "", "HTTP status 301"),
    ] {
        let refusal = Refusal::of(status, (status == 429).then_some(7), body.as_bytes()).unwrap();
        let told = refusal.told("node pack `x`");
        assert!(told.contains(words), "{status}: {told}");
        assert_eq!(refusal.passes(), status == 429 || status >= 500, "{status}");
        assert!(!refusal.remedy().is_empty());
    }
    assert_eq!(Refusal::of(200, None, b""), None);
}
