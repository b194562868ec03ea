//! Who may do what: every caller × every route × every state an environment can be in.

mod credentials;
mod pages;
mod table;

use std::collections::BTreeSet;

use serde_json::json;

use self::table::{Row, rows, rows_about};
use crate::blobs::File;
use crate::support::{Answer, Hub, MANIFEST, send};

/// A hub that counts no failed logins, for tests in which nearly all fail.
const PATIENT: &str = "[access]\nfailed_logins = 1000000\nfailed_logins_per_address = 1000000\n";

/// Who asks, and what each is in the team `studio`.
const CALLERS: [&str; 16] = [
    "anonymous", // without a token
    "reader",
    "writer",
    "chief",     // admin of the team
    "foreign",   // admin of another team
    "stranger",  // in no team
    "hub",       // admin of the hub
    "hub-push",  // the same, with a token that may only push
    "read",      // the team's admin, with a token that may only read
    "push",      // the team's admin, with a token that may only push
    "pattern",   // the team's admin, with a token for `studio/*`
    "elsewhere", // the team's admin, with a token for `other/*`
    "narrow",    // the team's admin, with a token for `*/look`
    "disabled",
    "revoked",
    "expired",
];

const PULL: &str = "/info/refs?service=git-upload-pack";

struct Cast {
    hub: Hub,
    tokens: Vec<Option<String>>,
    /// A file that `studio/look` has, and one that `other/look` has. Both environments name both.
    files: [File; 2],
}

impl Cast {
    fn new() -> Self {
        let hub = Hub::start_with("hub", PATIENT);
        hub.run(&["user", "add", "admin-of-hub", "--admin"]);
        for user in ["reader", "writer", "chief", "foreign", "stranger", "disabled"] {
            hub.run(&["user", "add", user]);
        }
        for (team, user, role) in [
            ("studio", "reader", "reader"),
            ("studio", "writer", "writer"),
            ("studio", "chief", "admin"),
            ("studio", "disabled", "admin"),
            ("other", "foreign", "admin"),
        ] {
            hub.try_run(&["team", "add", team]);
            hub.run(&["team", "member", team, user, "--role", role]);
        }
        let make = |user: &str, rest: &[&str]| Some(hub.run(&[&["token", "create", user], rest].concat()));
        let admin = ["--scope", "admin"];
        let bound = |pattern| make("chief", &["--scope", "admin", "--environments", pattern]);
        let tokens = CALLERS
            .iter()
            .map(|caller| match *caller {
                "anonymous" => None,
                "hub" => Some(hub.admin_token()),
                "hub-push" => make("admin-of-hub", &[]),
                "read" => make("chief", &["--scope", "read"]),
                "push" => make("chief", &["--scope", "push"]),
                "pattern" => bound("Studio/*"),
                "elsewhere" => bound("other/*"),
                "narrow" => bound("*/look"),
                "revoked" | "expired" => make("chief", &["--scope", "admin", "--name", caller]),
                user => make(user, &admin),
            })
            .collect();
        hub.run(&["user", "disable", "disabled"]);
        let database = hub.database();
        database.execute("UPDATE tokens SET revoked_at = 1 WHERE label = 'revoked'", []).unwrap();
        database.execute("UPDATE tokens SET expires_at = 1 WHERE label = 'expired'", []).unwrap();
        let repository = hub.repository("first");
        let push = |path: &str| {
            repository.git(&["push", "--quiet", &hub.url(&hub.admin_token(), path), "main"]);
        };
        for path in ["studio/look", "studio/open", "studio/gone", "studio/before", "other/look"] {
            push(path);
        }
        let files = [File::new(10_000), File::new(10_001)];
        let second = files[1].manifest("").replace(MANIFEST, "").replace(&"1".repeat(64), &"2".repeat(64));
        repository.write("pyproject.toml", files[0].manifest("") + &second);
        repository.commit("models");
        for (file, path) in files.iter().zip(["studio/look", "other/look"]) {
            push(path);
            assert_eq!(file.upload(&hub, &hub.admin_token(), path).status, 201);
        }
        hub.run(&["environment", "visibility", "studio/open", "public"]);
        hub.run(&["environment", "delete", "studio/gone"]);
        hub.run(&["environment", "rename", "studio/before", "after"]);
        Self { hub, tokens, files }
    }

    fn ask(&self, caller: usize, method: &str, path: &str, body: &str) -> Answer {
        let mut headers = vec![("Content-Type", "application/json".to_owned())];
        if let Some(token) = &self.tokens[caller] {
            headers.push(("Authorization", format!("Bearer {token}")));
        }
        // To ask where a file goes on has no body.
        let body = match body.strip_prefix("*/") {
            Some(size) => {
                headers.push(("Content-Range", format!("bytes */{size}")));
                ""
            }
            None => body,
        };
        let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (*key, value.as_str())).collect();
        send(&self.hub.address, method, path, &headers, body.as_bytes())
    }

    fn check(&self, row: &Row) {
        let Row { method, path, body, expected } = row;
        assert_eq!(expected.len(), CALLERS.len(), "{method} {path}");
        let found: Vec<u16> = (0..CALLERS.len()).map(|caller| self.ask(caller, method, path, body).status).collect();
        let differ: Vec<String> = CALLERS
            .iter()
            .zip(found.iter().zip(expected))
            .filter(|(_, (found, expected))| found != expected)
            .map(|(caller, (found, expected))| format!("{caller}: {found}, not {expected}"))
            .collect();
        assert!(differ.is_empty(), "{method} {path}: {}", differ.join("; "));
    }
}

#[test]
fn every_caller_may_do_what_they_may_and_nothing_else() {
    let cast = Cast::new();
    let [kept, other] = cast.files.each_ref().map(|file| file.sha256.as_str());
    rows_about(kept, other).for_each(|row| cast.check(&row));
}

#[test]
fn no_operation_of_the_api_is_missing_from_the_table() {
    let hub = Hub::start();
    let document = send(&hub.address, "GET", "/api/openapi.json", &[], b"").json();
    let mut offered = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            offered.insert((method.to_uppercase(), path.split('/').count(), path.clone()));
        }
    }
    let tested = |method: &str, path: &str| {
        rows().any(|row| {
            let address = row.path.split('?').next().unwrap();
            let same = |(wanted, found): (&str, &str)| wanted.starts_with('{') || wanted == found;
            row.method == method
                && address.split('/').count() == path.split('/').count()
                && path.split('/').zip(address.split('/')).all(same)
        })
    };
    let missing: Vec<_> = offered.iter().filter(|(method, _, path)| !tested(method, path)).collect();
    assert!(missing.is_empty() && offered.len() > 20, "{missing:?}");
}

#[test]
fn what_is_public_can_be_closed_to_those_who_do_not_sign_in() {
    let hub = Hub::start_with("hub", "[access]\nanonymous = false\n");
    hub.make_team();
    let repository = hub.repository("open");
    repository.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), "studio/open"), "main"]);
    hub.run(&["environment", "visibility", "studio/open", "public"]);
    for path in ["/api/v1/environments", "/api/v1/environments/studio/open", &format!("/studio/open{PULL}")] {
        assert_eq!(send(&hub.address, "GET", path, &[], b"").status, 401, "{path}");
        assert_eq!(hub.get(&hub.token("sam", "read"), path).status, 200, "{path}");
    }
}

#[test]
fn git_clones_what_is_public_without_a_token_and_follows_an_old_name() {
    let hub = Hub::with_team();
    let repository = hub.repository("ann");
    let token = hub.token("ann", "push");
    repository.git(&["push", "--quiet", &hub.url(&token, "studio/open"), "main"]);
    hub.run(&["environment", "visibility", "studio/open", "public"]);
    hub.run(&["environment", "rename", "studio/open", "renamed"]);
    for name in ["open", "renamed"] {
        let url = format!("http://{}/studio/{name}", hub.address);
        repository.git(&["clone", "--quiet", &url, &hub.scratch(&format!("clone-{name}")).to_string_lossy()]);
    }
    repository.commit("v2");
    repository.git(&["push", "--quiet", &hub.url(&token, "studio/open"), "main"]);
    let listed = hub.get(&token, "/api/v1/environments").json();
    assert_eq!(listed["environments"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["environments"][0]["name"], "renamed");
    assert_eq!(listed["environments"][0]["tip"], json!(repository.tip()));
    // Once its time is over, the old name is free.
    hub.database().execute("UPDATE environment_names SET until = 1", []).unwrap();
    assert_eq!(hub.get(&token, &format!("/studio/open{PULL}")).status, 404);
    repository.git(&["push", "--quiet", &hub.url(&token, "studio/open"), "main"]);
    assert_eq!(hub.bare_repositories().len(), 2);
    let said = repository.refused(&format!("http://{}/studio/open", hub.address), "main");
    assert!(said.contains("could not read Username"), "{said}");
}
