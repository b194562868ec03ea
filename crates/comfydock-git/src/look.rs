//! Looking at a repository in somebody's folder without changing a byte of it and without starting
//! anything that its configuration names (decision 79).

use std::path::Path;

use comfydock_core::digest::CommitId;

use crate::program::{Error, Git, without_credentials};

/// What a repository looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The commit it stands at, when it has one.
    pub commit: Option<CommitId>,
    /// The branch it is on.
    pub branch: Option<String>,
    /// The URL of the remote that has the commit, else of its usual one; without credentials, with the
    /// user's `insteadOf` rules applied.
    pub url: Option<String>,
    /// Tracked files with changes, those of submodules included.
    pub modified: Vec<String>,
    /// Whether the commit is on a branch of a remote, as the clone last saw it; none when it cannot
    /// tell, as in a shallow clone or one at a tag.
    pub published: Option<bool>,
    /// Whether there are other commits or stashes that are on no remote.
    pub other_work: bool,
    /// What git does not track, ignored files included; a folder without tracked files is one entry.
    pub untracked: Vec<String>,
}

/// Looks at the repository whose work tree is `folder`; none when it has no repository of its own.
///
/// # Errors
/// When git cannot read it, as when `.git` is a file that names a folder that is gone.
pub fn look(folder: &Path) -> Result<Option<Look>, Error> {
    if folder.join(".git").symlink_metadata().is_err() {
        return Ok(None);
    }
    let reader = Reader::of(folder)?;
    let commit = reader.find_text("rev-parse", &["--verify", "--quiet", "HEAD^{commit}"])?;
    let commit = commit.and_then(|text| CommitId::parse(&text).ok());
    let branch = reader.find_text("symbolic-ref", &["--short", "--quiet", "HEAD"])?;
    let containing = match &commit {
        Some(_) => reader.lines("for-each-ref", &["--contains", "HEAD", "--format=%(refname)", "refs/remotes"])?,
        None => Vec::new(),
    };
    let url = reader.url(&containing)?;
    Ok(Some(Look {
        published: reader.published(commit.as_ref(), &containing)?,
        other_work: commit.is_some() && reader.has_other_work()?,
        modified: reader.modified()?,
        untracked: reader.untracked()?,
        commit,
        branch,
        url,
    }))
}

/// The files below `prefix` that git tracks.
///
/// # Errors
/// When git cannot read the repository.
pub fn tracked_below(folder: &Path, prefix: &str) -> Result<Vec<String>, Error> {
    Reader::of(folder)?.entries("ls-files", &["-z", "--", prefix])
}

/// Runs git on one repository so that it only reads.
struct Reader<'a> {
    folder: &'a Path,
    /// Names of the filters that its attributes may call, which are programs.
    filters: Vec<String>,
}

impl<'a> Reader<'a> {
    fn of(folder: &'a Path) -> Result<Self, Error> {
        let mut reader = Self { folder, filters: Vec::new() };
        let keys = reader.git("config").args(["--name-only", "-z", "--get-regexp", "^filter\\."]).run_with_output()?;
        let keys = String::from_utf8_lossy(&keys.stdout).into_owned();
        let name = |key: &str| Some(key.strip_prefix("filter.")?.rsplit_once('.')?.0.to_owned());
        reader.filters = keys.split('\0').filter_map(name).collect();
        reader.filters.dedup();
        Ok(reader)
    }

    fn git(&self, verb: &str) -> Git {
        let git = Git::new(verb).only_reading().within(self.folder).about(&self.folder.display().to_string());
        self.filters.iter().fold(git, |git, name| {
            // An empty command is no command.
            git.config(&format!("filter.{name}.clean"), "")
                .config(&format!("filter.{name}.smudge"), "")
                .config(&format!("filter.{name}.process"), "")
                .config(&format!("filter.{name}.required"), "false")
        })
    }

    /// What a command prints; none when it says by its exit code that there is nothing.
    fn find_text(&self, verb: &str, arguments: &[&str]) -> Result<Option<String>, Error> {
        let finished = self.git(verb).args(arguments).run_with_output()?;
        let text = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        Ok((finished.success && !text.is_empty()).then_some(text))
    }

    fn lines(&self, verb: &str, arguments: &[&str]) -> Result<Vec<String>, Error> {
        Ok(self.git(verb).args(arguments).text()?.lines().map(str::to_owned).collect())
    }

    fn entries(&self, verb: &str, arguments: &[&str]) -> Result<Vec<String>, Error> {
        let output = self.git(verb).args(arguments).run()?;
        let entries = String::from_utf8_lossy(&output).split('\0').map(str::to_owned).collect::<Vec<_>>();
        Ok(entries.into_iter().filter(|entry| !entry.is_empty()).collect())
    }

    /// The remote that has the commit, `origin` before `upstream` before others; else the usual one.
    fn url(&self, containing: &[String]) -> Result<Option<String>, Error> {
        let mut names = self.lines("remote", &[])?;
        names.sort_by_key(|name| match name.as_str() {
            "origin" => 0,
            "upstream" => 1,
            _ => 2,
        });
        let has = |name: &&String| containing.iter().any(|at| at.starts_with(&format!("refs/remotes/{name}/")));
        let Some(name) = names.iter().find(has).or_else(|| names.first()) else { return Ok(None) };
        let url = self.find_text("remote", &["get-url", "--", name])?;
        Ok(url.map(|url| without_credentials(&url)))
    }

    fn published(&self, commit: Option<&CommitId>, containing: &[String]) -> Result<Option<bool>, Error> {
        if commit.is_none() {
            return Ok(None);
        }
        if !containing.is_empty() {
            return Ok(Some(true));
        }
        let shallow = self.find_text("rev-parse", &["--is-shallow-repository"])?.is_some_and(|text| text == "true");
        let seen = self.lines("for-each-ref", &["--count=1", "--format=%(refname)", "refs/remotes"])?;
        let tags =
            self.lines("for-each-ref", &["--contains", "HEAD", "--count=1", "--format=%(refname)", "refs/tags"])?;
        // A tag may be the remote's or the user's own.
        Ok(if shallow || seen.is_empty() || !tags.is_empty() { None } else { Some(false) })
    }

    fn has_other_work(&self) -> Result<bool, Error> {
        let arguments = ["--max-count=1", "--branches", "--not", "HEAD", "--remotes", "--tags"];
        let commits = self.find_text("rev-list", &arguments)?.is_some();
        Ok(commits || self.find_text("rev-parse", &["--verify", "--quiet", "refs/stash"])?.is_some())
    }

    fn modified(&self) -> Result<Vec<String>, Error> {
        let arguments = ["--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty"];
        let mut modified: Vec<String> =
            self.entries("status", &arguments)?.iter().filter_map(|line| line.get(3..)).map(str::to_owned).collect();
        // Looked at one by one: git's own look into a submodule would start the filters it names.
        if self.folder.join(".gitmodules").is_file() {
            for line in self.entries("ls-files", &["--stage", "-z"])? {
                let Some(path) = line.strip_prefix("160000 ").and_then(|rest| rest.split_once('\t')) else { continue };
                let inner = look(&self.folder.join(path.1))?.unwrap_or_default();
                modified.extend(inner.modified.iter().map(|name| format!("{}/{name}", path.1)));
            }
        }
        Ok(modified)
    }

    fn untracked(&self) -> Result<Vec<String>, Error> {
        let entries = self.entries("ls-files", &["--others", "--directory", "-z"])?;
        Ok(entries.into_iter().map(|path| path.trim_end_matches('/').to_owned()).collect())
    }
}
