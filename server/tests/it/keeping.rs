//! Who comes to have the files that the hub keeps, and for how long.

use serde_json::json;

use crate::blobs::{File, push};
use crate::support::browser::Browser;
use crate::support::{Hub, MANIFEST};

#[test]
fn to_read_a_file_for_a_time_gives_nobody_a_copy_for_ever() {
    let hub = Hub::with_team();
    let file = File::new(100_000);
    push(&hub, "ann", "studio/look", &file);
    for user in ["rea", "sam"] {
        push(&hub, user, &format!("{user}/own"), &file);
    }
    let [ann, rea, sam] = ["ann", "rea", "sam"].map(|user| hub.token(user, "push"));
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    // A reader of the team reads, and has nothing in an environment of their own without sending it.
    assert_eq!(file.read(&hub, "GET", &rea, &[]).status, 200);
    let asked = file.ask(&hub, &rea, "rea/own");
    assert_eq!((asked.status, asked.header("upload-offset")), (202, "0"), "{}", asked.text());
    // Nor has a stranger, while the environment is public.
    hub.run(&["environment", "visibility", "studio/look", "public"]);
    assert_eq!(file.read(&hub, "GET", &sam, &[]).status, 200);
    assert_eq!(file.ask(&hub, &sam, "sam/own").status, 202);
    hub.run(&["environment", "visibility", "studio/look", "private"]);
    hub.run(&["team", "remove-member", "studio", "rea"]);
    for token in [&rea, &sam] {
        assert_eq!(file.read(&hub, "GET", token, &[]).status, 404);
    }
    // Environments of one team share what each of them has; the record says from where.
    push(&hub, "ann", "studio/other", &file);
    assert_eq!(file.ask(&hub, &ann, "studio/other").status, 201);
    for path in ["studio/other", "studio/look"] {
        let record = hub.run(&["audit", "--subject", path]);
        assert!(record.contains("blob.link") && record.contains(&file.sha256), "{record}");
    }
    // Who was in the team and sends every byte has it: it is theirs.
    assert_eq!(file.upload(&hub, &rea, "rea/own").status, 201);
    assert_eq!(file.read(&hub, "GET", &rea, &[]).status, 200);
    // Without the team's environments it is still theirs, and nobody else's.
    for path in ["studio/look", "studio/other"] {
        hub.run(&["environment", "delete", path]);
    }
    assert_eq!([&ann, &rea, &sam].map(|token| file.read(&hub, "GET", token, &[]).status), [404, 200, 404]);
}

#[test]
fn who_makes_an_environment_public_is_told_which_files_go_with_it() {
    let hub = Hub::with_team();
    let file = File::new(3_000_000);
    let look = push(&hub, "ann", "ann/look", &file);
    let [ann, rea] = ["ann", "rea"].map(|user| hub.token(user, "admin"));
    assert_eq!(file.upload(&hub, &ann, "ann/look").status, 201);
    // Only an earlier commit names it, and that goes out too.
    look.write("pyproject.toml", MANIFEST);
    look.commit("without it");
    look.git(&["push", "--quiet", &hub.url(&ann, "ann/look"), "main"]);
    let told = |token: &str| hub.get(token, "/api/v1/environments/ann/look").json()["kept"].clone();
    assert_eq!(told(&ann), json!({ "files": 1, "bytes": 3_000_000 }));
    let mut browser = Browser::new(&hub);
    browser.sign_in(&ann);
    let page = browser.get("/ann/look/settings").text();
    assert!(page.contains("1 model file with 2.8 MiB"), "{page}");
    let said = hub.run(&["environment", "visibility", "ann/look", "public"]);
    assert!(said.contains("1 model file with 2.8 MiB"), "{said}");
    // Others are told nothing of it, even who may see the environment.
    assert_eq!(told(&rea), json!(null));
    assert_eq!(told(&hub.token("ann", "push")), json!(null));
    assert!(!hub.run(&["environment", "visibility", "ann/look", "private"]).contains("model file"));
}

#[test]
fn a_token_for_an_old_name_reads_as_it_sends() {
    let hub = Hub::with_team();
    let file = File::new(1000);
    push(&hub, "ann", "studio/look", &file);
    let bound = hub.run(&["token", "create", "ann", "--environments", "studio/look"]);
    let elsewhere = hub.run(&["token", "create", "ann", "--environments", "ann/look"]);
    hub.run(&["environment", "rename", "studio/look", "portrait"]);
    assert_eq!(file.upload(&hub, &bound, "studio/look").status, 201);
    let found = |token: &str| {
        let of = |path: &str| hub.get(token, &format!("/api/v1/environments/studio/{path}")).status;
        let listed = hub.get(token, "/api/v1/environments").json()["environments"].as_array().map_or(0, Vec::len);
        let known = hub.get(token, &format!("/api/v1/models/sha256:{}", file.sha256)).status;
        (file.read(&hub, "HEAD", token, &[]).status, of("look"), of("portrait"), listed, known)
    };
    assert_eq!(found(&bound), (200, 200, 200, 1, 200));
    assert_eq!(found(&elsewhere), (404, 404, 404, 0, 404));
    // Until the old name leads nowhere: then the token is for nothing.
    hub.database().execute("UPDATE environment_names SET until = 1", []).unwrap();
    assert_eq!(found(&bound), (404, 404, 404, 0, 404));
    assert_eq!(file.ask(&hub, &bound, "studio/portrait").status, 404);
}
