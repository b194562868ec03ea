//! Who may do what, and what the others are told.

use base64::Engine as _;

use crate::support::{Answer, Hub, send, text};

const PULL: &str = "/info/refs?service=git-upload-pack";
const PUSH: &str = "/info/refs?service=git-receive-pack";

fn hub_with_environment() -> Hub {
    let hub = Hub::with_team();
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), "studio/portraits"), "main"]);
    hub
}

fn basic(hub: &Hub, token: &str, path: &str) -> Answer {
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("whoever:{token}"));
    send(&hub.address, "GET", path, &[("Authorization", &format!("Basic {credentials}"))], b"")
}

#[test]
fn every_caller_gets_the_answer_they_should() {
    let hub = hub_with_environment();
    let (writer, reader) = (hub.token("ann", "push"), hub.token("rea", "push"));
    let (stranger, read_only) = (hub.token("sam", "admin"), hub.token("ann", "read"));
    let table = [
        // token, place, pull, push
        (&writer, "studio/portraits", 200, 200),
        (&reader, "studio/portraits", 200, 403),
        (&read_only, "studio/portraits", 200, 403),
        (&stranger, "studio/portraits", 404, 404),
        (&hub.admin_token(), "studio/portraits", 200, 200),
        (&writer, "STUDIO/Portraits.git", 200, 200),
        (&writer, "studio/new", 404, 200),
        (&reader, "studio/new", 404, 403),
        (&stranger, "studio/new", 404, 404),
        (&writer, "nobody/new", 404, 404),
        (&stranger, "sam/own", 404, 200),
        (&writer, "sam/own", 404, 404),
    ];
    for (token, place, pull, push) in table {
        for (query, status) in [(PULL, pull), (PUSH, push)] {
            let path = format!("/{place}{query}");
            assert_eq!(hub.get(token, &path).status, status, "bearer {path}");
            assert_eq!(basic(&hub, token, &path).status, status, "basic {path}");
        }
    }
    assert_eq!(hub.bare_repositories().len(), 1, "asking makes nothing");
}

#[test]
fn a_token_that_does_not_count_is_told_why() {
    let hub = hub_with_environment();
    let [expired, revoked, disabled] = [hub.token("ann", "push"), hub.token("ann", "push"), hub.token("rea", "push")];
    let last = |back: i64| {
        let sql = "SELECT id FROM tokens ORDER BY id DESC LIMIT 1 OFFSET ?";
        hub.database().query_row(sql, [back], |row| row.get::<_, i64>(0)).unwrap()
    };
    hub.database().execute("UPDATE tokens SET expires_at = 1000 WHERE id = ?", [last(2)]).unwrap();
    hub.run(&["token", "revoke", &last(1).to_string()]);
    hub.run(&["user", "disable", "rea"]);
    let unknown = format!("cdk_{}", "0".repeat(70));
    let table = [
        (expired.as_str(), "token_expired", "the token expired at 1970-01-01T00:16:40Z"),
        (&revoked, "token_revoked", "the token was revoked at"),
        (&disabled, "user_disabled", "the user `rea` is disabled"),
        (&unknown, "token_unknown", "not one this hub knows"),
        ("hunter2", "token_unknown", "not one this hub knows"),
    ];
    for (token, code, message) in table {
        let api = hub.get(token, "/api/v1/whoami");
        assert_eq!(api.status, 401);
        assert_eq!(api.json()["error"]["code"], code);
        assert!(api.json()["error"]["message"].as_str().unwrap().contains(message), "{}", api.text());
        let git = basic(&hub, token, &format!("/studio/portraits{PULL}"));
        assert_eq!((git.status, git.text().contains(message)), (401, true), "{}", git.text());
        assert_eq!(git.header("www-authenticate"), r#"Basic realm="comfydock", charset="UTF-8""#);
    }
    let said = text(&hub.repository("git").try_git(&["ls-remote", &hub.url(&expired, "studio/portraits")]).stderr);
    assert!(said.contains("remote: error: the token expired at"), "{said}");
}

#[test]
fn anonymous_requests_are_challenged_whatever_they_ask_for() {
    let hub = hub_with_environment();
    for path in ["/studio/portraits", "/studio/new", "/nobody/x", "/a..b/c"] {
        for query in [PULL, PUSH] {
            let answer = send(&hub.address, "GET", &format!("{path}{query}"), &[], b"");
            assert_eq!(answer.status, 401, "{path}{query}");
            assert!(answer.header("www-authenticate").starts_with("Basic realm="));
        }
    }
    for path in ["/api/v1/whoami", "/api/v1/environments", "/api/v1/models/sha256:00"] {
        let answer = send(&hub.address, "GET", path, &[], b"");
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (401, Some("token_missing")), "{path}");
    }
    assert_eq!(send(&hub.address, "GET", "/healthz", &[], b"").text(), "ok\n");
}

#[test]
fn odd_names_lead_nowhere() {
    let hub = hub_with_environment();
    let token = hub.admin_token();
    for path in [
        "/studio/..",
        "/studio/%2e%2e",
        "/..%2f..%2fetc/passwd",
        "/studio/a..b",
        "/../../etc",
        "/studio/.git",
        "/studio/x.lock",
        "/api/x",
        "/v2/x",
        "/login/x",
        "/studio/%00",
        "/studio/%ff",
        "/studio/a%2fb",
        "/studio/a%20b",
        "/studio/portraits/more",
        "/.hidden/x",
        "/studio/portraits.git.git",
    ] {
        for query in [PULL, PUSH] {
            let status = hub.get(&token, &format!("{path}{query}")).status;
            assert!(status == 404 || status == 400, "{path}{query}: {status}");
        }
    }
    assert_eq!(hub.bare_repositories().len(), 1);
}

#[test]
fn a_body_is_not_read_before_the_right_to_send_it_is_known() {
    let hub = hub_with_environment();
    let reader = hub.token("rea", "push");
    let path = "/studio/portraits/git-receive-pack";
    let kind = ("Content-Type", "application/x-git-receive-pack-request");
    let authorization = format!("Bearer {reader}");
    for (headers, status) in [(vec![kind], 401), (vec![kind, ("Authorization", &authorization)], 403)] {
        use std::io::Read as _;
        let mut headers = headers;
        headers.push(("Expect", "100-continue"));
        // The body never comes; the answer must not wait for it, nor ask for it.
        let mut stream = crate::support::send_raw(&hub.address, "POST", path, &headers, b"", 1_000_000);
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(text(&start), format!("HTTP/1.1 {status}"));
    }
    let ann = format!("Bearer {}", hub.token("ann", "push"));
    for headers in [vec![("Content-Type", "text/plain")], vec![kind, ("Content-Encoding", "br")], vec![]] {
        let mut headers = headers;
        headers.push(("Authorization", &ann));
        assert_eq!(send(&hub.address, "POST", path, &headers, b"0000").status, 415);
    }
}
