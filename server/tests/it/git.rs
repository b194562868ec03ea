//! Clone, fetch and push.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Hub, MANIFEST, PATIENCE, Repository, manifest_with_model, noise, read_answer, send_raw, text};

#[test]
fn every_protocol_version_clones_and_pushes() {
    let hub = Hub::with_team();
    let url = hub.url(&hub.token("ann", "push"), "studio/portraits");
    let ann = hub.repository("ann");
    for version in 0..3 {
        let protocol = format!("protocol.version={version}");
        let tip = ann.commit(&format!("by protocol {version}"));
        ann.git(&["-c", &protocol, "push", "--quiet", &url, "main"]);
        let listed = ann.git(&["-c", &protocol, "ls-remote", "--symref", &url]);
        assert!(listed.contains("ref: refs/heads/main\tHEAD") && listed.contains(&tip), "{listed}");
        for (suffix, name) in [("", "plain"), (".git", "dot")] {
            let copy = hub.scratch(&format!("{name}-{version}"));
            ann.git(&["-c", &protocol, "clone", "--quiet", &format!("{url}{suffix}"), copy.to_str().unwrap()]);
            assert_eq!(std::fs::read_to_string(copy.join("pyproject.toml")).unwrap(), MANIFEST);
        }
    }
    let bare = hub.bare_repositories();
    assert_eq!(bare.len(), 1);
    let fsck = ann.try_git(&["-C", bare[0].to_str().unwrap(), "fsck", "--full", "--strict"]);
    assert!(fsck.status.success() && fsck.stdout.is_empty(), "{fsck:?}");
}

#[test]
fn a_large_push_goes_in_chunks_and_arrives_whole() {
    let hub = Hub::with_team();
    let url = hub.url(&hub.token("ann", "push"), "studio/large");
    let ann = hub.repository("ann");
    ann.write("notes/noise.dat", noise(1_500_000));
    ann.commit("large");
    let trace = ann
        .command()
        .args(["-c", "http.postBuffer=65536", "push", &url, "main"])
        .env("GIT_TRACE_CURL", "1")
        .env("GIT_TRACE_CURL_NO_DATA", "1")
        .output()
        .unwrap();
    assert!(trace.status.success(), "{}", text(&trace.stderr));
    assert!(text(&trace.stderr).to_lowercase().contains("transfer-encoding: chunked"));
    let copy = hub.scratch("copy");
    ann.git(&["clone", "--quiet", &url, copy.to_str().unwrap()]);
    let (sent, came) = (ann.path().join("notes/noise.dat"), copy.join("notes/noise.dat"));
    assert_eq!(std::fs::read(sent).unwrap(), std::fs::read(came).unwrap());
}

/// Pushes main as an old client would: without a side band, in one piece.
fn push_by_hand(hub: &Hub, token: &str, path: &str, from: &Repository, old: &str) -> TcpStream {
    let body = from.push_body(old);
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", &*authorization), ("Content-Type", "application/x-git-receive-pack-request")];
    send_raw(&hub.address, "POST", &format!("/{path}/git-receive-pack"), &headers, &body, body.len())
}

#[test]
fn a_client_without_a_side_band_gets_its_report_too() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    let answer = read_answer(&mut push_by_hand(&hub, &token, "studio/old", &ann, &"0".repeat(40)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.text(), "000eunpack ok\n0017ok refs/heads/main\n0000");
    assert_eq!(hub.get(&token, "/api/v1/environments").json()["environments"][0]["tip"], ann.tip());
}

#[test]
fn two_first_pushes_at_once_make_one_environment() {
    let hub = Hub::with_team();
    let url = hub.url(&hub.token("ann", "push"), "studio/race");
    let clients: Vec<_> = (0..4).map(|number| hub.repository(&format!("client-{number}"))).collect();
    for (number, client) in clients.iter().enumerate() {
        client.commit(&format!("client {number}"));
    }
    let url = url.as_str();
    let landed = std::thread::scope(|scope| {
        let pushes: Vec<_> =
            clients.iter().map(|client| scope.spawn(move || client.try_git(&["push", url, "main"]))).collect();
        pushes.into_iter().map(|push| push.join().unwrap().status.success()).filter(|landed| *landed).count()
    });
    assert_eq!(landed, 1);
    assert_eq!(hub.bare_repositories().len(), 1);
    let tip = clients[0].git(&["ls-remote", url, "refs/heads/main"]);
    let listed = hub.get(&hub.admin_token(), "/api/v1/environments").json();
    assert!(tip.starts_with(listed["environments"][0]["tip"].as_str().unwrap()), "{tip} {listed}");
}

#[test]
fn a_push_is_in_the_catalog_when_git_says_that_it_landed() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let url = hub.url(&token, "studio/portraits");
    let ann = hub.repository("ann");
    for digit in ['1', '2', '3', '4', '5', '6', '7', '8'] {
        ann.write("pyproject.toml", manifest_with_model(MANIFEST, digit, digit, 5, "https://example.org/a"));
        ann.commit("another model");
        ann.git(&["push", "--quiet", &url, "main"]);
        let answer = hub.get(&token, &format!("/api/v1/models/sha256:{}", digit.to_string().repeat(64)));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn nobody_hears_that_a_push_landed_before_the_catalog_has_it() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let url = hub.url(&token, "studio/portraits");
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &url, "main"]);
    let (old, tip) = (ann.tip(), ann.commit("second"));
    // While somebody else writes, neither the journal nor the catalog can.
    let database = hub.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut push = push_by_hand(&hub, &token, "studio/portraits", &ann, &old);
    push.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(push.read(&mut [0; 1]).is_err(), "the report did not wait");
    let main = std::fs::read_to_string(hub.bare_repositories()[0].join("refs/heads/main")).unwrap();
    assert_eq!(main.trim(), old, "a reference moved that no journal knows of");
    push.set_read_timeout(Some(PATIENCE)).unwrap();
    database.execute_batch("COMMIT").unwrap();
    assert!(read_answer(&mut push).text().contains("ok refs/heads/main"));
    let known: String = database.query_row("SELECT tip FROM environments", [], |row| row.get(0)).unwrap();
    assert_eq!(known, tip);
    let left: u64 = database.query_row("SELECT count(*) FROM pushes_under_way", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn branches_come_and_go_but_main_and_tags_stay() {
    let hub = Hub::with_team();
    let url = hub.url(&hub.token("ann", "push"), "studio/portraits");
    let ann = hub.repository("ann");
    assert!(ann.refused(&url, "HEAD:refs/heads/early").contains("refs/heads/early: came before the branch main"));
    ann.git(&["tag", "-a", "v1", "-m", "v1"]);
    ann.git(&["push", "--quiet", &url, "main", "HEAD:refs/heads/idea", "v1"]);
    assert_eq!(ann.git(&["ls-remote", "--refs", &url]).lines().count(), 3);
    ann.git(&["push", "--quiet", &url, ":idea"]);
    assert!(ann.refused(&url, ":v1").contains("refs/tags/v1 would be deleted"));
    assert!(ann.refused(&url, ":main").contains("refs/heads/main may not be deleted"));
    assert!(ann.refused(&url, "HEAD:refs/changes/1").contains("neither a branch nor a tag"));
    assert_eq!(ann.git(&["ls-remote", "--refs", &url]).lines().count(), 2);
    let pushes: i64 = hub
        .database()
        .query_row("SELECT count(*) FROM audit WHERE action = 'push' AND actor = 'ann'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(pushes, 2, "refused pushes are not recorded as pushes");
}
