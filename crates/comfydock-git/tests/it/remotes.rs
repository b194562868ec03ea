//! Fetching from and pushing to a repository elsewhere.

use std::path::Path;

use comfydock_git::program::Error;
use comfydock_git::remote::{Pushed, Remote, add, fetch, list, push, remove};
use comfydock_git::repository::Repository;

use crate::support::{advance, git, write};

struct Pair {
    _folder: tempfile::TempDir,
    ours: Repository,
    theirs: std::path::PathBuf,
    remote: Remote,
}

fn pair() -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("hub.git");
    git(folder.path(), &["init", "--quiet", "--bare", "hub.git"]);
    let here = folder.path().join("here");
    std::fs::create_dir(&here).unwrap();
    let remote = Remote { name: "origin".to_owned(), url: theirs.display().to_string() };
    Pair { _folder: folder, ours: Repository::init(&here).unwrap(), theirs, remote }
}

impl Pair {
    fn push(&self) -> Result<Pushed, Error> {
        push(self.ours.folder(), &self.remote, None, &[], &[])
    }

    fn tracking(&self) -> Option<String> {
        self.ours.find_ref("refs/remotes/origin/main").unwrap().map(String::from)
    }

    fn there(&self) -> String {
        git(&self.theirs, &["rev-parse", "main"])
    }
}

/// Somebody else's commit on the remote.
fn somebody(theirs: &Path) -> String {
    let tree = git(theirs, &["rev-parse", "main^{tree}"]);
    let commit = git(theirs, &["commit-tree", "-p", "main", "-m", "theirs", &tree]);
    git(theirs, &["update-ref", "refs/heads/main", &commit]);
    commit
}

#[test]
fn remotes_are_added_listed_and_removed() {
    let pair = pair();
    let folder = pair.ours.folder();
    assert_eq!(list(folder).unwrap(), []);
    add(folder, "studio", "https://hub.example/team/studio").unwrap();
    add(folder, "origin", "/srv/x y.git").unwrap();
    let names: Vec<_> = list(folder).unwrap().into_iter().map(|remote| (remote.name, remote.url)).collect();
    let expected = [("origin", "/srv/x y.git"), ("studio", "https://hub.example/team/studio")];
    assert_eq!(names, expected.map(|(name, url)| (name.to_owned(), url.to_owned())));
    assert!(add(folder, "origin", "x").unwrap_err().to_string().contains("already exists"));
    remove(folder, "origin").unwrap();
    assert!(remove(folder, "origin").is_err());
    assert_eq!(list(folder).unwrap().len(), 1);
}

#[test]
fn a_push_says_what_it_came_to() {
    let pair = pair();
    let first = advance(&pair.ours, "1");
    assert_eq!(pair.push().unwrap(), Pushed::New);
    assert_eq!((pair.there(), pair.tracking()), (first.to_string(), Some(first.to_string())));
    assert_eq!(pair.push().unwrap(), Pushed::Nothing);

    let second = advance(&pair.ours, "2");
    let Pushed::From(old) = pair.push().unwrap() else { panic!("it moved on") };
    assert!(old.len() >= 7 && first.as_str().starts_with(&old), "{old}");
    assert_eq!((pair.there(), pair.tracking()), (second.to_string(), Some(second.to_string())));

    let theirs = somebody(&pair.theirs);
    assert_eq!(pair.push().unwrap(), Pushed::Behind, "nothing new here, and more there");
    advance(&pair.ours, "3");
    assert_eq!(pair.push().unwrap(), Pushed::Behind);
    assert_eq!((pair.there(), pair.tracking()), (theirs, Some(second.to_string())));
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let pair = pair();
    advance(&pair.ours, "1");
    write(&pair.theirs, "hooks/pre-receive", "#!/bin/sh\necho 'the lock is missing' >&2\nexit 1\n");
    git(&pair.theirs, &["config", "core.hooksPath", "hooks"]);
    let hook = pair.theirs.join("hooks/pre-receive");
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = pair.push().unwrap_err().to_string();
    assert!(error.contains("the lock is missing"), "{error}");
    assert_eq!(pair.tracking(), None);
    assert_eq!(git(&pair.theirs, &["for-each-ref"]), "");
}

#[test]
fn a_fetch_brings_the_branch_and_touches_nothing_else() {
    let pair = pair();
    let fetch = || fetch(pair.ours.folder(), &pair.remote, None).unwrap().map(String::from);
    assert_eq!(fetch(), None, "an empty repository has no branch");
    let first = advance(&pair.ours, "1");
    pair.push().unwrap();
    let theirs = somebody(&pair.theirs);
    git(&pair.theirs, &["tag", "v1", "main"]);
    git(&pair.theirs, &["branch", "other", "main"]);
    assert_eq!(fetch(), Some(theirs.clone()));
    assert_eq!(pair.tracking(), Some(theirs));
    assert_eq!(pair.ours.head().unwrap(), Some(first.clone()));
    let refs = git(pair.ours.folder(), &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs, "refs/heads/main\nrefs/remotes/origin/main");
    assert!(!pair.ours.folder().join(".git/FETCH_HEAD").exists());

    // A branch that was rewritten there is known as it is now.
    git(&pair.theirs, &["update-ref", "refs/heads/main", first.as_str()]);
    assert_eq!(fetch(), Some(first.to_string()));
    assert_eq!(pair.tracking(), Some(first.to_string()));
}

#[test]
fn what_a_killed_git_left_stops_neither_fetch_nor_push() {
    let pair = pair();
    advance(&pair.ours, "1");
    let inside = pair.ours.folder().join(".git");
    let left = |path: &str| write(&inside, path, "");
    left("refs/remotes/origin/main.lock");
    assert_eq!(pair.push().unwrap(), Pushed::New);
    let theirs = somebody(&pair.theirs);
    git(&pair.theirs, &["update-ref", "refs/comfydock/nodes/pack/1", "main"]);
    left("refs/remotes/origin/main.lock");
    left("refs/comfydock/nodes/pack/1.lock");
    left("index.lock");
    assert_eq!(fetch(pair.ours.folder(), &pair.remote, None).unwrap().map(String::from), Some(theirs));
    assert!(inside.join("index.lock").exists(), "it may be the lock of a git that runs");
}

#[test]
fn damaged_objects_do_not_come_in() {
    let pair = pair();
    advance(&pair.ours, "1");
    pair.push().unwrap();
    // A tree with a file called `.git`, which git itself would not write.
    let blob = git(&pair.theirs, &["rev-parse", "main:pyproject.toml"]);
    let lines = pair.theirs.join("lines");
    std::fs::write(&lines, format!("100644 blob {blob}\t.git\n")).unwrap();
    let tree = git(&pair.theirs, &["-c", "alias.make=!git mktree < lines", "make"]);
    let commit = git(&pair.theirs, &["commit-tree", "-p", "main", "-m", "bad", &tree]);
    git(&pair.theirs, &["update-ref", "refs/heads/main", &commit]);
    let error = fetch(pair.ours.folder(), &pair.remote, None).unwrap_err().to_string();
    assert!(error.contains(".git"), "{error}");
    assert_ne!(pair.tracking(), Some(commit));
}

#[test]
fn a_remote_that_is_not_there_is_named_without_its_password() {
    let pair = pair();
    advance(&pair.ours, "1");
    let remote = Remote { name: "origin".to_owned(), url: "http://me:hunter2@127.0.0.1:1/x.git".to_owned() };
    for error in [
        fetch(pair.ours.folder(), &remote, None).unwrap_err(),
        push(pair.ours.folder(), &remote, None, &[], &[]).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:1/x.git") && !text.contains("hunter2"), "{text}");
    }
}
