//! Other people's repositories: ComfyUI, node packs, and the mirrors they are checked out from.

use std::path::{Path, PathBuf};

use comfydock_core::digest::CommitId;

use crate::objects::Objects;
use crate::program::{Error, Git, without_credentials};
use crate::submodules;
use crate::turn::Turn;

/// What a repository in somebody's folder looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutState {
    /// The commit it stands at, when it has one.
    pub commit: Option<CommitId>,
    /// The URL of its remote, with the user's `insteadOf` rules applied.
    pub url: Option<String>,
    /// Tracked files with changes, relative to the folder.
    pub modified: Vec<String>,
}

/// Whether a checkout holds commits or stashes that are nowhere else: on a local branch, and on no
/// remote's branch, tag, or at `known`.
///
/// # Errors
/// When git cannot be started.
pub fn has_own_work(folder: &Path, known: Option<&CommitId>) -> Result<bool, Error> {
    let list = Git::new("rev-list").args(["--max-count=1", "HEAD", "--branches", "--not", "--remotes", "--tags"]);
    let list = match known {
        Some(known) => list.args([known.as_str()]),
        None => list,
    };
    let commits = match list.within(folder).text() {
        Ok(text) => !text.is_empty(),
        // What cannot be told is taken as somebody's work.
        Err(Error::Failed { .. }) => true,
        Err(error) => return Err(error),
    };
    Ok(commits || find_commit(folder, "refs/stash")?.is_some())
}

/// A commit, and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The commit.
    pub commit: CommitId,
    /// The ref that was asked for, or the branch or tag that was taken for want of one.
    pub requested: String,
}

/// Looks at a checkout. `None` when the folder has no repository of its own.
///
/// # Errors
/// When git fails on it.
pub fn inspect(folder: &Path) -> Result<Option<CheckoutState>, Error> {
    if !folder.join(".git").exists() {
        return Ok(None);
    }
    let about = folder.display().to_string();
    let status = Git::new("status")
        .args(["--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=none"])
        .within(folder)
        .about(&about)
        .run()?;
    let modified =
        String::from_utf8_lossy(&status).split('\0').filter_map(|line| line.get(3..)).map(str::to_owned).collect();
    let head = find_commit(folder, "HEAD")?;
    let remotes = Git::new("remote").within(folder).about(&about).text()?;
    let names: Vec<&str> = remotes.lines().collect();
    let chosen =
        ["origin", "upstream"].into_iter().find(|name| names.contains(name)).or_else(|| names.first().copied());
    let url = match chosen {
        Some(name) => Some(Git::new("remote").args(["get-url", "--", name]).within(folder).about(&about).text()?),
        None => None,
    };
    Ok(Some(CheckoutState { commit: head, url, modified }))
}

/// A file of a commit; none when the commit has no file of this path.
///
/// # Errors
/// When git cannot be started.
pub fn find_file(folder: &Path, commit: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Error> {
    match Git::new("cat-file").args(["blob", &format!("{commit}:{path}")]).within(folder).run() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Error::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The branch a checkout is on, if it is on one.
///
/// # Errors
/// When git cannot be started.
pub fn branch(folder: &Path) -> Result<Option<String>, Error> {
    match Git::new("symbolic-ref").args(["--quiet", "--short", "HEAD"]).within(folder).text() {
        Ok(name) => Ok(Some(name).filter(|name| !name.is_empty())),
        Err(Error::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The commit a revision means in a repository.
///
/// # Errors
/// When git cannot be started.
pub fn find_commit(folder: &Path, revision: &str) -> Result<Option<CommitId>, Error> {
    let output = Git::new("rev-parse")
        .args(["--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])
        .within(folder)
        .text();
    match output {
        Ok(text) => Ok(CommitId::parse(&text).ok()),
        Err(Error::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The objects of a checkout or of a bare repository.
///
/// # Errors
/// When git fails on it, or its objects cannot be read.
pub fn objects(folder: &Path) -> Result<Objects, crate::repository::Error> {
    let place = Git::new("rev-parse").args(["--git-path", "objects"]).within(folder).text()?;
    Ok(Objects::open(&[folder.join(place)])?)
}

/// Committer time of a commit in seconds since the epoch.
///
/// # Errors
/// When the commit is not there.
pub fn commit_seconds(folder: &Path, commit: &CommitId) -> Result<i64, Error> {
    let text = Git::new("show").args(["--no-patch", "--format=%ct", commit.as_str()]).within(folder).text()?;
    text.parse().map_err(|_| Error::Unexpected { verb: "show".to_owned(), output: text.chars().take(80).collect() })
}

/// A bare mirror of somebody's repository in the workspace's cache.
pub struct Mirror {
    folder: PathBuf,
    url: String,
}

impl Mirror {
    /// The mirror of `url` below `cache`; made when it is first needed.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(cache: &Path, url: &str) -> Result<Self, Error> {
        let folder = Self::place(cache, url);
        // The last that git makes of a repository: a HEAD alone may be what a killed one left.
        if !folder.join("objects").exists() {
            std::fs::create_dir_all(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
            let turn = Turn::take(&folder)?;
            Git::new("init")
                .args(["--quiet", "--bare", "--template=", "--"])
                .args([&folder])
                .holding(turn.file()?)
                .run()?;
        }
        Ok(Self { folder, url: url.to_owned() })
    }

    /// Where the mirror of `url` lies below `cache`, made or not.
    pub fn place(cache: &Path, url: &str) -> PathBuf {
        cache.join(format!("{}.git", mirror_key(url)))
    }

    /// The mirror's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Brings branches and tags up to date.
    ///
    /// # Errors
    /// When the repository cannot be reached.
    pub fn update(&self) -> Result<(), Error> {
        let turn = Turn::take(&self.folder)?;
        Git::new("fetch")
            .args([
                "--quiet",
                "--force",
                "--prune",
                "--no-write-fetch-head",
                "--",
                &self.url,
                "+refs/heads/*:refs/heads/*",
                "+refs/tags/*:refs/tags/*",
            ])
            .within(&self.folder)
            .holding(turn.file()?)
            .about(&without_credentials(&self.url))
            .run()?;
        // The remote's HEAD names its default branch; without it the mirror's own would dangle.
        let head = Git::new("ls-remote")
            .args(["--symref", "--", &self.url, "HEAD"])
            .within(&self.folder)
            .about(&without_credentials(&self.url))
            .text()?;
        if let Some(branch) = head.lines().find_map(|line| line.strip_prefix("ref: ")?.split('\t').next()) {
            Git::new("symbolic-ref").args(["HEAD", branch]).within(&self.folder).holding(turn.file()?).run()?;
        }
        Ok(())
    }

    /// Whether a commit is in the mirror.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn has(&self, commit: &CommitId) -> Result<bool, Error> {
        Ok(find_commit(&self.folder, commit.as_str())?.is_some())
    }

    /// Makes sure a commit is in the mirror; fetches only when it is not.
    ///
    /// # Errors
    /// When the repository cannot be reached or does not have the commit.
    pub fn ensure(&self, commit: &CommitId) -> Result<(), Error> {
        if self.has(commit)? {
            return Ok(());
        }
        self.update()?;
        if self.has(commit)? {
            return Ok(());
        }
        // A commit on no branch can still be had by name from most servers.
        let turn = Turn::take(&self.folder)?;
        Git::new("fetch")
            .args(["--quiet", "--no-write-fetch-head", "--", &self.url, &format!("+{commit}:refs/comfydock/{commit}")])
            .within(&self.folder)
            .holding(turn.file()?)
            .about(&without_credentials(&self.url))
            .run()
            .map(|_| ())
    }

    /// Whether the repository had a commit on a branch or tag when it was last asked.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn has_published(&self, commit: &CommitId) -> Result<bool, Error> {
        let refs = Git::new("for-each-ref")
            .args(["--contains", commit.as_str(), "--count=1", "refs/heads", "refs/tags"])
            .within(&self.folder)
            .text();
        match refs {
            Ok(text) => Ok(!text.is_empty()),
            Err(Error::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks the repository whether it has a commit on a branch or tag.
    ///
    /// # Errors
    /// When the repository cannot be reached.
    pub fn remote_has(&self, commit: &CommitId) -> Result<bool, Error> {
        self.update()?;
        self.has_published(commit)
    }

    /// Which commit a ref means; without one, the newest release tag or else the default branch.
    ///
    /// # Errors
    /// When there is no such ref.
    pub fn resolve(&self, reference: Option<&str>, prefer_tag: bool) -> Result<Resolved, Error> {
        let requested = match reference {
            Some(reference) => reference.to_owned(),
            None => match if prefer_tag { self.newest_release()? } else { None } {
                Some(tag) => tag,
                None => Git::new("symbolic-ref").args(["--short", "HEAD"]).within(&self.folder).text()?,
            },
        };
        let commit = find_commit(&self.folder, &requested)?.ok_or_else(|| Error::Failed {
            verb: "rev-parse".to_owned(),
            place: Some(without_credentials(&self.url)),
            message: format!("there is no branch, tag or commit `{requested}`"),
        })?;
        Ok(Resolved { commit, requested })
    }

    /// All tags.
    ///
    /// # Errors
    /// When git fails on the mirror.
    pub fn tags(&self) -> Result<Vec<String>, Error> {
        self.tag_lines(&[])
    }

    /// The tags of a commit.
    ///
    /// # Errors
    /// When git fails on the mirror.
    pub fn tags_at(&self, commit: &CommitId) -> Result<Vec<String>, Error> {
        self.tag_lines(&["--points-at", commit.as_str()])
    }

    fn tag_lines(&self, arguments: &[&str]) -> Result<Vec<String>, Error> {
        let list = Git::new("for-each-ref").args(["--format=%(refname:short)"]).args(arguments).args(["refs/tags"]);
        Ok(list.within(&self.folder).text()?.lines().map(str::to_owned).collect())
    }

    /// The highest tag that is a plain version.
    fn newest_release(&self) -> Result<Option<String>, Error> {
        let tags = self.tags()?;
        let version = |tag: &str| -> Option<Vec<u64>> {
            tag.strip_prefix('v').unwrap_or(tag).split('.').map(|part| part.parse().ok()).collect()
        };
        Ok(tags.into_iter().filter_map(|tag| Some((version(&tag)?, tag))).max().map(|(_, tag)| tag))
    }

    /// Checks a commit out into a new folder that is a repository of its own, with the real URL as
    /// its `origin`.
    ///
    /// # Errors
    /// When the folder exists, the commit is missing, or a submodule cannot be fetched or may not be asked for.
    pub fn check_out(&self, commit: &CommitId, folder: &Path) -> Result<(), Error> {
        let about = without_credentials(&self.url);
        Git::new("clone")
            .args(["--quiet", "--no-checkout", "--template=", "--"])
            .args([&self.folder, folder])
            .about(&about)
            .run()?;
        Git::new("remote").args(["set-url", "origin", "--", &self.url]).within(folder).about(&about).run()?;
        Git::new("checkout").args(["--quiet", "--detach", commit.as_str()]).within(folder).about(&about).run()?;
        submodules::fetch(folder, &self.url)
    }
}

/// The name of a repository's mirror: two spellings of one URL share it, and it can be read.
fn mirror_key(url: &str) -> String {
    let clean = without_credentials(url);
    let trimmed = clean.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    let name: String = trimmed
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'))
        .collect();
    // FNV-1a: stable over versions of this program, and no secret hangs on it.
    let hash = trimmed
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{name}-{hash:016x}")
}

/// Files in a checkout that git does not track, ignored ones included; folders that hold no
/// tracked file are one entry.
///
/// # Errors
/// When git fails on it.
pub fn untracked(folder: &Path) -> Result<Vec<String>, Error> {
    let output = Git::new("ls-files").args(["--others", "--directory", "-z"]).within(folder).run()?;
    Ok(String::from_utf8_lossy(&output)
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(|path| path.trim_end_matches('/').to_owned())
        .collect())
}

/// The paths of the files that a checkout tracks.
///
/// # Errors
/// When git fails on it.
pub fn tracked(folder: &Path) -> Result<Vec<String>, Error> {
    let output = Git::new("ls-files").args(["--cached", "-z"]).within(folder).run()?;
    Ok(String::from_utf8_lossy(&output).split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The tracked entries at the top of a checkout.
///
/// # Errors
/// When git fails on it.
pub fn top_level(folder: &Path) -> Result<Vec<String>, Error> {
    let output = Git::new("ls-tree").args(["--name-only", "-z", "HEAD"]).within(folder).run()?;
    Ok(String::from_utf8_lossy(&output).split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The commit a checkout stands at, read from its files where that is enough.
///
/// # Errors
/// When git cannot be started.
pub fn find_head(folder: &Path) -> Result<Option<CommitId>, Error> {
    let detached =
        std::fs::read_to_string(folder.join(".git/HEAD")).ok().and_then(|text| CommitId::parse(text.trim()).ok());
    match detached {
        Some(commit) => Ok(Some(commit)),
        None if folder.join(".git").exists() => find_commit(folder, "HEAD"),
        None => Ok(None),
    }
}
