use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfydock_core::hint::Hint as _;
use comfydock_core::oci::RepositoryName;

use super::{Credentials, Error, Given, Kind, Places, Secret};

fn repository() -> RepositoryName {
    RepositoryName::parse("team/studio").unwrap()
}

fn find(host: &str, places: &Places) -> Result<Credentials, Error> {
    Credentials::find(host, &repository(), None, None, places)
}

fn user(user: &str, password: &str) -> Kind {
    Kind::Password { user: user.to_owned(), password: Secret::new(password) }
}

/// Places below a folder: docker's, podman's, and `bin` for helpers.
fn places(folder: &Path) -> Places {
    for below in ["docker", "run/containers", "bin"] {
        fs::create_dir_all(folder.join(below)).unwrap();
    }
    Places {
        auth_file: Some(folder.join("auth.json")),
        docker: Some(folder.join("docker")),
        runtime: Some(folder.join("run")),
        // What the helpers of these tests are written with is found as well.
        path: Some(format!("{}:/usr/bin:/bin", folder.join("bin").display()).into()),
        ..Places::default()
    }
}

fn auths(pairs: &[(&str, &str)]) -> String {
    let entries: Vec<String> =
        pairs.iter().map(|(key, words)| format!(r#""{key}":{{"auth":"{}"}}"#, STANDARD.encode(words))).collect();
    format!(r#"{{"auths":{{{}}}}}"#, entries.join(","))
}

fn helper(folder: &Path, name: &str, script: &str) {
    let path = folder.join("bin").join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_first_place_that_has_any_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let mut places = places(folder.path());
    let by_hand = Given::Password { user: "hand".to_owned(), password: Secret::new("p") };
    let hub = Given::Token(Secret::new("hub"));
    let all = |places: &Places, hand: bool| {
        let by_hand = hand.then(|| by_hand.clone());
        Credentials::find("ghcr.io", &repository(), by_hand, Some(hub.clone()), places).unwrap().kind
    };
    assert_eq!(all(&places, false), user("token", "hub"));
    fs::write(folder.path().join("run/containers/auth.json"), auths(&[("ghcr.io", "podman:p")])).unwrap();
    assert_eq!(all(&places, false), user("podman", "p"));
    fs::write(folder.path().join("docker/config.json"), auths(&[("https://ghcr.io", "docker:p:q")])).unwrap();
    assert_eq!(all(&places, false), user("docker", "p:q"));
    fs::write(folder.path().join("auth.json"), auths(&[("ghcr.io", "file:p")])).unwrap();
    assert_eq!(all(&places, false), user("file", "p"));
    places.token = Some(Secret::new("variable"));
    assert_eq!(all(&places, false), user("token", "variable"));
    assert_eq!(all(&places, true), user("hand", "p"));
    places.token_host = Some("GHCR.io".to_owned());
    assert_eq!(all(&places, false), user("token", "variable"));
    places.token_host = Some("quay.io".to_owned());
    assert_eq!(all(&places, false), user("file", "p"), "a token for one host goes to no other");
    assert!(!find("example.org", &places).unwrap().are_known());
}

#[test]
fn keys_are_those_of_docker_and_podman() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    let path = folder.path().join("auth.json");
    for (keys, host, found) in [
        (vec![("ghcr.io", "a:p")], "ghcr.io", Some("a")),
        (vec![("GHCR.IO/", "a:p")], "ghcr.io", Some("a")),
        (vec![("https://ghcr.io/v2/", "a:p")], "ghcr.io", Some("a")),
        (vec![("ghcr.io:443", "a:p")], "ghcr.io", None),
        (vec![("evil-ghcr.io", "a:p"), ("ghcr.io.example", "b:p")], "ghcr.io", None),
        (vec![("ghcr.io", "a:p"), ("ghcr.io/team", "b:p"), ("ghcr.io/team/studio", "c:p")], "ghcr.io", Some("c")),
        (vec![("ghcr.io", "a:p"), ("ghcr.io/team", "b:p"), ("ghcr.io/team/other", "c:p")], "ghcr.io", Some("b")),
        (vec![("ghcr.io/te", "a:p")], "ghcr.io", None),
        (vec![("https://index.docker.io/v1/", "a:p")], "docker.io", Some("a")),
        (vec![("localhost:5000", "a:p")], "localhost:5000", Some("a")),
    ] {
        fs::write(&path, auths(&keys)).unwrap();
        let kind = find(host, &places).unwrap().kind;
        assert_eq!(kind, found.map_or(Kind::Nobody, |name| user(name, "p")), "{keys:?}");
    }
}

#[test]
fn entries_have_several_forms() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    for (entry, kind) in [
        (r#"{"username":"a","password":"p"}"#, user("a", "p")),
        (r#"{"auth":"YTpwAAA="}"#, user("a", "p")),
        (r#"{"auth":"YTpw"}"#, user("a", "p")),
        (r#"{"auth":"","identitytoken":"t"}"#, Kind::Identity(Secret::new("t"))),
        (r#"{"registrytoken":"t"}"#, Kind::Bearer(Secret::new("t"))),
        (r#"{"email":"me@example.org"}"#, Kind::Nobody),
        ("{}", Kind::Nobody),
    ] {
        fs::write(folder.path().join("auth.json"), format!(r#"{{"auths":{{"ghcr.io":{entry}}}}}"#)).unwrap();
        assert_eq!(find("ghcr.io", &places).unwrap().kind, kind, "{entry}");
    }
}

#[test]
fn damaged_files_are_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    for text in [
        r#"{"auths":{"ghcr.io":"hunter2"}}"#,
        r#"{"auths":{"ghcr.io":{"auth":"hunter2"}}}"#,
        r#"{"auths":{"ghcr.io":{"auth":"aHVudGVyMg=="}}}"#,
        r#"{"auths":"hunter2"#,
        r#"{"credsStore":{"hunter2":1}}"#,
    ] {
        fs::write(folder.path().join("auth.json"), text).unwrap();
        let error = find("ghcr.io", &places).unwrap_err();
        let said = format!("{error} {error:?} {:?}", error.hint());
        assert!(said.contains("auth.json") && !said.contains("hunter2"), "{said}");
    }
    fs::write(folder.path().join("auth.json"), "\n").unwrap();
    assert!(!find("ghcr.io", &places).unwrap().are_known());
}

#[test]
fn helpers_are_asked_with_the_host_on_their_input() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    let config = folder.path().join("auth.json");
    let said = folder.path().join("said");
    let script = format!(
        r#"read -r host || true; printf '%s %s' "$*" "$host" > {}; printf '{{"ServerURL":"%s","Username":"a","Secret":"p"}}' "$host""#,
        said.display()
    );
    helper(folder.path(), "one", &script);
    fs::write(&config, r#"{"credHelpers":{"ghcr.io":"one"},"credsStore":"other","auths":{"ghcr.io":{}}}"#).unwrap();
    assert_eq!(find("ghcr.io", &places).unwrap().kind, user("a", "p"));
    assert_eq!(fs::read_to_string(&said).unwrap(), "get ghcr.io");
    fs::write(&config, r#"{"credsStore":"one"}"#).unwrap();
    find("docker.io", &places).unwrap();
    assert_eq!(fs::read_to_string(&said).unwrap(), "get https://index.docker.io/v1/");

    helper(folder.path(), "token", r#"printf '{"Username":"<token>","Secret":"t"}'"#);
    fs::write(&config, r#"{"credsStore":"token"}"#).unwrap();
    assert_eq!(find("ghcr.io", &places).unwrap().kind, Kind::Identity(Secret::new("t")));

    // One that knows nothing, and one that is not there, leave it to what the file says itself.
    helper(folder.path(), "empty", "echo credentials not found in native keychain; exit 1");
    for name in ["empty", "missing"] {
        let inline = auths(&[("ghcr.io", "b:p")]).replacen('{', &format!(r#"{{"credsStore":"{name}","#), 1);
        fs::write(&config, inline).unwrap();
        let found = find("ghcr.io", &places).unwrap();
        assert_eq!(found.kind, user("b", "p"), "{name}");
        let noted = found.notes.iter().any(|note| note.contains("docker-credential-missing"));
        assert_eq!(noted, name == "missing");
    }
}

#[test]
fn helpers_that_are_odd_are_an_error_and_what_they_say_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    for (number, script) in
        ["echo hunter2; exit 1", "echo hunter2", "printf '{\"Username\":1}'", "head -c 100000 /dev/zero"]
            .iter()
            .enumerate()
    {
        let name = format!("odd{number}");
        helper(folder.path(), &name, script);
        fs::write(folder.path().join("auth.json"), format!(r#"{{"credsStore":"{name}"}}"#)).unwrap();
        let error = find("ghcr.io", &places).unwrap_err();
        let said = format!("{error} {error:?} {:?}", error.hint());
        assert!(matches!(error, Error::Helper { .. }) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_helper_that_could_be_something_else_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    let mark = folder.path().join("ran");
    // Each of these would run something, if it were not refused.
    fs::create_dir_all(folder.path().join("bin/docker-credential-x")).unwrap();
    let evil = folder.path().join("bin/docker-credential-x/evil");
    fs::write(&evil, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["x/evil", "/bin/sh", "../x", "x;touch", "x y", "x$(y)", "-x", ".x", "x\\ny", "ü", "x|y"] {
        fs::write(folder.path().join("auth.json"), format!(r#"{{"credsStore":"{name}"}}"#).replace("\\n", "\\u000a"))
            .unwrap();
        let error = find("ghcr.io", &places).unwrap_err();
        assert!(matches!(error, Error::Name { .. } | Error::File { .. }), "{name}: {error}");
        assert!(matches!(error, Error::Name { .. }), "{name}: {error}");
    }
    assert!(!mark.exists());
}

#[test]
fn nothing_shows_a_secret() {
    let given = Given::Token(Secret::new("hunter2"));
    let found = Credentials::find("ghcr.io", &repository(), Some(given.clone()), None, &Places::default()).unwrap();
    let places = Places { token: Some(Secret::new("hunter2")), ..Places::default() };
    let shown = format!("{given:?} {found:?} {places:?} {:?}", found.kind);
    assert!(!shown.contains("hunter2") && shown.contains("Secret(…)"), "{shown}");
}
