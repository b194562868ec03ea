//! Tokens that do not do, and names that are none.

use super::refused;
use crate::support::comfyui::ComfyUi;
use crate::support::{Hub, Machine, STUDIO, Studio, tree};

#[test]
fn a_token_that_may_not_is_told_so_and_nothing_happens() {
    let (hub, comfyui) = (Hub::start(), ComfyUi::new());
    let mut a = Machine::new();
    a.create(&comfyui);
    let good = hub.admit(&a, "ann");
    a.ok(&["remote", "add", "origin", STUDIO]);
    let wrong = format!("{}{}", &good[..good.len() - 4], if good.ends_with("AAAA") { "BBBB" } else { "AAAA" });
    let expired = hub.expired_token("ann");
    let read = hub.token("ann", "read");
    let reader = hub.token("rea", "push");
    a.set("COMFYDOCK_HUB", hub.url());
    for (token, words) in
        [(&wrong, &["token"][..]), (&expired, &["token"]), (&read, &["team/studio"]), (&reader, &["team/studio"])]
    {
        a.set("COMFYDOCK_TOKEN", token);
        let said = refused(&a, &["push"], words).never_says(token);
        assert!(said.text().contains(&hub.address), "{said}");
        let repositories = hub.data().join("repos").read_dir().map(Iterator::count).unwrap_or_default();
        assert_eq!(repositories, 0, "a push that was refused made a repository");
    }
    for token in [&wrong, &expired] {
        a.set("COMFYDOCK_TOKEN", token);
        refused(&a, &["hub", "whoami"], &["token"]).never_says(token);
        refused(&a, &["hub", "login", &hub.url()], &["token"]).never_says(token);
        refused(&a, &["clone", STUDIO, "--name", "other", "--yes"], &[]).never_says(token);
    }
    a.set("COMFYDOCK_TOKEN", &good);
    a.ok(&["push"]).says("pushed v1");
    a.set("COMFYDOCK_TOKEN", &read);
    a.ok(&["clone", STUDIO, "--name", "other", "--yes"]);
}

#[test]
fn a_login_with_a_wrong_token_keeps_nothing() {
    let hub = Hub::start();
    let b = Machine::new();
    let before = tree::tree(b.root(), &|_| false);
    let token = format!("{}x", hub.token("bob", "push"));
    b.login(&hub.url(), &token).code(1).says("token").never_says(&token);
    b.login(&hub.url(), "").code(1).says("token");
    tree::assert_same(&before, &tree::tree(b.root(), &|_| false), "after logins that were refused");
}

#[test]
fn a_repository_name_cannot_leave_the_hub() {
    let Studio { hub, a, tokens: [token, _], .. } = &Studio::new();
    a.ok(&["remote", "remove", "origin"]);
    for name in ["team/..", "team/../studio", "team/..studio/../x", "team/.git", "te am/studio"] {
        refused(a, &["remote", "add", "origin", name], &[]);
        refused(a, &["clone", name, "--name", "other", "--yes"], &[]);
    }
    // Whoever writes the address by hand meets the hub itself.
    let before = tree::tree(&hub.data().join("repos"), &|_| false);
    for name in
        ["team/...git", "team/..%2fstudio.git", "team/%2e%2e/studio.git", "%2e%2e/studio.git", "team/.hidden.git"]
    {
        let url = format!("{}/{name}", hub.url());
        let header = format!("http.extraHeader=Authorization: Bearer {token}");
        let cec = a.environment("studio").join(".cec");
        let output = crate::support::git::try_git(&cec, &["-c", &header, "push", &url, "main"]);
        assert!(!output.status.success(), "{name}");
    }
    tree::assert_same(&before, &tree::tree(&hub.data().join("repos"), &|_| false), "after pushes to bad names");
}
