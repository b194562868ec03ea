//! What members tell the hub of models, and what it tells of changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::blobs::{self, File};
use crate::support::{Hub, MANIFEST, manifest_with_model};

const ONE: &str = "https://example.org/one";
const TWO: &str = "https://example.org/two";

fn push(hub: &Hub, user: &str, path: &str, manifest: &str) {
    let repository = hub.repository(&format!("{}-{}", path.replace('/', "-"), manifest.len()));
    repository.write("pyproject.toml", manifest);
    repository.commit("models");
    repository.git(&["push", "--quiet", "--force", &hub.url(&hub.token(user, "push"), path), "main"]);
}

fn observe(hub: &Hub, user: &str, source: &str, verdict: &str) -> (u64, u64) {
    let observed = json!({ "source": source, "sha256": "a".repeat(64), "verdict": verdict, "http_status": 200 });
    let answer =
        hub.post_json(&hub.token(user, "read"), "/api/v1/observations", &json!({ "observations": [observed] }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    (answer.json()["taken"].as_u64().unwrap(), answer.json()["ignored"].as_u64().unwrap())
}

/// The sources that a user is told of, each with its state.
fn sources(hub: &Hub, user: &str) -> Vec<(String, String)> {
    let found = hub.get(&hub.token(user, "read"), &format!("/api/v1/models/sha256:{}", "a".repeat(64))).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let sources = found["model"]["sources"].as_array().unwrap_or_else(|| panic!("{found}"));
    sources.iter().map(|source| (text(&source["locator"]), text(&source["state"]))).collect()
}

fn pair(locator: &str, state: &str) -> (String, String) {
    (locator.to_owned(), state.to_owned())
}

#[test]
fn a_source_that_two_members_found_wrong_comes_last_and_is_not_hidden() {
    let hub = Hub::with_team();
    let both = manifest_with_model(MANIFEST, '1', 'a', 7, &format!("{ONE}\", \"{TWO}"));
    push(&hub, "ann", "studio/one", &both);
    assert_eq!(sources(&hub, "rea"), [pair(ONE, ""), pair(TWO, "")]);
    // One member's word is for that member.
    assert_eq!(observe(&hub, "rea", ONE, "mismatch"), (1, 0));
    assert_eq!(sources(&hub, "rea"), [pair(TWO, ""), pair(ONE, "mismatch")]);
    assert_eq!(sources(&hub, "ann"), [pair(ONE, ""), pair(TWO, "")]);
    // What nobody names, and what one does not see, cannot be told of; both sound the same.
    assert_eq!(observe(&hub, "rea", "https://example.org/other", "gone"), (0, 1));
    assert_eq!(observe(&hub, "sam", ONE, "mismatch"), (0, 1));
    assert_eq!(sources(&hub, "ann"), [pair(ONE, ""), pair(TWO, "")]);
    assert_eq!(observe(&hub, "ann", ONE, "mismatch"), (1, 0));
    hub.run(&["user", "add", "new"]);
    hub.run(&["team", "member", "studio", "new", "--role", "reader"]);
    assert_eq!(sources(&hub, "new"), [pair(TWO, ""), pair(ONE, "mismatch")]);
    // Somebody who is shut out has no word.
    hub.run(&["user", "disable", "rea"]);
    assert_eq!(sources(&hub, "new"), [pair(ONE, ""), pair(TWO, "")]);
    hub.run(&["user", "enable", "rea"]);
    hub.database().execute("UPDATE observations SET at = at - 10", []).unwrap();
    assert_eq!(observe(&hub, "new", ONE, "bytes_verified"), (1, 0));
    assert_eq!(sources(&hub, "new"), [pair(ONE, "bytes_verified"), pair(TWO, "")]);
    // An owner's word is enough.
    let at = json!({ "source": TWO, "sha256": "a".repeat(64), "verdict": "mismatch", "at": "2999-01-01T00:00:00Z" });
    hub.post_json(&hub.admin_token(), "/api/v1/observations", &json!({ "observations": [at] }));
    assert_eq!(sources(&hub, "new"), [pair(ONE, "bytes_verified"), pair(TWO, "mismatch")]);
    let latest: i64 = hub.database().query_row("SELECT max(at) FROM observations", [], |row| row.get(0)).unwrap();
    assert!(latest < 4_000_000_000, "nobody saw it in the future");
}

#[test]
fn reports_have_bounds_and_senseless_ones_are_refused() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "read");
    let one = json!({ "source": ONE, "sha256": "a".repeat(64), "verdict": "gone" });
    let post = |body: &Value| hub.post_json(&token, "/api/v1/observations", body).status;
    assert_eq!(post(&json!({ "observations": vec![one.clone(); 1001] })), 422);
    for (key, value) in [("verdict", json!("good")), ("sha256", json!("ab")), ("size", json!(-1))] {
        let mut odd = one.clone();
        odd[key] = value;
        assert_eq!(post(&json!({ "observations": [odd] })), 400, "{key}");
    }
    let statuses: Vec<u16> = (0..70).map(|_| post(&json!({ "observations": [] }))).collect();
    let refused = hub.post_json(&token, "/api/v1/observations", &json!({ "observations": [] }));
    assert!(statuses[0] == 200 && refused.status == 429 && !refused.header("retry-after").is_empty());
    // Others are not kept from telling.
    assert_eq!(
        hub.post_json(&hub.token("rea", "read"), "/api/v1/observations", &json!({ "observations": [] })).status,
        200
    );
}

#[test]
fn a_source_that_is_told_is_for_the_readers_of_the_environment() {
    let hub = Hub::with_team();
    push(&hub, "ann", "studio/one", &manifest_with_model(MANIFEST, '1', 'a', 7, ONE));
    push(&hub, "sam", "sam/own", &manifest_with_model(MANIFEST, '1', 'a', 7, ONE));
    let post = |environment: &str, sha256: char, source: &str| {
        let models = json!([{ "sha256": sha256.to_string().repeat(64), "sources": [source] }]);
        let body = json!({ "environment": environment, "models": models });
        let answer = hub.post_json(&hub.token("ann", "push"), "/api/v1/models", &body);
        (answer.status, answer.json()["taken"].as_u64())
    };
    assert_eq!(post("studio/one", 'a', TWO), (200, Some(1)));
    for (sha256, source) in [('a', TWO), ('a', ONE), ('b', TWO)] {
        assert_eq!(post("studio/one", sha256, source), (200, Some(0)), "known, or of no model of it");
    }
    assert_eq!(post("sam/own", 'a', TWO), (404, None));
    for odd in ["ftp://x/y", "https://example.org/x?token=secret", &format!("hub:sha256:{}", "a".repeat(64))] {
        assert_eq!(post("studio/one", 'a', odd).0, 422, "{odd}");
    }
    assert_eq!(sources(&hub, "rea"), [pair(ONE, ""), pair(TWO, "")]);
    assert_eq!(sources(&hub, "sam"), [pair(ONE, "")]);
    assert_eq!(observe(&hub, "rea", TWO, "gone"), (1, 0));
    assert_eq!(sources(&hub, "ann")[1], pair(TWO, "gone"));
    assert!(hub.run(&["audit", "--subject", "studio/one"]).contains("model.contribute"));
}

/// A client that keeps a copy.
struct Copy {
    token: String,
    cursor: Option<String>,
    environments: BTreeMap<String, (String, Value)>,
}

impl Copy {
    fn new(token: String) -> Self {
        Self { token, cursor: None, environments: BTreeMap::new() }
    }

    /// Follows the feed to its end; returns what came: `full`, or the number of environments and of those gone.
    fn follow(&mut self, hub: &Hub, limit: usize) -> (bool, usize, usize) {
        let (mut full, mut changed, mut gone) = (false, 0, 0);
        for page in 0.. {
            assert!(page < 20, "the feed has no end");
            let since = self.cursor.as_ref().map(|cursor| format!("&since={cursor}")).unwrap_or_default();
            let answer = hub.get(&self.token, &format!("/api/v1/models/changes?limit={limit}{since}"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let answer = answer.json();
            if answer["full"] == true {
                full = true;
                self.environments.clear();
            }
            for environment in answer["environments"].as_array().unwrap() {
                let text = |key: &str| environment[key].as_str().unwrap().to_owned();
                self.environments.insert(text("id"), (text("name"), environment["models"].clone()));
                changed += 1;
            }
            for id in answer["gone"].as_array().unwrap() {
                self.environments.remove(id.as_str().unwrap());
                gone += 1;
            }
            self.cursor = Some(answer["next"].as_str().unwrap().to_owned());
            if answer["more"] == false {
                break;
            }
        }
        (full, changed, gone)
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.environments.values().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

#[test]
fn a_copy_follows_what_its_owner_may_see() {
    let hub = Hub::with_team();
    let own = |digit: char| manifest_with_model(MANIFEST, '1', digit, 7, ONE);
    for (user, path, digit) in
        [("ann", "studio/a", 'a'), ("ann", "studio/b", 'b'), ("ann", "studio/c", 'c'), ("sam", "sam/own", 'd')]
    {
        push(&hub, user, path, &own(digit));
    }
    let [mut rea, mut sam] = ["rea", "sam"].map(|user| Copy::new(hub.token(user, "read")));
    assert_eq!(rea.follow(&hub, 2), (true, 3, 0), "in two pages");
    assert_eq!(rea.names(), ["studio/a", "studio/b", "studio/c"]);
    assert_eq!(sam.follow(&hub, 2), (true, 1, 0));
    assert_eq!(sam.names(), ["sam/own"]);
    assert_eq!((rea.follow(&hub, 2), sam.follow(&hub, 2)), ((false, 0, 0), (false, 0, 0)));
    // Only what changed comes, and to nobody else a sign of it.
    hub.run(&["environment", "rename", "studio/a", "z"]);
    push(&hub, "ann", "studio/d", &own('e'));
    assert_eq!((rea.follow(&hub, 2), sam.follow(&hub, 2)), ((false, 2, 0), (false, 0, 0)));
    assert_eq!(rea.names(), ["studio/b", "studio/c", "studio/d", "studio/z"]);
    // Public, and private again.
    hub.run(&["environment", "visibility", "studio/b", "public"]);
    assert_eq!(sam.follow(&hub, 2), (false, 1, 0));
    assert_eq!(sam.names(), ["sam/own", "studio/b"]);
    hub.run(&["environment", "visibility", "studio/b", "private"]);
    assert_eq!(sam.follow(&hub, 2), (false, 0, 1));
    assert_eq!(sam.names(), ["sam/own"]);
    // Deleted, restored, gone.
    rea.follow(&hub, 2);
    hub.run(&["environment", "delete", "studio/c"]);
    assert_eq!((rea.follow(&hub, 2), sam.follow(&hub, 2)), ((false, 0, 1), (false, 0, 0)));
    hub.run(&["environment", "restore", "studio/c"]);
    assert_eq!(rea.follow(&hub, 2), (false, 1, 0));
    hub.run(&["environment", "delete", "studio/c"]);
    hub.run(&["environment", "purge", "studio/c", "--yes"]);
    assert_eq!((rea.follow(&hub, 2), sam.follow(&hub, 2)), ((false, 0, 1), (false, 0, 0)));
    assert_eq!(rea.names(), ["studio/b", "studio/d", "studio/z"]);
    // A source's state, and a file that the hub gets.
    let found = hub.post_json(
        &hub.token("ann", "read"),
        "/api/v1/observations",
        &json!({ "observations": [
        { "source": ONE, "sha256": "e".repeat(64), "verdict": "bytes_verified" }
    ] }),
    );
    assert_eq!(found.json()["taken"], 1);
    assert_eq!(rea.follow(&hub, 2), (false, 1, 0));
    let state = |copy: &Copy, name: &str| {
        let (_, models) = copy.environments.values().find(|(found, _)| found == name).unwrap().clone();
        models[0]["sources"].clone()
    };
    assert_eq!(state(&rea, "studio/d")[0]["state"], "bytes_verified");
    let file = File::new(1000);
    blobs::push(&hub, "ann", "studio/own", &file);
    rea.follow(&hub, 2);
    assert_eq!(file.upload(&hub, &hub.token("ann", "push"), "studio/own").status, 201);
    assert_eq!(rea.follow(&hub, 2), (false, 1, 0));
    assert_eq!(state(&rea, "studio/own")[0]["locator"], format!("hub:sha256:{}", file.sha256));
    // Who joins a team, or leaves it, begins anew.
    hub.run(&["team", "member", "studio", "sam", "--role", "reader"]);
    // Of the later pages some tell what went before the first.
    let (full, changed, _) = sam.follow(&hub, 2);
    assert_eq!((full, changed), (true, 5));
    let leave = "DELETE FROM members WHERE user_id = (SELECT id FROM accounts WHERE name = 'sam')";
    assert_eq!(hub.database().execute(leave, []).unwrap(), 1);
    assert_eq!(sam.follow(&hub, 2), (true, 1, 0));
    // A token for less sees less; cursors of others, of nobody and of long ago begin anew.
    let bound = hub.run(&["token", "create", "ann", "--scope", "read", "--environments", "studio/d"]);
    let mut bound = Copy::new(bound);
    bound.cursor = rea.cursor.clone();
    assert_eq!(bound.follow(&hub, 2), (true, 1, 0));
    assert_eq!(bound.names(), ["studio/d"]);
    // Of what lies outside its bound it hears nothing, not even that something went.
    push(&hub, "ann", "studio/hidden", &own('f'));
    hub.run(&["environment", "visibility", "sam/own", "public"]);
    for path in ["studio/hidden", "sam/own"] {
        hub.run(&["environment", "delete", path]);
        assert_eq!(bound.follow(&hub, 2), (false, 0, 0), "{path}");
        hub.run(&["environment", "purge", path, "--yes"]);
        assert_eq!(bound.follow(&hub, 2), (false, 0, 0), "{path}");
    }
    hub.run(&["environment", "delete", "studio/d"]);
    assert_eq!(bound.follow(&hub, 2), (false, 0, 1));
    hub.run(&["environment", "restore", "studio/d"]);
    assert_eq!(bound.follow(&hub, 2), (false, 1, 0));
    // Renamed, it is within the bound for as long as the old name leads to it.
    hub.run(&["environment", "rename", "studio/d", "e"]);
    assert_eq!((bound.follow(&hub, 2), bound.names()), ((true, 1, 0), vec!["studio/e"]));
    hub.run(&["environment", "delete", "studio/e"]);
    assert_eq!((bound.follow(&hub, 2), bound.names()), ((true, 0, 0), vec![]));
    hub.run(&["environment", "restore", "studio/e"]);
    assert_eq!(bound.follow(&hub, 2), (true, 1, 0));
    hub.database().execute("UPDATE environment_names SET until = 1", []).unwrap();
    assert_eq!(bound.follow(&hub, 2), (true, 0, 0));
    hub.run(&["environment", "rename", "studio/e", "d"]);
    for cursor in ["", "x", "-1-x", "99999999999999999999-ab", "1-"] {
        rea.cursor = Some(cursor.to_owned());
        assert!(rea.follow(&hub, 2).0, "{cursor}");
    }
    // So much was forgotten since that nobody can say what went.
    hub.database().execute("UPDATE catalog_revision SET oldest = revision + 1, revision = revision + 2", []).unwrap();
    assert!(rea.follow(&hub, 2).0);
    assert_eq!(rea.names(), ["studio/b", "studio/d", "studio/own", "studio/z"]);
}

#[test]
fn whose_environment_it_is_says_what_its_sources_are_worth() {
    let hub = Hub::with_team();
    let both = manifest_with_model(MANIFEST, '1', 'a', 7, &format!("{ONE}\", \"{TWO}"));
    push(&hub, "ann", "studio/open", &both);
    hub.run(&["environment", "visibility", "studio/open", "public"]);
    hub.run(&["user", "add", "tom"]);
    // Strangers may see it; their word is for themselves.
    for stranger in ["sam", "tom"] {
        assert_eq!(observe(&hub, stranger, ONE, "mismatch"), (1, 0));
        assert_eq!(sources(&hub, stranger), [pair(TWO, ""), pair(ONE, "mismatch")]);
        assert_eq!(observe(&hub, stranger, TWO, "bytes_verified"), (1, 0));
    }
    assert_eq!(sources(&hub, "ann"), [pair(ONE, ""), pair(TWO, "")]);
    // A member's counts for as long as they are one.
    assert_eq!(observe(&hub, "rea", TWO, "gone"), (1, 0));
    assert_eq!(sources(&hub, "ann"), [pair(ONE, ""), pair(TWO, "gone")]);
    hub.run(&["team", "remove-member", "studio", "rea"]);
    assert_eq!(sources(&hub, "ann"), [pair(ONE, ""), pair(TWO, "")]);
    // In a user's environment it is that user.
    hub.run(&["environment", "delete", "studio/open"]);
    push(&hub, "sam", "sam/own", &both);
    hub.run(&["environment", "visibility", "sam/own", "public"]);
    assert_eq!(observe(&hub, "tom", ONE, "gone"), (1, 0));
    assert_eq!(observe(&hub, "sam", TWO, "mismatch"), (1, 0));
    assert_eq!(sources(&hub, "ann"), [pair(ONE, ""), pair(TWO, "mismatch")]);
}
