//! What the hub tells its operator.

use std::collections::BTreeSet;

use crate::support::{Hub, send, text, wait_for};

const METRICS: &str = "[metrics]\ntoken = \"only-for-prometheus\"\n";

#[test]
fn the_configuration_is_read_checked_and_shown_without_its_secrets() {
    let mut hub = Hub::start_with("hub", METRICS);
    let shown = hub.run(&["check-config"]);
    assert!(shown.contains("token = \"(redacted)\"") && shown.contains("[connections]"), "{shown}");
    let log = hub.stop();
    assert!(log.contains("(redacted)") && !log.contains("only-for-prometheus"), "{log}");
    let starting: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert!(starting["configuration"].as_str().unwrap().contains("[connections]"), "{log}");
    let file = hub.data().join("hub.toml");
    std::fs::write(&file, "[push]\nbody = \"a lot\"\n").unwrap();
    for command in [["check-config"].as_slice(), &["serve"]] {
        let output = hub.try_run(command);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("hub.toml") && said.contains("line 2") && said.contains("20 MiB"), "{said}");
    }
    std::fs::write(&file, "").unwrap();
    let output = hub.command().env("COMFYDOCK_HUB_PUSH_BDOY", "1 MiB").arg("check-config").output().unwrap();
    assert!(text(&output.stderr).contains("COMFYDOCK_HUB_PUSH_BDOY: is not a setting"), "{}", text(&output.stderr));
    let output = hub.command().env("COMFYDOCK_HUB_PUSH_BODY", "1 MiB").arg("check-config").output().unwrap();
    assert!(text(&output.stdout).contains("body = \"1 MiB\""), "{}", text(&output.stdout));
}

#[test]
fn readiness_says_what_is_wrong_and_ends_before_the_hub_does() {
    let mut hub = Hub::start();
    let ready = send(&hub.address, "GET", "/readyz", &[], b"");
    assert_eq!((ready.status, ready.json()["ready"].as_bool()), (200, Some(true)));
    let hook = hub.data().join("hooks/pre-receive");
    std::fs::rename(&hook, hub.data().join("hooks/away")).unwrap();
    let broken = send(&hub.address, "GET", "/readyz", &[], b"");
    assert_eq!(
        (broken.status, broken.json()["problems"][0]["part"].as_str()),
        (503, Some("hook")),
        "{}",
        broken.text()
    );
    assert_eq!(send(&hub.address, "GET", "/healthz", &[], b"").status, 200);
    std::fs::rename(hub.data().join("hooks/away"), hook).unwrap();
    assert_eq!(send(&hub.address, "GET", "/readyz", &[], b"").status, 200);
    hub.stop();
}

#[test]
fn without_room_a_push_is_refused_before_it_begins_and_clones_go_on() {
    let mut hub = Hub::with_team();
    let url = |hub: &Hub| hub.url(&hub.token("ann", "push"), "studio/portraits");
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &url(&hub), "main"]);
    let tip = ann.tip();
    hub.stop();
    // More than any disk has.
    std::fs::write(hub.data().join("hub.toml"), "[push]\nfree_space = \"1000000 GiB\"\n").unwrap();
    hub.begin();
    ann.commit("second");
    let said = ann.refused(&url(&hub), "main");
    assert!(said.contains("bytes left; 1073741824000000"), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    let path = "/studio/portraits/git-receive-pack";
    let kind = ("Content-Type", "application/x-git-receive-pack-request");
    let authorization = format!("Bearer {}", hub.token("ann", "push"));
    let body = ann.push_body(&tip);
    let answer = send(&hub.address, "POST", path, &[kind, ("Authorization", &authorization)], &body);
    assert_eq!(answer.status, 507, "{}", answer.text());
    let ready = send(&hub.address, "GET", "/readyz", &[], b"");
    assert_eq!((ready.status, ready.json()["problems"][0]["part"].as_str()), (503, Some("disk")), "{}", ready.text());
    assert!(ann.git(&["ls-remote", &url(&hub), "refs/heads/main"]).starts_with(&tip));
}

#[test]
fn the_hub_finishes_what_is_under_way_before_it_stops() {
    use std::io::{Read as _, Write as _};
    let mut hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    let url = hub.url(&token, "studio/portraits");
    ann.git(&["push", "--quiet", &url, "main"]);
    // A push whose body is half there when the hub is told to stop.
    let (old, new) = (ann.tip(), ann.commit("second"));
    let body = ann.push_body(&old);
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", &*authorization), ("Content-Type", "application/x-git-receive-pack-request")];
    let (first, second) = body.split_at(body.len() / 2);
    let path = "/studio/portraits/git-receive-pack";
    let mut stream = crate::support::send_raw(&hub.address, "POST", path, &headers, first, body.len());
    wait_for("git to start", || hub.git_groups().pop());
    hub.ask_to_stop();
    // It takes no new connections, and finishes this one.
    wait_for("the hub to take nothing new", || std::net::TcpStream::connect(&hub.address).is_err().then_some(()));
    stream.write_all(second).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(text(&answer).contains("ok refs/heads/main"), "{}", text(&answer));
    hub.wait_for_end();
    hub.begin();
    assert!(ann.git(&["ls-remote", &hub.url(&token, "studio/portraits"), "refs/heads/main"]).starts_with(&new));
}

#[test]
fn figures_are_for_whoever_knows_their_token() {
    let hub = Hub::start_with("hub", METRICS);
    hub.make_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
    ann.refused(&hub.url(&token, "studio/portraits"), "HEAD:refs/odd/name");
    hub.get("cdk_nonsense", "/api/v1/whoami");
    // What a client makes up does not become a figure of its own, kept for ever.
    for method in ["MADEUP", "get", "OTHER1"] {
        assert!(send(&hub.address, method, "/healthz", &[], b"").status >= 400);
    }
    for (shown, status) in [(None, 401), (Some("Bearer wrong"), 401), (Some("Bearer only-for-prometheus"), 200)] {
        let headers: Vec<_> = shown.iter().map(|value| ("Authorization", *value)).collect();
        assert_eq!(send(&hub.address, "GET", "/metrics", &headers, b"").status, status, "{shown:?}");
    }
    assert_eq!(Hub::start().get(&token, "/metrics").status, 404, "off until a token is set");
    let figures = || hub.get("only-for-prometheus", "/metrics").text();
    let wanted = [
        "comfydock_hub_pushes_total{outcome=\"accepted\"} 1",
        "comfydock_hub_pushes_total{outcome=\"refused\"} 1",
        "comfydock_hub_failed_logins_total 1",
        "comfydock_hub_git_running{service=\"git-upload-pack\"} 0",
        "comfydock_hub_requests_total{route=\"/{owner}/{name}/git-receive-pack\",method=\"POST\",status=\"200\"} 2",
        "# TYPE comfydock_hub_request_duration_seconds histogram",
    ];
    wait_for("the figures", || wanted.iter().all(|line| figures().contains(line)).then_some(()));
    let text = figures();
    let memory = text.lines().find_map(|line| line.strip_prefix("comfydock_hub_memory_bytes ")).unwrap();
    assert!((1_000_000..100_000_000).contains(&memory.parse::<u64>().unwrap()), "{memory}");
    assert!(text.ends_with("# EOF\n"));
    assert!(text.contains("method=\"other\"") && !text.contains("MADEUP") && !text.contains("\"get\""), "{text}");
}

#[test]
fn every_request_has_an_id_that_leads_to_its_lines_in_the_log() {
    let mut hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let bearer = format!("Bearer {token}");
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        ids.insert(hub.get(&token, "/api/v1/whoami?secret=word").header("x-request-id").to_owned());
    }
    assert_eq!(ids.len(), 3);
    let ask = |id: &str| {
        let answer = send(&hub.address, "GET", "/readyz", &[("X-Request-Id", id), ("Authorization", &bearer)], b"");
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(ask("from-the-proxy_1"), "from-the-proxy_1");
    assert_ne!(ask("forged\" line"), "forged\" line");
    assert_eq!(ask(&"x".repeat(65)).len(), 16);
    let ann = hub.repository("ann");
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
    let log = hub.stop();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for id in &ids {
        let line = lines.iter().find(|line| line["span"]["id"] == id.as_str()).unwrap();
        assert_eq!((line["path"].as_str(), line["status"].as_u64()), (Some("/api/v1/whoami"), Some(200)), "{line}");
        assert_eq!(line["span"]["user"], "ann");
    }
    let pushed = lines.iter().find(|line| line["message"] == "pushed").unwrap();
    assert_eq!(pushed["environment"], "studio/portraits");
    assert!(pushed["span"]["id"].is_string(), "{pushed}");
    assert!(!log.contains(&token) && !log.contains("secret=word"), "{log}");
}
