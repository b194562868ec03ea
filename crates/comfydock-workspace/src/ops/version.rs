//! Which commit of an environment somebody means: `v3`, a commit's hash, `HEAD`, `HEAD~2`.

use std::fmt;

use comfydock_core::digest::CommitId;
use comfydock_git::repository::{Repository, SHORTEST_PREFIX};

use crate::Error;

/// Digits of a hash that are shown.
const SHOWN: usize = 12;
/// Of commits that could be meant so many are named.
const MOST_NAMED: usize = 8;

/// A commit, and the number it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// N of `vN`; none for a commit beside the line that is counted: one that came in by a merge, a
    /// backup, or one that nothing leads to any more.
    pub number: Option<usize>,
    /// The commit.
    pub commit: CommitId,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(formatter, "v{number}"),
            None => formatter.write_str(self.commit.short(SHOWN)),
        }
    }
}

/// Finds the version that a text means in an environment's history.
///
/// A hash may be that of any commit in the repository, so that a backup or the other side of a merge
/// can be named too.
///
/// # Errors
/// When there is no such version, several could be meant, or the history cannot be read.
pub fn resolve(repository: &Repository, text: &str) -> Result<Version, Error> {
    let Some(head) = repository.head()? else {
        return Err(Error::refused("there is no version yet", "`comfydock commit` makes the first one"));
    };
    let line: Vec<CommitId> =
        repository.versions(&head, usize::MAX)?.into_iter().map(|version| version.commit).collect();
    let numbered = |steps: usize| {
        line.get(steps).map(|commit| Version { number: Some(line.len() - steps), commit: commit.clone() })
    };
    let newest = line.len();
    if let Some(number) = text.strip_prefix('v').and_then(number) {
        let steps = number.checked_sub(1).and_then(|before| newest.checked_sub(before + 1));
        return steps.and_then(numbered).ok_or_else(|| unknown(format!("there is no version {text}"), newest));
    }
    if let Some(steps) = steps_back(text) {
        return numbered(steps)
            .ok_or_else(|| unknown(format!("{text} would be before the first version: HEAD is v{newest}"), newest));
    }
    let found = repository.find_commits(text)?;
    match found.as_slice() {
        [commit] => Ok(line
            .iter()
            .position(|version| version == commit)
            .and_then(numbered)
            .unwrap_or_else(|| Version { number: None, commit: commit.clone() })),
        [] => Err(no_version(text, newest)),
        several => Err(Error::Refused {
            message: format!("`{text}` is the start of {} commits", several.len()),
            details: several.iter().take(MOST_NAMED).map(|commit| commit.short(SHOWN).to_owned()).collect(),
            hint: Some("give more digits".to_owned()),
        }),
    }
}

/// How many steps before the newest version `HEAD`, `HEAD~` or `HEAD~3` is.
fn steps_back(text: &str) -> Option<usize> {
    match text.strip_prefix("HEAD")? {
        "" => Some(0),
        "~" => Some(1),
        steps => number(steps.strip_prefix('~')?),
    }
}

/// A number of digits only; one too large for any history is the largest there is.
fn number(digits: &str) -> Option<usize> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(usize::MAX))
}

fn no_version(text: &str, newest: usize) -> Error {
    let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match number(text).filter(|number| (1..=newest).contains(number)) {
        Some(number) => Error::refused(format!("`{text}` is no version"), format!("version {number} is `v{number}`")),
        None if hexadecimal && (1..SHORTEST_PREFIX).contains(&text.len()) => Error::refused(
            format!("`{text}` is too short for a commit"),
            format!("give {SHORTEST_PREFIX} digits of its hash or more; `comfydock log` shows them"),
        ),
        None if hexadecimal && !text.is_empty() => unknown(format!("there is no commit {text}"), newest),
        None => {
            unknown(format!("`{text}` is no version: one is `v{newest}`, a commit's hash, `HEAD` or `HEAD~1`"), newest)
        }
    }
}

fn unknown(message: String, newest: usize) -> Error {
    let there = if newest == 1 { "there is only v1".to_owned() } else { format!("there are v1 to v{newest}") };
    Error::refused(message, format!("{there}; `comfydock log` shows them"))
}
