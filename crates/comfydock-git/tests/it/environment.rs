//! What surrounds a run of git: variables, configuration and hooks of others.

use std::process::Command;

use comfydock_git::checkout::inspect;
use comfydock_git::program::{Error, Git};
use comfydock_git::repository::Repository;

use crate::support::{advance, git, head, project, write};

#[test]
fn a_callers_repository_is_never_the_one_meant() {
    let folder = tempfile::tempdir().unwrap();
    let (other, before) = project(folder.path(), "other");
    // This test runs in a process of its own, started as from inside a hook of `other`.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "environment::the_repository_is_the_folders_own"])
        .env("GIT_DIR", other.join(".git"))
        .env("GIT_WORK_TREE", &other)
        .env("GIT_INDEX_FILE", other.join(".git/index"))
        .env("GIT_OBJECT_DIRECTORY", other.join(".git/objects"))
        .env("GIT_CONFIG_PARAMETERS", "'core.bare'='true'")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    assert!(String::from_utf8_lossy(&status.stdout).contains("1 passed"));
    assert_eq!(head(&other), before);
    assert_eq!(git(&other, &["status", "--porcelain"]), "");
}

#[test]
fn the_repository_is_the_folders_own() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let commit = advance(&repository, "1");
    let found = Git::new("rev-parse").args(["main"]).within(folder.path()).text().unwrap();
    assert_eq!(found, commit.as_str());
    assert_eq!(inspect(folder.path()).unwrap().unwrap().commit, Some(commit));
}

#[test]
fn a_repository_around_the_folder_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let (outer, _) = project(folder.path(), "outer");
    std::fs::create_dir(outer.join("inner")).unwrap();
    let error = Git::new("rev-parse").args(["HEAD"]).within(&outer.join("inner")).run().unwrap_err();
    assert!(error.to_string().contains("not a git repository"), "{error}");
}

#[test]
fn hooks_of_a_repository_do_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let (here, _) = project(folder.path(), "here");
    let trace = folder.path().join("ran");
    let hook = here.join(".git/hooks/post-checkout");
    write(&here, ".git/hooks/post-checkout", &format!("#!/bin/sh\ntouch '{}'\n", trace.display()));
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    Git::new("checkout").args(["--quiet", "-b", "side"]).within(&here).run().unwrap();
    assert!(!trace.exists());
    git(&here, &["checkout", "--quiet", "main"]);
    assert!(trace.exists(), "a user's own git runs it");
}

#[test]
fn a_failure_says_what_git_said_and_about_what() {
    let folder = tempfile::tempdir().unwrap();
    let (here, _) = project(folder.path(), "here");
    let error = Git::new("checkout").args(["nope"]).within(&here).about("the pack").run().unwrap_err();
    let Error::Failed { verb, place, message } = &error else { panic!("{error}") };
    assert_eq!((verb.as_str(), place.as_deref()), ("checkout", Some("the pack")));
    assert!(message.contains("nope"), "{message}");
    let quiet = Git::new("rev-parse").args(["--verify", "--quiet", "nope"]).within(&here).run().unwrap_err();
    assert!(quiet.to_string().ends_with("it gave no reason"), "{quiet}");
}
