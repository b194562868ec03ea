//! Files on Hugging Face: a repository, a revision, a path.

use std::fmt;

use url::Url;

use super::web::{self, HUGGING_FACE_HOST};
use crate::digest::CommitId;

/// A file at a branch, a tag or a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HuggingFaceFile {
    repository: String,
    revision: String,
    path: String,
}

/// A file at a commit: its bytes never change. Behind a pointer, so that sources stay small.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinnedFile(Box<HuggingFaceFile>);

/// `name`, `owner/name`, or one of these behind `datasets/` or `spaces/`.
fn is_repository(text: &str) -> bool {
    let below = text.strip_prefix("datasets/").or(text.strip_prefix("spaces/")).unwrap_or(text);
    let fine = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let mut parts = below.split('/');
    parts.next().is_some_and(fine) && parts.next().is_none_or(fine) && parts.next().is_none()
}

fn is_path(text: &str) -> bool {
    // Sources are trimmed when they are read.
    text.trim() == text
        && !text.chars().any(char::is_control)
        && text.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..")
}

fn is_revision(text: &str) -> bool {
    !text.is_empty()
        && !text.contains("..")
        && !text.chars().any(|letter| letter.is_control() || letter.is_whitespace())
}

impl HuggingFaceFile {
    /// A file, if the parts are fit for one.
    pub fn new(repository: &str, revision: &str, path: &str) -> Option<Self> {
        (is_repository(repository) && is_revision(revision) && is_path(path)).then(|| Self {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            path: path.to_owned(),
        })
    }

    /// Reads `<owner>/<repository>[@<revision>]/<path>`; without a revision it is `main`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some((repository, rest)) = text.split_once('@') {
            let (revision, path) = rest.split_once('/')?;
            return Self::new(repository, revision, path);
        }
        let (owner, rest) = text.split_once('/')?;
        let (name, path) = rest.split_once('/')?;
        Self::new(&format!("{owner}/{name}"), "main", path)
    }

    /// Reads a URL of the file or of its page.
    pub(super) fn of_url(url: &Url) -> Option<Self> {
        if url.host_str() != Some(HUGGING_FACE_HOST) || url.port().is_some() {
            return None;
        }
        let mut parts = url.path().trim_start_matches('/').splitn(2, "/resolve/");
        let (repository, rest) = (parts.next()?, parts.next()?);
        let (revision, path) = rest.split_once('/')?;
        Self::new(repository, &web::decoded(revision)?, &web::decoded(path)?)
    }

    /// The repository, such as `owner/name`; datasets and spaces with that word in front.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// A branch, a tag or a commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The path in the repository, not escaped.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last part of the path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The file at its commit, if the revision is one.
    pub fn pinned(&self) -> Option<PinnedFile> {
        CommitId::parse(&self.revision).ok().map(|commit| self.at(commit))
    }

    /// The file at this commit.
    pub fn at(&self, commit: CommitId) -> PinnedFile {
        PinnedFile(Box::new(Self { revision: commit.into(), ..self.clone() }))
    }
}

impl PinnedFile {
    pub(super) fn parse(text: &str) -> Option<Self> {
        HuggingFaceFile::parse(text).filter(|_| text.contains('@'))?.pinned()
    }

    /// The commit, 40 digits.
    pub fn commit(&self) -> &str {
        &self.0.revision
    }
}

impl From<PinnedFile> for HuggingFaceFile {
    fn from(file: PinnedFile) -> Self {
        *file.0
    }
}

impl fmt::Display for PinnedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}/{}", self.0.repository, self.0.revision, self.0.path)
    }
}
