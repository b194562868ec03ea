//! Where the token goes: to the hub, and nowhere else.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use super::refused;
use crate::support::{Fault, Hub, Machine, ModelServer, STUDIO, Said, Studio, templates, tree};

/// Runs a command while looking at every process's arguments.
fn watched(machine: &Machine, arguments: &[&str]) -> (Said, BTreeSet<String>) {
    let running = machine.spawn(arguments);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    let bytes = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
                    seen.insert(String::from_utf8_lossy(&bytes).replace('\0', " "));
                }
            }
            seen
        });
        let said = running.end();
        done.store(true, Ordering::Relaxed);
        (said, watcher.join().unwrap())
    })
}

#[test]
fn the_token_is_kept_in_one_file_and_shown_nowhere() {
    let studio = Studio::new();
    let Studio { hub, server, a, b, tokens, .. } = &studio;
    let model = studio.share("portrait", &templates::old("default"), 50_000).remove(0);
    a.ok(&["commit", "-m", "A portrait", "--yes"]);
    let (said, pushing) = watched(a, &["-v", "push"]);
    said.ok().says("pushed v2").never_says(&tokens[0]);
    let (said, cloning) = watched(b, &["-v", "clone", STUDIO, "--models-dir", b.models().to_str().unwrap(), "--yes"]);
    said.ok().never_says(&tokens[1]);
    for (processes, verb) in [(&pushing, "git push"), (&cloning, "git fetch")] {
        assert!(processes.iter().any(|line| line.starts_with(verb)), "nothing was seen of `{verb}`: {processes:?}");
        assert!(
            processes.iter().all(|line| tokens.iter().all(|token| !line.contains(token.as_str()))),
            "{processes:?}"
        );
    }
    for (machine, token) in [(a, &tokens[0]), (b, &tokens[1])] {
        let kept = machine.home().join(".config/comfydock/credentials.toml");
        assert_eq!(tree::files_with(machine.root(), token), std::slice::from_ref(&kept));
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(tree::files_with(&hub.data(), token), Vec::<std::path::PathBuf>::new());
        assert!(!hub.log().contains(token.as_str()));
        machine.run(&["remote", "list"]).never_says(token);
    }
    assert_eq!(server.requests(&model.path()).len(), 1);
    assert_bare(server);
}

/// No request carried anything that lets somebody in.
fn assert_bare(server: &ModelServer) {
    for request in server.log() {
        let secret = ["authorization", "cookie", "proxy-authorization", "x-api-key"];
        assert!(secret.iter().all(|name| !request.headers.contains_key(*name)), "{request:?}");
        assert!(request.headers.values().all(|value| !value.contains("cdk_")), "{request:?}");
    }
}

#[test]
fn a_redirect_takes_no_credential_along() {
    let studio = Studio::new();
    let Studio { b, server: first, .. } = &studio;
    let second = ModelServer::start();
    let model = studio.send_portrait(50_000);
    second.put("moved", std::fs::read(studio.a.models().join(model.path())).unwrap());
    let elsewhere = second.address.replace("127.0.0.1", "localhost");
    first.fail(&model.path(), Fault::Redirect(format!("http://{elsewhere}/moved")));
    let said = studio.clone().code(1);
    said.line(&["missing", &model.name, "portrait", &format!("--allow-host {elsewhere}")]);
    assert!(second.log().is_empty(), "a host nobody consented to was asked: {:?}", second.log());
    b.ok(&["models", "download", "--missing", "--allow-host", &elsewhere]).line(&["downloaded", &model.name]);
    assert_eq!(second.requests("moved").len(), 1);
    assert_bare(first);
    assert_bare(&second);
}

#[test]
fn a_hub_that_redirects_is_not_followed() {
    let (hub, first, second) = (Hub::start(), ModelServer::start(), ModelServer::start());
    let mut b = Machine::new();
    b.init();
    let there = |path: &str| format!("http://{}/{path}", second.address.replace("127.0.0.1", "localhost"));
    let refs = format!("{STUDIO}.git/info/refs?service=git-upload-pack");
    first.fail(&refs, Fault::Redirect(there(&refs)));
    first.fail("api/v1/whoami", Fault::Redirect(there("api/v1/whoami")));
    b.set("COMFYDOCK_HUB", format!("http://{}", first.address));
    b.set("COMFYDOCK_TOKEN", hub.token("bob", "push"));
    refused(&b, &["clone", STUDIO, "--yes"], &["302", &first.address]);
    refused(&b, &["hub", "login", &format!("http://{}", first.address)], &["redirect"]);
    assert_eq!((first.log().len(), second.log().len()), (2, 0));
}
