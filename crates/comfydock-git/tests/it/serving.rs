//! Repositories on the hub: made, read and served.

use std::path::Path;
use std::process::Command;

use comfydock_git::serve::{Git, Move, Request, Service, find_last_push, find_reference};

use crate::support::{git, project};

fn request<'a>(service: Service, repository: &'a Path, protocol: Option<&'a str>) -> Request<'a> {
    Request {
        service,
        repository,
        advertise: true,
        protocol,
        committer: ("ann", "ann@hub"),
        hooks: Path::new("/nonexistent"),
        pack_limit: 1000,
        extra: &[("SECRET", "s")],
    }
}

#[test]
fn a_new_repository_is_bare_empty_and_on_main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.git");
    Git::find().unwrap().init_bare(&path).unwrap();
    Git::find().unwrap().init_bare(&path).unwrap();
    assert_eq!(git(&path, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(git(&path, &["rev-parse", "--is-bare-repository"]), "true");
    assert!(!path.join("hooks").exists(), "no template's hooks");
    assert_eq!(find_reference(&path, "refs/heads/main").unwrap(), None);
    assert_eq!(find_last_push(&path, "refs/heads/main", "0"), None);
}

#[test]
fn references_are_read_loose_and_packed_and_the_log_tells_who() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    let repository = there.join(".git");
    assert_eq!(find_reference(&repository, "refs/heads/main").unwrap(), Some(first.to_string()));
    git(&there, &["branch", "main2"]);
    git(&there, &["pack-refs", "--all"]);
    assert_eq!(find_reference(&repository, "refs/heads/main").unwrap(), Some(first.to_string()));
    assert_eq!(find_reference(&repository, "refs/heads/mai").unwrap(), None);
    let (name, seconds) = find_last_push(&repository, "refs/heads/main", first.as_str()).unwrap();
    assert_eq!(name, "Ann");
    assert!(seconds > 1_700_000_000);
}

#[test]
fn a_reference_is_moved_only_from_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    git(&there, &["commit", "--allow-empty", "-qm", "second"]);
    let (repository, second) = (there.join(".git"), git(&there, &["rev-parse", "HEAD"]));
    let (main, zero) = ("refs/heads/main", "0".repeat(40));
    let program = Git::find().unwrap();
    let back = Move { reference: main, from: &second, to: first.as_str() };
    program.move_reference(&repository, &back).unwrap();
    assert_eq!(find_reference(&repository, main).unwrap().as_deref(), Some(first.as_str()));
    assert!(program.move_reference(&repository, &back).is_err(), "it is not there any more");
    let (name, _) = find_last_push(&repository, main, first.as_str()).unwrap();
    assert_eq!(name, "Ann", "moving it back was no push");
    program.move_reference(&repository, &Move { reference: main, from: first.as_str(), to: &zero }).unwrap();
    assert_eq!(find_reference(&repository, main).unwrap(), None);
}

#[test]
fn a_service_gets_its_own_environment_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let git = Git::find().unwrap();
    let invocation = git.serve(&request(Service::UploadPack, folder.path(), Some("version=2")));
    let names: Vec<_> = invocation.env.iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    let value = |wanted: &str| {
        invocation.env.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.to_string_lossy().into_owned())
    };
    assert_eq!(value("GIT_PROTOCOL").as_deref(), Some("version=2"));
    assert_eq!(value("GIT_CONFIG_GLOBAL").as_deref(), Some("/dev/null"));
    assert_eq!(value("SECRET").as_deref(), Some("s"));
    assert_ne!(value("HOME"), std::env::var("HOME").ok());
    assert!(names.iter().all(|name| !name.starts_with("CARGO")), "{names:?}");
    let odd = git.serve(&request(Service::UploadPack, folder.path(), Some("version=2\nX=1")));
    assert!(odd.env.iter().all(|(name, _)| name != "GIT_PROTOCOL"));
    assert!(invocation.program.is_absolute());
}

#[test]
fn what_is_served_is_what_the_repository_has() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    for service in [Service::UploadPack, Service::ReceivePack] {
        let invocation = Git::find().unwrap().serve(&request(service, &there.join(".git"), None));
        let output =
            Command::new(&invocation.program).args(&invocation.args).env_clear().envs(invocation.env).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(&format!("{first} ")) && text.contains("refs/heads/main"), "{text}");
        assert_eq!(Service::find(service.name()), Some(service));
    }
    assert_eq!(Service::find("git-upload-archive"), None);
}
