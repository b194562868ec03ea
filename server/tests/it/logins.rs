//! Failed logins, and how often they may fail.

use std::io::Read as _;

use crate::support::{Answer, Hub, send};

const LIMITS: &str = "[access]\nfailed_logins = 3\nfailed_logins_per_address = 5\nfailed_login_window = \"1h\"\n\
    trusted_proxies = [\"127.0.0.1\"]\n";

fn ask(hub: &Hub, from: &str, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("X-Forwarded-For", from)];
    send(&hub.address, "GET", "/api/v1/whoami", &headers, b"")
}

#[test]
fn whoever_fails_too_often_must_wait_and_nobody_else() {
    let mut hub = Hub::start_with("hub", LIMITS);
    hub.make_team();
    let (ann, rea) = (hub.token("ann", "push"), hub.token("rea", "push"));
    assert_eq!(ask(&hub, "192.0.2.1", &ann).status, 200);
    let mut guess = ann.clone();
    guess.replace_range(20..21, if &ann[20..21] == "0" { "1" } else { "0" });
    for _ in 0..3 {
        assert_eq!(ask(&hub, "192.0.2.1", &guess).status, 401);
    }
    let shut_out = ask(&hub, "192.0.2.1", &guess);
    assert_eq!((shut_out.status, shut_out.json()["error"]["code"].as_str()), (429, Some("too_many_logins")));
    let wait: u32 = shut_out.header("retry-after").parse().unwrap();
    assert!((3000..=3600).contains(&wait), "{wait}");
    assert_eq!(ask(&hub, "192.0.2.1", &ann).status, 200, "it was good a short while ago");
    assert_eq!(ask(&hub, "192.0.2.1", &rea).status, 200, "another token");
    assert_eq!(ask(&hub, "192.0.2.1", "nonsense").status, 401);
    assert_eq!(ask(&hub, "192.0.2.1", "cdk_other").status, 401);
    // Now the address as a whole is at its end.
    let sam = hub.token("sam", "push");
    assert_eq!(ask(&hub, "192.0.2.1", &sam).status, 429);
    assert_eq!(ask(&hub, "192.0.2.1", &rea).status, 200);
    assert_eq!(ask(&hub, "192.0.2.2", &sam).status, 200, "another address");
    assert_eq!(ask(&hub, "192.0.2.1, 192.0.2.9", &sam).status, 200, "what the client wrote itself does not count");
    assert_eq!(ask(&hub, "192.0.2.1", &sam).status, 429);
    hub.run(&["token", "revoke", "2"]);
    assert_eq!(ask(&hub, "192.0.2.1", &ann).status, 401, "revoked at once");
    assert_eq!(ask(&hub, "192.0.2.1", &ann).status, 429);
    let anonymous = send(&hub.address, "GET", "/login", &[("X-Forwarded-For", "192.0.2.1")], b"");
    assert_eq!(anonymous.status, 200);
    let log = hub.stop();
    assert!(log.contains("a login failed") && log.contains("192.0.2.1") && !log.contains("cdk_"), "{log}");
    assert!(!log.contains("is not believed"), "{log}");
}

#[test]
fn a_proxy_that_is_not_named_is_told_of_once() {
    let mut hub = Hub::start();
    for _ in 0..3 {
        ask(&hub, "192.0.2.1", "nonsense");
    }
    let log = hub.stop();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("X-Forwarded-For is not believed")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("access.trusted_proxies") && told[0].contains("127.0.0.1"), "{log}");
}

#[test]
fn the_login_form_counts_and_git_says_why() {
    let hub = Hub::start_with("hub", LIMITS);
    for status in [401, 401, 401, 429] {
        let form = send(&hub.address, "GET", "/login", &[], b"");
        let cookie = form.header("set-cookie").split(';').next().unwrap().to_owned();
        let page = form.text();
        let csrf = page.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap();
        let headers = [("Cookie", cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let body = format!("token=cdk_guess&csrf={csrf}");
        let answer = send(&hub.address, "POST", "/login", &headers, body.as_bytes());
        assert_eq!((answer.status, answer.header("retry-after").is_empty()), (status, status != 429));
    }
    let repository = hub.repository("git");
    let output = repository.try_git(&["ls-remote", &hub.url("cdk_guess", "admin/look")]);
    let mut said = String::new();
    output.stderr.as_slice().read_to_string(&mut said).unwrap();
    assert!(said.contains("too many logins failed from this address") && said.contains("429"), "{said}");
}

#[test]
fn a_login_needs_no_room_on_the_disk() {
    let hub = Hub::with_team();
    let (ann, new) = (hub.token("ann", "push"), hub.token("ann", "read"));
    hub.repository("ann").git(&["push", "--quiet", &hub.url(&ann, "studio/portraits"), "main"]);
    let full = "CREATE TRIGGER full BEFORE UPDATE ON tokens BEGIN SELECT RAISE(ABORT, 'full'); END";
    hub.database().execute_batch(full).unwrap();
    assert_eq!(hub.get(&new, "/studio/portraits/info/refs?service=git-upload-pack").status, 200);
    assert!(hub.log().contains("a token's use was not noted"), "{}", hub.log());
}
