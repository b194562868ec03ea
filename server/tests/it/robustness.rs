//! Clients that misbehave, and crashes.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{Hub, MANIFEST, manifest_with_model, noise, processes, send, send_raw, wait_for};

const RECEIVE: &str = "application/x-git-receive-pack-request";
const UPLOAD: &str = "application/x-git-upload-pack-request";

fn wait_until_gone(hub: &Hub, group: &str) {
    let left = || processes().into_iter().any(|process| process.group == group);
    wait_for("the group of git to end", || (!left() && hub.git_groups().is_empty()).then_some(()));
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Asks for everything there is in `studio/large`.
fn fetch(hub: &Hub, token: &str, tip: &str) -> std::net::TcpStream {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", UPLOAD)];
    let body = format!("0032want {tip}\n00000009done\n");
    send_raw(&hub.address, "POST", "/studio/large/git-upload-pack", &headers, body.as_bytes(), body.len())
}

#[test]
fn a_client_that_vanishes_while_it_sends_leaves_no_git_and_moves_nothing() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", RECEIVE)];
    let line = format!("{} {} refs/heads/main\0 report-status side-band-64k", "0".repeat(40), "1".repeat(40));
    let start = format!("{:04x}{line}0000PACK", line.len() + 4);
    let stream =
        send_raw(&hub.address, "POST", "/studio/portraits/git-receive-pack", &headers, start.as_bytes(), 1_000_000);
    let group = wait_for("git to start", || hub.git_groups().pop());
    drop(stream);
    wait_until_gone(&hub, &group);
    assert_eq!(hub.get(&token, "/studio/portraits/info/refs?service=git-upload-pack").status, 404);
}

#[test]
fn a_client_that_vanishes_while_it_receives_leaves_no_git() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    ann.write("notes/noise.dat", noise(12_000_000));
    // Backwards, so that the one is no delta of the other.
    ann.write("notes/more.dat", noise(12_000_000).into_iter().rev().collect::<Vec<u8>>());
    let tip = ann.commit("large");
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/large"), "main"]);
    let mut stream = fetch(&hub, &token, &tip);
    stream.read_exact(&mut vec![0; 100_000]).unwrap();
    let group = wait_for("git to be busy", || hub.git_groups().pop());
    drop(stream);
    wait_until_gone(&hub, &group);
}

#[test]
fn what_comes_packed_is_unpacked_and_measured_after_that() {
    let hub = Hub::start_with("hub", "[push]\nbody = \"1000000 B\"");
    hub.make_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
    let authorization = format!("Bearer {token}");
    let post = |path: &str, kind: &str, encoding: &str, body: &[u8]| {
        let headers = [("Authorization", &*authorization), ("Content-Type", kind), ("Content-Encoding", encoding)];
        send(&hub.address, "POST", path, &headers, body)
    };
    let want = format!("0032want {}\n", ann.tip());
    let fetch = "/studio/portraits/git-upload-pack";
    for encoding in ["gzip", "x-gzip"] {
        let body = packed(format!("{want}00000009done\n").as_bytes());
        let answer = post(fetch, UPLOAD, encoding, &body);
        assert_eq!(answer.status, 200);
        assert!(answer.body.windows(4).any(|window| window == b"PACK"));
    }
    let bomb = packed(want.repeat(600_000).as_bytes());
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    assert_eq!(post(fetch, UPLOAD, "gzip", &bomb).status, 413);
    let line = format!("{} {} refs/heads/main\0 report-status", "0".repeat(40), "1".repeat(40));
    let mut push = format!("{:04x}{line}0000PACK", line.len() + 4).into_bytes();
    push.resize(2_000_000, 0);
    let refused = post("/studio/portraits/git-receive-pack", RECEIVE, "gzip", &packed(&push));
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert_eq!(post(fetch, UPLOAD, "gzip", b"this is no gzip").status, 400);
    assert_eq!(hub.git_groups(), Vec::<String>::new());
    let listed = ann.git(&["ls-remote", &hub.url(&token, "studio/portraits"), "refs/heads/main"]);
    assert!(listed.starts_with(&ann.tip()));
}

#[test]
fn a_push_over_the_limit_is_refused_by_name() {
    let hub = Hub::start_with("hub", "[push]\nbody = \"100000 B\"");
    hub.make_team();
    let ann = hub.repository("ann");
    ann.write(
        "notes/large.txt",
        (0..60_000_u32).map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761))).collect::<String>(),
    );
    ann.commit("large");
    let said = ann.refused(&hub.url(&hub.token("ann", "push"), "studio/large"), "main");
    assert!(said.contains("413") || said.contains("exceeds maximum allowed size"), "{said}");
}

#[test]
fn a_push_that_cannot_be_recorded_is_taken_back() {
    let hub = Hub::with_team();
    let url = hub.url(&hub.token("ann", "push"), "studio/portraits");
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &url, "main"]);
    let old = ann.tip();
    ann.commit("second");
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON pushes_under_way BEGIN SELECT RAISE(ABORT, 'no'); END";
    hub.database().execute_batch(refuse).unwrap();
    ann.refused(&url, "HEAD:refs/heads/main");
    assert!(ann.git(&["ls-remote", &url, "refs/heads/main"]).starts_with(&old));
    hub.database().execute_batch("DROP TRIGGER refuse").unwrap();
    ann.git(&["push", "--quiet", &url, "main"]);
    assert!(ann.git(&["ls-remote", &url, "refs/heads/main"]).starts_with(&ann.tip()));
}

#[test]
fn what_a_crash_cut_off_between_the_yes_and_the_report_is_taken_back_at_start() {
    let mut hub = Hub::with_team();
    let url = |hub: &Hub| hub.url(&hub.token("ann", "push"), "studio/portraits");
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &url(&hub), "main"]);
    let old = ann.tip();
    ann.git(&["push", "--quiet", &url(&hub), "HEAD:refs/heads/kept"]);
    let new = ann.commit("second");
    ann.git(&["push", "--quiet", &url(&hub), "main", "HEAD:refs/heads/idea", "HEAD:refs/heads/kept"]);
    hub.kill();
    // As if the hub had been killed before the last push was recorded; meanwhile `kept` went on.
    let zero = "0".repeat(40);
    let updates =
        format!("refs/heads/main {old} {new}\nrefs/heads/idea {zero} {new}\nrefs/heads/kept {zero} {}", "1".repeat(40));
    let sql =
        "INSERT INTO pushes_under_way (environment_id, actor, at, updates) SELECT id, 'ann', 1, ? FROM environments";
    assert_eq!(hub.database().execute(sql, [&updates]).unwrap(), 1);
    hub.begin();
    let listed = ann.git(&["ls-remote", "--refs", &url(&hub)]);
    assert_eq!(listed, format!("{new}\trefs/heads/kept\n{old}\trefs/heads/main"));
    assert!(hub.log().contains("took back a push that was cut off"), "{}", hub.log());
    let database = hub.database();
    let tip: String = database.query_row("SELECT tip FROM environments", [], |row| row.get(0)).unwrap();
    assert_eq!(tip, old, "the catalog went back too");
    let sql = "SELECT count(*) FROM audit WHERE action = 'push.undone' AND actor = 'ann' AND detail = ?";
    let audited: u64 = database.query_row(sql, [&updates], |row| row.get(0)).unwrap();
    assert_eq!(audited, 1);
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let mut hub = Hub::start();
    hub.stop();
    // A pipe takes 64 KiB, and nobody empties this one.
    let (unread, log) = std::io::pipe().unwrap();
    hub.begin_with_log(log.into());
    for _ in 0..600 {
        assert_eq!(send(&hub.address, "GET", "/healthz", &[], b"").status, 200);
    }
    drop(unread);
}

#[test]
fn a_git_that_fails_is_no_success() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    ann.write("notes/noise.dat", noise(12_000_000));
    // Backwards, so that the one is no delta of the other.
    ann.write("notes/more.dat", noise(12_000_000).into_iter().rev().collect::<Vec<u8>>());
    let tip = ann.commit("large");
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/large"), "main"]);
    let mut stream = fetch(&hub, &token, &tip);
    stream.read_exact(&mut vec![0; 100_000]).unwrap();
    // As when the system runs out of memory.
    let group = wait_for("git to be busy", || hub.git_groups().pop()).parse().unwrap();
    rustix::process::kill_process_group(rustix::process::Pid::from_raw(group).unwrap(), rustix::process::Signal::KILL)
        .unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "a broken answer must not end like a whole one");

    std::fs::remove_file(hub.bare_repositories()[0].join("HEAD")).unwrap();
    let answer = hub.get(&token, "/studio/large/info/refs?service=git-upload-pack");
    assert_eq!((answer.status, answer.text().contains("log says why")), (500, true), "{}", answer.text());
}

#[test]
fn a_push_that_ends_early_moves_nothing_even_when_it_looks_whole() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    let url = hub.url(&token, "studio/portraits");
    ann.git(&["push", "--quiet", &url, "main", "main:refs/heads/idea"]);
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", RECEIVE)];
    // A deletion needs no pack: git would act on it as soon as its input ends.
    let line = format!("{} {} refs/heads/idea\0 report-status delete-refs", ann.tip(), "0".repeat(40));
    let start = format!("{:04x}{line}", line.len() + 4);
    let path = "/studio/portraits/git-receive-pack";
    let stream = send_raw(&hub.address, "POST", path, &headers, start.as_bytes(), 1_000);
    let group = wait_for("git to start", || hub.git_groups().pop());
    drop(stream);
    wait_until_gone(&hub, &group);
    assert_eq!(ann.git(&["ls-remote", "--heads", &url]).lines().count(), 2);
}

#[test]
fn a_restart_indexes_what_a_crash_left_behind() {
    let mut hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    ann.write("pyproject.toml", manifest_with_model(MANIFEST, '1', 'a', 7, "https://example.org/one"));
    let tip = ann.commit("a model");
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
    let before = hub.get(&token, "/api/v1/environments").json();
    hub.stop();
    // As if the hub had died between git's last step and its own.
    let database = hub.database();
    for sql in [
        "DELETE FROM environment_models",
        "DELETE FROM environment_workflows",
        "UPDATE environments SET tip = NULL, pushed_at = NULL, pushed_by = NULL, comfyui_version = NULL",
    ] {
        database.execute(sql, []).unwrap();
    }
    drop(database);
    hub.begin();
    assert_eq!(hub.get(&token, "/api/v1/environments").json(), before);
    assert_eq!(before["environments"][0]["tip"], tip);
    let model = hub.get(&token, &format!("/api/v1/models/sha256:{}", "a".repeat(64)));
    assert_eq!(model.json()["model"]["sources"][0]["locator"], "https://example.org/one");
    assert!(hub.stop().contains("indexed a tip that the catalog had missed"));
}

#[test]
fn a_long_path_to_the_data_folder_is_no_obstacle() {
    let mut hub = Hub::start_with(&"long".repeat(40), "");
    hub.make_team();
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), "ann/env"), "main"]);
    hub.stop();
}

#[test]
fn nothing_secret_is_logged() {
    let mut hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
    ann.write("workflows/bad.json", "{");
    ann.commit("bad");
    ann.refused(&hub.url(&token, "studio/portraits"), "main");
    hub.get("cdk_wrong", "/api/v1/whoami");
    let log = hub.stop();
    assert!(log.contains("pushed") && log.contains("push refused"), "{log}");
    assert!(!log.contains("cdk_") && !log.contains("Basic "), "{log}");
}

#[test]
fn a_repository_whose_making_was_cut_off_is_made_to_its_end() {
    let mut hub = Hub::with_team();
    let ann = hub.repository("ann");
    ann.refused(&hub.url(&hub.token("ann", "push"), "studio/portraits"), "HEAD:refs/heads/idea");
    hub.kill();
    // As git leaves it in the middle: HEAD is there, what it needs is not.
    std::fs::remove_dir_all(hub.bare_repositories()[0].join("objects")).unwrap();
    hub.begin();
    ann.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), "studio/portraits"), "main"]);
    hub.check_repositories();
}
