//! What owners and admins do over the API, and what is left of it in the audit.

use serde_json::{Value, json};

use crate::support::{Answer, Hub, MANIFEST, manifest_with_model, send};

fn request(hub: &Hub, token: &str, method: &str, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(&hub.address, method, &format!("/api/v1/{path}"), &headers, body.as_bytes())
}

/// A hub on which `chief` administers the team `studio`, with one environment and one model.
fn hub_with_chief() -> (Hub, String) {
    let hub = Hub::with_team();
    hub.run(&["user", "add", "chief"]);
    hub.run(&["team", "member", "studio", "chief", "--role", "admin"]);
    push(&hub, "studio/look", 'a');
    let token = hub.token("chief", "admin");
    (hub, token)
}

fn push(hub: &Hub, path: &str, sha256: char) {
    let repository = hub.repository(&path.replace('/', "-"));
    repository.write("pyproject.toml", manifest_with_model(MANIFEST, '1', sha256, 7, "https://example.org/one"));
    repository.commit("models");
    repository.git(&["push", "--quiet", &hub.url(&hub.admin_token(), path), "main"]);
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json()["environments"].as_array().unwrap().clone();
    list.iter().map(|one| format!("{}/{}", one["owner"].as_str().unwrap(), one["name"].as_str().unwrap())).collect()
}

fn actions(hub: &Hub, subject: &str) -> Vec<(String, String)> {
    let answer = request(hub, &hub.admin_token(), "GET", &format!("audit?subject={subject}"), Value::Null);
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let entries = answer.json()["entries"].as_array().unwrap().clone();
    entries.iter().rev().map(|entry| (text(entry, "actor"), text(entry, "action"))).collect()
}

#[test]
fn a_deletion_can_be_taken_back_until_it_is_purged() {
    let (hub, chief) = hub_with_chief();
    let here = "environments/studio/look";
    let gone = request(&hub, &chief, "DELETE", here, Value::Null);
    assert_eq!((gone.status, gone.json()["deleted"]["by"].as_str()), (200, Some("chief")), "{}", gone.text());
    assert_eq!(names(&request(&hub, &chief, "GET", "environments?deleted=true", Value::Null)), ["studio/look"]);
    assert!(
        names(&request(&hub, &hub.token("ann", "admin"), "GET", "environments?deleted=true", Value::Null)).is_empty()
    );
    assert!(names(&request(&hub, &chief, "GET", "environments", Value::Null)).is_empty());
    let key = format!("models/sha256:{}", "a".repeat(64));
    assert_eq!(request(&hub, &chief, "GET", &key, Value::Null).status, 404, "its models are gone with it");
    let repository = hub.repository("again");
    let said = repository.refused(&hub.url(&hub.token("ann", "push"), "studio/look"), "main");
    assert!(
        said.contains("studio/look was deleted by chief at 20") && said.contains("hub restore studio/look"),
        "{said}"
    );

    assert_eq!(request(&hub, &chief, "POST", &format!("{here}/restore"), Value::Null).status, 200);
    assert_eq!(names(&request(&hub, &chief, "GET", "environments", Value::Null)), ["studio/look"]);
    assert_eq!(request(&hub, &chief, "GET", &key, Value::Null).status, 200);

    let refused = hub.try_run(&["environment", "purge", "studio/look", "--yes"]);
    assert!(crate::support::text(&refused.stderr).contains("is not deleted"), "{refused:?}");
    let said = hub.run(&["environment", "delete", "studio/look"]);
    assert!(said.starts_with("studio/look can be restored until 20"), "{said}");
    assert!(hub.run(&["environment", "list", "--deleted"]).contains("studio/look"));
    assert!(!hub.try_run(&["environment", "purge", "studio/look"]).status.success(), "without --yes");
    assert_eq!(hub.run(&["environment", "purge", "--yes"]), "0 gone", "its time is not over");
    assert_eq!(hub.bare_repositories().len(), 1);
    hub.run(&["environment", "purge", "studio/look", "--yes"]);
    assert!(hub.bare_repositories().is_empty());
    assert_eq!(request(&hub, &chief, "POST", &format!("{here}/restore"), Value::Null).status, 404);
    push(&hub, "studio/look", 'b');
    let operator = |action: &str| ("operator".to_owned(), action.to_owned());
    let chief = |action: &str| ("chief".to_owned(), action.to_owned());
    let expected = [
        ("admin".to_owned(), "push".to_owned()),
        chief("environment.delete"),
        chief("environment.restore"),
        operator("environment.delete"),
        operator("environment.purge"),
        ("admin".to_owned(), "push".to_owned()),
    ];
    assert_eq!(actions(&hub, "studio/look"), expected);
}

#[test]
fn a_purge_that_was_cut_off_is_carried_on() {
    let (hub, _) = hub_with_chief();
    push(&hub, "studio/other", 'b');
    for name in ["look", "other"] {
        hub.run(&["environment", "delete", &format!("studio/{name}")]);
    }
    // One was cut off after its repository was moved, one after its rows were gone, one is due only.
    hub.database().execute("UPDATE environments SET purge_at = 1", []).unwrap();
    let trash = hub.data().join("repos-trash");
    std::fs::create_dir_all(trash.join("00ff.git/objects")).unwrap();
    let id: String =
        hub.database().query_row("SELECT id FROM environments WHERE name = 'look'", [], |row| row.get(0)).unwrap();
    let moved = hub.data().join("repos").join(&id[..2]).join(format!("{id}.git"));
    std::fs::rename(moved, trash.join(format!("{id}.git"))).unwrap();
    let refused = hub.try_run(&["environment", "restore", "studio/look"]);
    assert!(crate::support::text(&refused.stderr).contains("could be restored until"), "{refused:?}");
    assert_eq!(hub.run(&["environment", "purge", "--yes"]), "2 gone");
    assert!(hub.bare_repositories().is_empty());
    assert_eq!(std::fs::read_dir(&trash).unwrap().count(), 0);
    assert_eq!(hub.run(&["environment", "purge", "--yes"]), "0 gone");
}

#[test]
fn a_name_is_kept_for_whoever_had_it_until_its_time_is_over() {
    let (hub, chief) = hub_with_chief();
    push(&hub, "studio/second", 'b');
    let change = |path: &str, body: Value| request(&hub, &chief, "PATCH", &format!("environments/studio/{path}"), body);
    assert_eq!(change("look", json!({"name": "portrait"})).json()["name"], "portrait");
    let taken = change("second", json!({"name": "LOOK", "visibility": "public"}));
    assert_eq!((taken.status, taken.json()["error"]["code"].as_str()), (409, Some("conflict")));
    let second = request(&hub, &chief, "GET", "environments/studio/second", Value::Null).json();
    assert_eq!(second["visibility"], "private", "what was refused changed nothing");
    // Back to the first name by the first name; then in other letters.
    assert_eq!(change("look", json!({"name": "look"})).json()["name"], "look");
    assert_eq!(change("portrait", json!({"name": "Look"})).json()["name"], "Look");
    let names = |token: &str| names(&request(&hub, token, "GET", "environments", Value::Null));
    assert_eq!(names(&chief), ["studio/Look", "studio/second"]);
    assert_eq!(change("second", json!({"name": "portrait"})).status, 409, "it still leads to the first");
    hub.database().execute("UPDATE environment_names SET until = 1", []).unwrap();
    assert_eq!(change("second", json!({"name": "portrait"})).status, 200);
    assert_eq!(names(&chief), ["studio/Look", "studio/portrait"]);
    // A token for the old name is for the environment, by both its names, and for no other.
    let bound = hub.run(&["token", "create", "rea", "--environments", "studio/second"]);
    let see = |name: &str| request(&hub, &bound, "GET", &format!("environments/studio/{name}"), Value::Null).status;
    assert_eq!((see("second"), see("portrait"), see("look")), (200, 200, 404));
    for odd in ["", "a/b", "..", "x.git"] {
        assert_eq!(change("portrait", json!({"name": odd})).status, 422, "{odd}");
    }
    for body in [json!({"nam": "x"}), json!({"visibility": "secret"}), json!("x"), json!({"name": 1})] {
        assert_eq!(change("portrait", body.clone()).status, 400, "{body}");
    }
}

#[test]
fn a_token_for_some_environments_shows_no_others_anywhere() {
    let (hub, _) = hub_with_chief();
    push(&hub, "studio/open", 'b');
    push(&hub, "sam/look", 'c');
    hub.run(&["environment", "visibility", "studio/open", "public"]);
    let found = |token: &str| {
        let keys: Vec<String> = "abc".chars().map(|digit| format!("sha256:{}", digit.to_string().repeat(64))).collect();
        let answer = request(&hub, token, "POST", "models/lookup", json!({"keys": keys})).json();
        let known = |key: &String| !answer["models"][key].is_null();
        let models: String = keys.iter().zip("abc".chars()).filter(|(key, _)| known(key)).map(|(_, one)| one).collect();
        (names(&request(&hub, token, "GET", "environments", Value::Null)).join(" "), models)
    };
    let made = |user: &str, pattern: &str| hub.run(&["token", "create", user, "--environments", pattern]);
    for (token, environments, models) in [
        (hub.admin_token(), "sam/look studio/look studio/open", "abc"),
        (made("admin", "STUDIO/*"), "studio/look studio/open", "ab"),
        (made("admin", "*/look"), "sam/look studio/look", "ac"),
        (made("rea", "studio/look"), "studio/look", "a"),
        (made("rea", "*/*"), "studio/look studio/open", "ab"),
        (made("rea", "sam/*"), "", ""),
        (hub.token("sam", "read"), "sam/look studio/open", "bc"),
        (made("sam", "*/look"), "sam/look", "c"),
    ] {
        assert_eq!(found(&token), (environments.to_owned(), models.to_owned()));
    }
    let anonymous = send(&hub.address, "GET", "/api/v1/environments", &[], b"");
    assert_eq!(names(&anonymous), ["studio/open"]);
    assert_eq!(anonymous.json()["environments"][0]["may"], "pull");
}

#[test]
fn a_token_makes_no_token_that_may_do_more() {
    let (hub, chief) = hub_with_chief();
    let create = |token: &str, body: Value| request(&hub, token, "POST", "tokens", body);
    let made = create(
        &chief,
        json!({"name": "ci", "scope": "admin", "environments": "studio/*", "expires": "2100-01-01T00:00:00Z"}),
    );
    assert_eq!(made.status, 201, "{}", made.text());
    let bound = made.json()["token"].as_str().unwrap().to_owned();
    let who = request(&hub, &bound, "GET", "whoami", Value::Null).json();
    assert_eq!((who["environments"].as_str(), who["scope"].as_str()), (Some("studio/*"), Some("admin")));
    let (early, late) = ("2099-01-01T00:00:00Z", "2100-01-01T00:00:01Z");
    for (environments, expires_at, status) in [
        (json!("studio/look"), json!(early), 201),
        (json!("STUDIO/*"), json!(early), 201),
        (json!("studio/look"), json!(late), 403),
        (json!("studio/look"), Value::Null, 403),
        (json!("*/look"), json!(early), 403),
        (json!("other/look"), json!(early), 403),
        (Value::Null, json!(early), 403),
        (json!("stu*/look"), json!(early), 400),
        (json!("studio/look"), json!("soon"), 422),
    ] {
        let body = json!({"scope": "push", "environments": environments, "expires": expires_at});
        assert_eq!(create(&bound, body.clone()).status, status, "{body}");
    }
    assert_eq!(create(&hub.token("chief", "push"), json!({"scope": "read"})).status, 403);
    assert_eq!(
        create(&chief, json!({"scope": "push", "user": "rea"})).status,
        400,
        "a field that is not known is no wish"
    );

    let list = request(&hub, &chief, "GET", "tokens", Value::Null).json();
    let tokens = list["tokens"].as_array().unwrap();
    let current: Vec<&Value> = tokens.iter().filter(|token| token["current"] == true).collect();
    assert_eq!(current.len(), 1);
    let named = |name: &str| tokens.iter().find(|token| token["name"] == name).unwrap()["id"].as_i64().unwrap();
    let id = named("ci");
    assert!(!list.to_string().contains(&bound));
    let rea = hub.token("rea", "admin");
    assert_eq!(request(&hub, &rea, "DELETE", &format!("tokens/{id}"), Value::Null).status, 404, "somebody else's");
    assert_eq!(request(&hub, &bound, "DELETE", &format!("tokens/{}", current[0]["id"]), Value::Null).status, 403);
    assert_eq!(request(&hub, &bound, "DELETE", &format!("tokens/{id}"), Value::Null).status, 204, "itself");
    assert_eq!(request(&hub, &bound, "GET", "whoami", Value::Null).json()["error"]["code"], "token_revoked");
    assert_eq!(actions(&hub, &format!("chief%23{id}")).len(), 2);
}

#[test]
fn a_team_keeps_an_admin_who_can_let_others_in() {
    let (hub, chief) = hub_with_chief();
    let role = |token: &str, user: &str, role: &str| {
        request(&hub, token, "PUT", &format!("teams/studio/members/{user}"), json!({"role": role})).status
    };
    let remove = |token: &str, user: &str| {
        request(&hub, token, "DELETE", &format!("teams/studio/members/{user}"), Value::Null).status
    };
    assert_eq!((remove(&chief, "chief"), role(&chief, "chief", "reader")), (409, 409));
    assert_eq!(role(&chief, "ann", "admin"), 200);
    assert_eq!(role(&chief, "chief", "writer"), 200);
    let ann = hub.token("ann", "admin");
    assert_eq!((role(&chief, "rea", "admin"), remove(&ann, "rea"), remove(&ann, "rea")), (403, 204, 404));
    assert_eq!(remove(&hub.admin_token(), "ann"), 204, "who runs the hub can put it right again");
    let members = request(&hub, &chief, "GET", "teams/studio/members", Value::Null).json();
    assert_eq!(members["members"], json!([{"user": "chief", "role": "writer"}]));
    assert_eq!(hub.run(&["team", "list", "studio"]).lines().count(), 2);
    hub.run(&["team", "remove-member", "studio", "chief"]);
    assert_eq!(request(&hub, &chief, "GET", "teams/studio/members", Value::Null).status, 404);
    let last = actions(&hub, "studio").pop().unwrap();
    assert_eq!(last, ("operator".to_owned(), "team.remove".to_owned()));
}

#[test]
fn the_hub_is_run_over_the_api_too() {
    let (hub, chief) = hub_with_chief();
    let admin = hub.admin_token();
    let post = |path: &str, body: Value| request(&hub, &admin, "POST", path, body);
    assert_eq!(post("users", json!({"name": "new"})).status, 201);
    assert_eq!(post("users", json!({"name": "API"})).status, 422);
    assert_eq!(post("teams", json!({"name": "crew"})).status, 201);
    assert_eq!(post("users/chief/disable", Value::Null).json()["disabled"], true);
    assert_eq!(request(&hub, &chief, "GET", "whoami", Value::Null).json()["error"]["code"], "user_disabled");
    assert_eq!(post("users/chief/enable", Value::Null).json()["disabled"], false);
    assert_eq!(request(&hub, &chief, "GET", "whoami", Value::Null).status, 200);
    assert_eq!(post("users/admin/disable", Value::Null).status, 409, "the last who could undo it");
    let users = request(&hub, &admin, "GET", "users", Value::Null).json();
    assert_eq!(users["users"].as_array().unwrap().len(), 6);

    let page = |query: &str| request(&hub, &admin, "GET", &format!("audit?{query}"), Value::Null);
    let all = page("limit=1000").json()["entries"].as_array().unwrap().clone();
    let mut paged = Vec::new();
    let mut next = String::new();
    loop {
        let found = page(&format!("limit=3{next}")).json();
        paged.extend(found["entries"].as_array().unwrap().clone());
        match found["next"].as_i64() {
            Some(before) => next = format!("&before={before}"),
            None => break,
        }
    }
    assert!(all.len() > 9 && paged == all);
    for bad in ["limit=0", "limit=1001"] {
        assert_eq!(page(bad).status, 422, "{bad}");
    }
    for bad in ["limit=x", "before=x", "since=1"] {
        assert_eq!(page(bad).status, 400, "{bad}");
    }
    let listed = hub.run(&["audit", "--subject", "chief", "--limit", "2"]);
    assert!(listed.lines().count() == 3 && listed.contains("user.enable"), "{listed}");
}

#[test]
fn the_openapi_document_is_the_one_in_the_documentation() {
    let hub = Hub::start();
    let said = send(&hub.address, "GET", "/api/openapi.json", &[], b"").text();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("COMFYDOCK_UPDATE").is_some() {
        std::fs::write(&path, &said).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == said,
        "docs/openapi.json is not what the hub says; run the test with COMFYDOCK_UPDATE=1"
    );
}
