//! Fetching and pushing an environment, with the git program.

use std::collections::BTreeMap;
use std::path::Path;

use comfydock_core::digest::CommitId;

use crate::program::{Error, Git, without_credentials};
use crate::refusal::told;
use crate::turn::Turn;

/// A named remote of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name, `origin` by default.
    pub name: String,
    /// Its URL.
    pub url: String,
}

/// How to be let in: sent as a header, to exactly this server.
#[derive(Clone)]
pub struct Credential {
    /// `https://host:port`, without a path.
    pub origin: String,
    /// The header's line, secret.
    pub header: String,
}

fn authorised(git: Git, url: &str, credential: Option<&Credential>) -> Git {
    // A server that redirects could send the credential elsewhere; hubs do not redirect.
    let git = git.about(&without_credentials(url)).config("http.followRedirects", "false");
    match credential {
        Some(credential) => git
            .config("credential.helper", "")
            .config(&format!("http.{}/.extraHeader", credential.origin), &credential.header),
        None => git,
    }
}

/// The remotes of a repository, by name.
///
/// # Errors
/// When git fails.
pub fn list(folder: &Path) -> Result<Vec<Remote>, Error> {
    let output = Git::new("remote").args(["-v"]).within(folder).text()?;
    let mut remotes: Vec<Remote> = output
        .lines()
        .filter_map(|line| line.strip_suffix(" (fetch)"))
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, url)| Remote { name: name.to_owned(), url: url.to_owned() })
        .collect();
    remotes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(remotes)
}

/// Adds a remote.
///
/// # Errors
/// When the name is taken.
pub fn add(folder: &Path, name: &str, url: &str) -> Result<(), Error> {
    Git::new("remote").args(["add", "--", name, url]).within(folder).run().map(|_| ())
}

/// Removes a remote.
///
/// # Errors
/// When there is none of this name.
pub fn remove(folder: &Path, name: &str) -> Result<(), Error> {
    Git::new("remote").args(["remove", "--", name]).within(folder).run().map(|_| ())
}

/// The turn to change what a repository knows of a remote. A git that was killed there would have left a
/// lock that refuses every later fetch.
fn turn(folder: &Path, remote: &Remote) -> Result<Turn, Error> {
    let noted = format!("refs/remotes/{}", remote.name);
    Turn::take_for(&folder.join(".git"), &[&noted, "refs/comfydock/nodes", "objects/pack"])
}

/// Fetches the remote's branch into `refs/remotes/NAME/main` and returns where it stands, or
/// `None` when the remote has no such branch.
///
/// # Errors
/// When the remote cannot be reached or refuses.
pub fn fetch(folder: &Path, remote: &Remote, credential: Option<&Credential>) -> Result<Option<CommitId>, Error> {
    ask(folder, remote, credential).map_err(told)
}

fn ask(folder: &Path, remote: &Remote, credential: Option<&Credential>) -> Result<Option<CommitId>, Error> {
    let tracking = format!("refs/remotes/{}/main", remote.name);
    let listed = authorised(Git::new("ls-remote"), &remote.url, credential)
        .args(["--", &remote.url, "refs/heads/main"])
        .within(folder)
        .text()?;
    let Some((tip, _)) = listed.split_once('\t') else { return Ok(None) };
    let tip = CommitId::parse(tip)
        .map_err(|_| Error::Unexpected { verb: "ls-remote".to_owned(), output: listed.chars().take(80).collect() })?;
    let turn = turn(folder, remote)?;
    authorised(Git::new("fetch"), &remote.url, credential)
        .args([
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--",
            &remote.url,
            &format!("+refs/heads/main:{tracking}"),
            // What travels beside the branch: the source of packs that have no remote.
            "+refs/comfydock/nodes/*:refs/comfydock/nodes/*",
        ])
        .config("fetch.fsckObjects", "true")
        .within(folder)
        .holding(turn.file()?)
        .run()?;
    // Between the two the branch may have moved on; what was fetched is what counts.
    let fetched = Git::new("rev-parse").args(["--verify", "--quiet", &tracking]).within(folder).text()?;
    Ok(Some(CommitId::parse(&fetched).unwrap_or(tip)))
}

/// Where the remote has these references, as far as it has them.
///
/// # Errors
/// When the remote cannot be reached or refuses.
pub fn stand(
    folder: &Path,
    remote: &Remote,
    credential: Option<&Credential>,
    references: &[String],
) -> Result<BTreeMap<String, CommitId>, Error> {
    let listed = authorised(Git::new("ls-remote"), &remote.url, credential)
        .args(["--", &remote.url])
        .args(references)
        .within(folder)
        .text()
        .map_err(told)?;
    let lines = listed.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.filter_map(|(id, name)| Some((name.to_owned(), CommitId::parse(id).ok()?))).collect())
}

/// What a push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote stood there already.
    Nothing,
    /// The remote had no branch and has it now.
    New,
    /// The remote stood at this commit, perhaps shortened, and moved on.
    From(String),
    /// The remote has commits that are not here; nothing was sent.
    Behind,
}

/// Pushes the branch and these references to the remote, with these push options, and notes where the
/// remote now stands.
///
/// # Errors
/// When the remote cannot be reached or refuses, or knows no push options; its words are in the message.
pub fn push(
    folder: &Path,
    remote: &Remote,
    credential: Option<&Credential>,
    references: &[String],
    options: &[String],
) -> Result<Pushed, Error> {
    let options = options.iter().map(|option| format!("--push-option={option}"));
    let outcome = authorised(Git::new("push"), &remote.url, credential)
        .args(["--porcelain", "--no-follow-tags"])
        .args(options)
        .args(["--", &remote.url, "refs/heads/main:refs/heads/main"])
        .args(references.iter().map(|name| format!("{name}:{name}")))
        .within(folder)
        .run_with_output()?;
    let stdout = String::from_utf8_lossy(&outcome.stdout).into_owned();
    // `<flag>\t<from>:<to>\t<summary>`, as git-push(1) describes under --porcelain.
    let line = stdout.lines().find(|line| line.contains("\trefs/heads/main:refs/heads/main\t"));
    let flag = line.and_then(|line| line.chars().next());
    let summary = line.and_then(|line| line.rsplit('\t').next()).unwrap_or_default();
    let pushed = match flag {
        Some('=') => Pushed::Nothing,
        Some('*') => Pushed::New,
        Some(' ') => Pushed::From(summary.split("..").next().unwrap_or_default().to_owned()),
        Some('!') if ["(fetch first)", "(non-fast-forward)"].iter().any(|reason| summary.ends_with(reason)) => {
            return Ok(Pushed::Behind);
        }
        _ => return Err(told(outcome.into_failure())),
    };
    if !outcome.success {
        return Err(told(outcome.into_failure()));
    }
    let tracking = format!("refs/remotes/{}/main", remote.name);
    let turn = turn(folder, remote)?;
    let note = Git::new("update-ref").args([tracking.as_str(), "refs/heads/main"]);
    note.within(folder).holding(turn.file()?).run()?;
    Ok(pushed)
}
