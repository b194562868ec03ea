//! The catalog, and who sees what of it.

use serde_json::json;

use crate::support::{Hub, MANIFEST, manifest_with_model};

fn hash(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn push(hub: &Hub, user: &str, path: &str, manifest: &str) {
    let repository = hub.repository(&path.replace('/', "-"));
    repository.write("pyproject.toml", manifest);
    repository.commit("models");
    repository.git(&["push", "--quiet", &hub.url(&hub.token(user, "push"), path), "main"]);
}

#[test]
fn models_are_found_by_every_key_and_only_by_those_who_may_see_them() {
    let hub = Hub::with_team();
    push(&hub, "ann", "studio/one", &manifest_with_model(MANIFEST, '1', 'a', 7, "https://example.org/one"));
    push(&hub, "ann", "studio/two", &manifest_with_model(MANIFEST, '1', 'a', 7, "https://example.org/two"));
    push(&hub, "sam", "sam/own", &manifest_with_model(MANIFEST, '1', 'a', 7, "https://example.org/secret"));
    let keys = json!({"keys": [
        format!("sha256:{}", hash('a')), format!("blake3:{}", hash('A')), format!("quick:{}+7", hash('1')),
        format!("quick:{}+8", hash('1')), format!("sha256:{}", hash('f')),
    ], "later": true});
    let answer = hub.post_json(&hub.token("rea", "read"), "/api/v1/models/lookup", &keys);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.text().contains("secret") && !answer.text().contains("sam"), "{}", answer.text());
    let models = &answer.json()["models"];
    let model = &models[format!("sha256:{}", hash('a'))]["model"];
    assert_eq!((model["size"].as_u64(), model["category"].as_str()), (Some(7), Some("loras")));
    let mut said_by: Vec<&str> =
        model["said_by"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    said_by.sort_unstable();
    assert_eq!(said_by, ["studio/one", "studio/two"]);
    let mut locators: Vec<&str> =
        model["sources"].as_array().unwrap().iter().map(|source| source["locator"].as_str().unwrap()).collect();
    locators.sort_unstable();
    assert_eq!(locators, ["https://example.org/one", "https://example.org/two"]);
    for weak in [format!("blake3:{}", hash('A')), format!("quick:{}+7", hash('1'))] {
        assert_eq!(models[&weak]["candidates"][0], *model, "{weak}");
    }
    for missing in [format!("quick:{}+8", hash('1')), format!("sha256:{}", hash('f'))] {
        assert!(models[&missing].is_null() && models.as_object().unwrap().contains_key(&missing));
    }
    let sam = hub.get(&hub.token("sam", "read"), &format!("/api/v1/models/sha256:{}", hash('a'))).json();
    assert_eq!(sam["model"]["said_by"], json!(["sam/own"]));
}

#[test]
fn claims_that_differ_stand_side_by_side() {
    let hub = Hub::with_team();
    push(&hub, "ann", "studio/one", &manifest_with_model(MANIFEST, '1', 'a', 7, "https://example.org/one"));
    push(&hub, "ann", "studio/lie", &manifest_with_model(MANIFEST, '1', 'a', 8, "https://example.org/lie"));
    push(&hub, "ann", "studio/twin", &manifest_with_model(MANIFEST, '1', 'b', 7, "https://example.org/twin"));
    let token = hub.token("ann", "read");
    let by_sha256 = hub.get(&token, &format!("/api/v1/models/sha256:{}", hash('a'))).json();
    assert_eq!(by_sha256["candidates"].as_array().unwrap().len(), 2, "{by_sha256}");
    let by_quick = hub.get(&token, &format!("/api/v1/models/quick:{}+7", hash('1'))).json();
    let hashes: std::collections::BTreeSet<_> =
        by_quick["candidates"].as_array().unwrap().iter().map(|model| model["sha256"].as_str().unwrap()).collect();
    assert_eq!(hashes.len(), 2, "two models that share a quick hash stay two: {by_quick}");
}

#[test]
fn a_look_up_that_makes_no_sense_is_told_so() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "read");
    let post = |keys: serde_json::Value| hub.post_json(&token, "/api/v1/models/lookup", &keys);
    let key = format!("sha256:{}", hash('a'));
    assert_eq!(post(json!({"keys": vec![key.clone(); 1000]})).status, 200);
    let many = post(json!({"keys": vec![key; 1001]}));
    assert_eq!((many.status, many.json()["error"]["code"].as_str()), (422, Some("invalid")));
    let odd = post(json!({"keys": ["md5:00"]}));
    assert_eq!(odd.status, 422);
    assert!(odd.text().contains("`md5:00` is not a model key"), "{}", odd.text());
    assert_eq!(post(json!({"keys": 1})).status, 400);
    assert_eq!(post(json!({"keys": [], "padding": "x".repeat(1024 * 1024)})).status, 413);
    assert_eq!(hub.get(&token, "/api/v1/models/md5:00").status, 422);
    assert_eq!(hub.get(&token, &format!("/api/v1/models/sha256:{}", hash('f'))).status, 404);
    assert_eq!(hub.get(&token, "/api/v1/nothing").json()["error"]["code"], "not_found");
}

#[test]
fn environments_and_the_caller_are_described() {
    let hub = Hub::with_team();
    let node = "\n[tool.comfydock.nodes.pack]\nname = \"pack\"\nsource = \"git\"\n\
        repository = \"https://example.org/pack\"\ncommit = \"a125cd84a125cd84a125cd84a125cd84a125cd84\"\n";
    let manifest = manifest_with_model(MANIFEST, '1', 'a', 7, "https://example.org/one") + node;
    push(&hub, "ann", "studio/one", &manifest);
    push(&hub, "sam", "sam/own", MANIFEST);
    let listed = hub.get(&hub.token("rea", "read"), "/api/v1/environments").json();
    assert_eq!(listed["environments"].as_array().unwrap().len(), 1, "{listed}");
    let one = &listed["environments"][0];
    let facts = ["owner", "name", "pushed_by", "comfyui_version"].map(|key| one[key].as_str().unwrap().to_owned());
    assert_eq!(facts, ["studio", "one", "ann", "v0.3.64"]);
    let numbers = ["workflows", "nodes", "models", "model_bytes"].map(|key| one[key].as_u64().unwrap());
    assert_eq!(numbers, [1, 1, 1, 7]);
    assert_eq!(one["pushed_at"].as_str().unwrap().len(), "2026-11-20T00:00:00Z".len());
    let all = hub.get(&hub.admin_token(), "/api/v1/environments").json();
    assert_eq!(all["environments"].as_array().unwrap().len(), 2);
    let me = hub.get(&hub.token("rea", "read"), "/api/v1/whoami").json();
    let wanted = json!({"user": "rea", "admin": false, "scope": "read", "teams": [{"team": "studio", "role": "reader", "may": "pull"}]});
    assert_eq!(me, wanted);
}

#[test]
fn a_name_leads_to_candidates_and_only_within_what_one_may_see() {
    let hub = Hub::with_team();
    let named = |digit: char, size: u64, name: &str| {
        manifest_with_model(MANIFEST, digit, digit, size, "https://example.org/one").replace("a.safetensors", name)
    };
    push(&hub, "ann", "studio/one", &named('a', 7, "Hero.safetensors"));
    push(&hub, "ann", "studio/two", &named('b', 8, "hero.safetensors"));
    push(&hub, "sam", "sam/own", &named('c', 9, "hero.safetensors"));
    let ask = |user: &str, name: &str| {
        let keys = json!({ "keys": [format!("name:{name}")] });
        let answer = hub.post_json(&hub.token(user, "read"), "/api/v1/models/lookup", &keys);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let found = answer.json()["models"][format!("name:{name}")].clone();
        assert!(found["model"].is_null(), "a name is no identity: {found}");
        let sizes = found["candidates"].as_array().cloned().unwrap_or_default();
        let mut sizes: Vec<u64> = sizes.iter().map(|model| model["size"].as_u64().unwrap()).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(ask("rea", "HERO.safetensors"), [7, 8]);
    assert_eq!(ask("sam", "hero.safetensors"), [9]);
    assert_eq!(ask("rea", "hero"), [0; 0]);
    let one = hub.get(&hub.token("rea", "read"), "/api/v1/models/name:hero.safetensors");
    assert_eq!(one.json()["candidates"].as_array().unwrap().len(), 2, "{}", one.text());
    for odd in ["name:", "name:a%2Fb"] {
        assert_eq!(hub.get(&hub.token("rea", "read"), &format!("/api/v1/models/{odd}")).status, 422, "{odd}");
    }
}
