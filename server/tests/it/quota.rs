//! How much an owner may keep on the hub, and what that tells to whom.

use std::path::Path;

use crate::blobs::{File, push};
use crate::support::{Answer, Hub, MANIFEST, read_answer, send, send_raw, wait_for};

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

fn free_space(folder: &Path) -> u64 {
    let found = rustix::fs::statvfs(folder).unwrap();
    found.f_bavail * found.f_frsize
}

/// A piece of a file that claims to have so many bytes; none of them is sent with it.
fn announce(file: &File, token: &str, first: Option<u64>, size: u64) -> (String, [(&'static str, String); 2]) {
    let range = first.map_or_else(|| "*".to_owned(), |first| format!("{first}-{}", size - 1));
    let path = format!("/api/v1/blobs/sha256:{}?environment=studio/look", file.sha256);
    (path, [("Authorization", format!("Bearer {token}")), ("Content-Range", format!("bytes {range}/{size}"))])
}

#[test]
fn uploads_that_run_together_do_not_take_the_same_room() {
    let hub = hub("1000000 GiB");
    let files = [File::new(1000), File::new(1001)];
    push_all(&hub, "studio/look", &[&files[0], &files[1]]);
    let ann = hub.token("ann", "push");
    // Each of them fits, both do not.
    let size = free_space(hub.data()) / 5 * 3;
    let ask = |file: &File| {
        let (path, headers) = announce(file, &ann, None, size);
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        code(&send(&hub.address, "PUT", &path, &headers, b""))
    };
    assert_eq!(ask(&files[1]), (202, String::new()));
    let (path, headers) = announce(&files[0], &ann, Some(0), size);
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let sending = send_raw(&hub.address, "PUT", &path, &headers, &files[0].bytes, usize::try_from(size).unwrap());
    wait_for("the first to be on its way", || (ask(&files[0]).0 == 503).then_some(()));
    assert_eq!(ask(&files[1]), (507, "no_room".to_owned()));
    drop(sending);
    wait_for("its room to be free again", || (ask(&files[1]).0 == 202).then_some(()));
}

#[test]
fn a_disk_that_fills_up_stops_an_upload_and_keeps_what_arrived() {
    let shm = Path::new("/dev/shm");
    // Nobody else writes there while this runs.
    if !shm.is_dir() || free_space(shm) < 60 << 20 {
        eprintln!("skipped: {} has no room", shm.display());
        return;
    }
    let keep = (free_space(shm) - (48 << 20)) >> 10;
    let folder = tempfile::tempdir_in(shm).unwrap();
    let filler = folder.path().join("filler");
    let hub = Hub::start_in(folder, "hub", &format!("[push]\nfree_space = \"{keep} KiB\"\n"));
    hub.make_team();
    let file = File::new(30_000_000);
    push(&hub, "ann", "studio/look", &file);
    let ann = hub.token("ann", "push");
    let size = file.bytes.len();
    let (path, headers) = announce(&file, &ann, Some(0), size as u64);
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut sending = send_raw(&hub.address, "PUT", &path, &headers, &file.bytes[..1_100_000], size);
    wait_for("the first bytes", || (file.ask(&hub, &ann, "studio/look").status == 503).then_some(()));
    // Something else takes the room.
    std::fs::write(&filler, vec![1; 40 << 20]).unwrap();
    let _ = std::io::Write::write_all(&mut sending, &file.bytes[1_100_000..]);
    assert_eq!(code(&read_answer(&mut sending)), (507, "no_room".to_owned()));
    assert_eq!(code(&file.ask(&hub, &ann, "studio/look")), (507, "no_room".to_owned()));
    std::fs::remove_file(&filler).unwrap();
    let begun: usize = file.ask(&hub, &ann, "studio/look").header("upload-offset").parse().unwrap();
    assert!((1_000_000..10_000_000).contains(&begun), "{begun}");
    assert_eq!(file.put(&hub, &ann, "studio/look", begun, &file.bytes[begun..]).status, 201);
    assert!(file.read(&hub, "GET", &ann, &[]).body == file.bytes);
}

#[test]
fn to_ask_takes_no_room_and_what_is_taken_can_be_seen() {
    let hub = Hub::start_with("hub", "[blobs]\nquota = \"3 MiB\"\n[metrics]\ntoken = \"t\"\n");
    hub.make_team();
    let (file, other) = (File::new(2_000_000), File::new(2_000_001));
    push(&hub, "ann", "studio/one", &file);
    push(&hub, "ann", "studio/two", &other);
    let ann = hub.token("ann", "push");
    assert_eq!(file.ask(&hub, &ann, "studio/one").status, 202);
    // Nor does a request of which no byte came.
    let (path, headers) = announce(&file, &ann, Some(0), 2_000_000);
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    drop(send_raw(&hub.address, "PUT", &path.replace("look", "one"), &headers, b"", 2_000_000));
    assert_eq!(other.ask(&hub, &ann, "studio/two").status, 202);
    let rows =
        || -> i64 { hub.database().query_row("SELECT count(*) FROM blob_uploads", [], |row| row.get(0)).unwrap() };
    assert_eq!(rows(), 0);
    let figures = || hub.get("t", "/metrics").text();
    let listed = || hub.run(&["team", "list"]).lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(listed(), "studio 2 0 B 0 B");
    // The first byte takes the room of all.
    assert_eq!(file.put(&hub, &ann, "studio/one", 0, &file.bytes[..1]).status, 202);
    assert_eq!((rows(), listed()), (1, "studio 2 0 B 1.9 MiB".to_owned()));
    let refused = other.ask(&hub, &ann, "studio/two");
    assert!(refused.text().contains("0 B of models on this hub and 1.9 MiB still arriving"), "{}", refused.text());
    assert_eq!(code(&other.upload(&hub, &ann, "studio/two")), (507, "quota".to_owned()));
    assert!(figures().contains("model_files_bytes{state=\"arriving\"} 2000000"), "{}", figures());
    assert_eq!(file.put(&hub, &ann, "studio/one", 1, &file.bytes[1..]).status, 201);
    assert_eq!((rows(), listed()), (0, "studio 2 1.9 MiB 0 B".to_owned()));
    assert!(figures().contains("model_files_bytes{state=\"kept\"} 2000000"), "{}", figures());
}
