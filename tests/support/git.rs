//! Git as a user has it, without the user's configuration.

use std::path::Path;
use std::process::{Command, Output};

use super::programs::{bare, succeed};

/// A git command in a folder, with an identity and no configuration but its own.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = bare("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["-c", "init.defaultBranch=main", "-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0");
    command
}

/// Runs git, which must succeed, and returns what it printed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = succeed(&mut command(folder, arguments));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs git, whatever comes of it.
pub(crate) fn try_git(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// Commits everything in a folder at a fixed time and returns the commit.
pub(crate) fn commit(folder: &Path, message: &str, date: &str) -> String {
    git(folder, &["add", "--all", "--force"]);
    let mut committing = command(folder, &["commit", "--quiet", "--message", message]);
    succeed(committing.env("GIT_AUTHOR_DATE", date).env("GIT_COMMITTER_DATE", date));
    git(folder, &["rev-parse", "HEAD"])
}
