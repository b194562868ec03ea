//! The command line.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Hub, text};

#[test]
fn the_first_start_keeps_the_admins_token_to_itself() {
    let mut hub = Hub::start();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(hub.data()), 0o700);
    assert_eq!(mode(&hub.data().join("admin-token")), 0o600);
    let token = hub.admin_token();
    assert!(token.starts_with("cdk_") && token.len() == 74);
    assert_eq!(hub.get(&token, "/api/v1/whoami").json()["admin"], true);
    assert!(!hub.stop().contains(&token));
    hub.begin();
    assert_eq!(hub.admin_token(), token, "a second start makes no second admin");
}

#[test]
fn names_are_shared_and_checked() {
    let hub = Hub::with_team();
    for (arguments, complaint) in [
        (["team", "add", "ANN"].as_slice(), "the name `ANN` is taken"),
        (&["user", "add", "Studio"], "the name `Studio` is taken"),
        (&["user", "add", "api"], "the hub keeps this name for itself"),
        (&["user", "add", "Operator"], "the hub keeps this name for itself"),
        (&["user", "add", "a..b"], "`..` is not allowed"),
        (&["token", "create", "nobody"], "there is no user `nobody`"),
        (&["token", "create", "studio"], "there is no user `studio`"),
        (&["token", "create", "ann", "--expires", "0"], "expired from the start"),
        (&["token", "revoke", "99"], "there is no token 99"),
        (&["team", "member", "studio", "nobody"], "there is no user `nobody`"),
    ] {
        let output = hub.try_run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text(&output.stderr).contains(complaint), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn tokens_are_said_once_and_listed_without_their_text() {
    let hub = Hub::with_team();
    let token = hub.run(&["token", "create", "ann", "--scope", "read", "--expires", "30", "--name", "laptop"]);
    assert!(token.starts_with("cdk_") && !token.contains(char::is_whitespace));
    hub.get(&token, "/api/v1/whoami");
    let list = hub.run(&["token", "list", "ann"]);
    assert!(list.contains("laptop") && list.contains("read") && !list.contains(&token), "{list}");
    let stored: i64 = hub
        .database()
        .query_row("SELECT count(*) FROM tokens WHERE last_used_at IS NOT NULL AND expires_at > 0", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(stored, 1);
    let users = hub.run(&["user", "list"]);
    assert_eq!(users.lines().count(), 5, "{users}");
}

#[test]
fn one_folder_has_one_hub_and_must_be_given() {
    let hub = Hub::start();
    let second = hub.try_run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    assert!(text(&second.stderr).contains("another hub already serves"), "{}", text(&second.stderr));
    let bare = std::process::Command::new(env!("CARGO_BIN_EXE_comfydock-hub"))
        .env_remove("COMFYDOCK_HUB_DATA")
        .args(["user", "list"])
        .output()
        .unwrap();
    assert_eq!(bare.status.code(), Some(2));
    assert!(text(&bare.stderr).contains("--data DIR"), "{}", text(&bare.stderr));
    // A slip in the name makes no second hub, whose users the first would not know.
    let elsewhere = hub.scratch("comfydok");
    for command in [&["user", "add", "ann"][..], &["token", "list"], &["audit"], &["environment", "list"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_comfydock-hub"))
            .arg("--data")
            .arg(&elsewhere)
            .args(command)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let said = text(&output.stderr);
        assert!(said.contains("there is no hub in") && said.contains("comfydock-hub serve"), "{said}");
    }
    assert!(!elsewhere.exists());
}
