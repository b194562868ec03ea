//! The git program as a user runs it, apart from the one under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use comfydock_core::digest::CommitId;
use comfydock_git::repository::{Author, BRANCH, NewFile, Repository};

pub(crate) const SECONDS: i64 = 1_700_000_000;

/// Runs git, which must succeed, and returns what it printed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Commits everything in a folder as a user would.
pub(crate) fn commit(folder: &Path, message: &str) -> CommitId {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", message]);
    head(folder)
}

pub(crate) fn head(folder: &Path) -> CommitId {
    CommitId::parse(&git(folder, &["rev-parse", "HEAD"])).unwrap()
}

/// A project somewhere, with one commit on `main`.
pub(crate) fn project(parent: &Path, name: &str) -> (PathBuf, CommitId) {
    let folder = parent.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    git(&folder, &["init", "--quiet"]);
    write(&folder, "main.py", "print(1)\n");
    write(&folder, "nodes/core.py", "x = 1\n");
    let commit = commit(&folder, "first");
    (folder, commit)
}

pub(crate) fn author() -> Author {
    Author { name: "Ünal".to_owned(), email: "u@example.org".to_owned() }
}

pub(crate) fn files(list: &[(&str, &str)]) -> Vec<NewFile> {
    list.iter().map(|(path, text)| NewFile { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() }).collect()
}

/// Commits one file to an environment and moves the branch there.
pub(crate) fn advance(repository: &Repository, text: &str) -> CommitId {
    let old = repository.head().unwrap();
    let new =
        repository.write_commit(&files(&[("pyproject.toml", text)]), old.as_ref(), text, &author(), SECONDS).unwrap();
    repository.update_ref(BRANCH, old.as_ref(), &new, "commit: test").unwrap();
    new
}
