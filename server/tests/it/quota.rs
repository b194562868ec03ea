//! How much an owner may keep on the hub, and what that tells to whom.

use crate::blobs::{File, push};
use crate::support::{Answer, Hub, MANIFEST};

fn hub(quota: &str) -> Hub {
    let hub = Hub::start_with("hub", &format!("[blobs]\nquota = \"{quota}\"\nmax_size = \"{quota}\"\n"));
    hub.make_team();
    hub
}

fn code(answer: &Answer) -> (u16, String) {
    let code = if answer.body.is_empty() { String::new() } else { answer.json()["error"]["code"].to_string() };
    (answer.status, code.trim_matches('"').to_owned())
}

/// Pushes an environment that names all of them.
fn push_all(hub: &Hub, path: &str, files: &[&File]) {
    let name = |(index, file): (usize, &&File)| {
        file.manifest("").replace(MANIFEST, "").replace(&"1".repeat(64), &index.to_string().repeat(64))
    };
    let repository = hub.repository(&path.replace('/', "-"));
    let models: String = files.iter().enumerate().map(name).collect();
    repository.write("pyproject.toml", format!("{MANIFEST}{models}"));
    repository.commit("models");
    repository.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), path), "main"]);
}

#[test]
fn a_bound_token_learns_nothing_of_files_outside_its_bound() {
    let hub = hub("3 MiB");
    let secret = File::new(1_000_000);
    push(&hub, "ann", "studio/secret", &secret);
    assert_eq!(secret.upload(&hub, &hub.token("ann", "push"), "studio/secret").status, 201);
    let nowhere = File { bytes: secret.bytes.clone(), sha256: "f".repeat(64) };
    push_all(&hub, "studio/bound", &[&secret, &nowhere]);
    let bound = hub.run(&["token", "create", "ann", "--environments", "studio/bound"]);
    for size in [1_000_000, 2_100_000, 2_200_000, 3_000_000] {
        let [real, made_up] = [&secret, &nowhere].map(|file| {
            let asked = File { bytes: vec![0; size], sha256: file.sha256.clone() };
            let answer = asked.ask(&hub, &bound, "studio/bound");
            hub.database().execute("DELETE FROM blob_uploads", []).unwrap();
            (code(&answer), answer.header("upload-offset").to_owned(), answer.text())
        });
        assert_eq!(real, made_up, "{size}");
        assert_eq!(real.0.0, if size > 2_145_728 { 507 } else { 202 }, "{size}: {}", real.2);
        // How much the owner has is not for it either.
        assert!(!real.2.contains("1000000") && !real.2.contains("976"), "{}", real.2);
    }
    let own = hub.token("ann", "push");
    let asked = File { bytes: vec![0; 3_000_000], sha256: nowhere.sha256 }.ask(&hub, &own, "studio/bound");
    assert!(asked.status == 507 && asked.text().contains("976.5 KiB"), "{}", asked.text());
    // It has the file once it has sent all of it.
    assert_eq!(secret.read(&hub, "GET", &bound, &[]).status, 404);
    assert_eq!(secret.upload(&hub, &bound, "studio/bound").status, 201);
    assert_eq!(secret.read(&hub, "GET", &bound, &[]).status, 200);
}

#[test]
fn what_arrives_counts_as_often_as_it_lies_on_the_disk() {
    let hub = hub("3 MiB");
    let file = File::new(2_000_000);
    let ann = hub.token("ann", "push");
    for path in ["studio/one", "studio/two"] {
        push(&hub, "ann", path, &file);
    }
    let all_but_one = &file.bytes[..1_999_999];
    assert_eq!(file.put(&hub, &ann, "studio/one", 0, all_but_one).status, 202);
    assert_eq!(code(&file.put(&hub, &ann, "studio/two", 0, all_but_one)), (507, "quota".to_owned()));
    assert_eq!(std::fs::read_dir(hub.data().join("blobs/uploads")).unwrap().count(), 1);
    // What was begun is not in its own way.
    assert_eq!(file.put(&hub, &ann, "studio/one", 1_999_999, &file.bytes[1_999_999..]).status, 201);
    // Once it is whole it counts once, in however many environments.
    assert_eq!(file.ask(&hub, &ann, "studio/two").status, 201);
}
