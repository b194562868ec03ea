//! Whether a push may land. It is judged while its objects are in quarantine.

use std::path::{Path, PathBuf};

use comfydock_core::foreign::Violation;
use comfydock_git::objects::{self, Objects};
use comfydock_git::serve::find_reference;

use super::pending::Update;
use super::{MAIN, is_zero};
use crate::hook::Verdict;
use crate::service::{Error, environment};

/// Problems that one answer names; more would bury the first.
const SHOWN: usize = 20;

/// Judges all updates of a push; all of them land or none. The objects are in `folders`.
pub(super) fn judge(repository: &Path, folders: &[PathBuf], updates: &[Update]) -> Result<Verdict, Error> {
    let objects = Objects::open(folders).map_err(Error::repository)?;
    let mut problems = judge_references(repository, updates)?;
    let mut judged: Vec<(&str, bool)> = Vec::new();
    for update in updates.iter().filter(|update| !is_zero(&update.new)) {
        let is_environment = !update.reference.starts_with("refs/comfydock/");
        if judged.contains(&(&update.new, is_environment)) {
            continue;
        }
        judged.push((&update.new, is_environment));
        problems.extend(judge_commit(&objects, update, is_environment)?);
    }
    Ok(Verdict { accepted: problems.is_empty(), lines: lines(&problems) })
}

/// The rules about the references themselves.
fn judge_references(repository: &Path, updates: &[Update]) -> Result<Vec<Violation>, Error> {
    let mut problems = Vec::new();
    let refuse = |update: &Update, message: &str, hint: &str| {
        Violation::new(update.reference.escape_debug().to_string(), message, Some(hint))
    };
    for update in updates {
        let known = ["refs/heads/", "refs/tags/", "refs/comfydock/"];
        if !known.iter().any(|prefix| update.reference.starts_with(prefix)) {
            problems.push(refuse(update, "is neither a branch nor a tag", "push branches and tags only"));
        } else if !is_usable(&update.reference) {
            problems.push(refuse(update, "is not a usable name", "use letters, digits and `-`"));
        }
        if update.reference == MAIN && is_zero(&update.new) {
            problems.push(refuse(update, "may not be deleted", "an environment lives on its branch main"));
        }
    }
    let makes_main = updates.iter().any(|update| update.reference == MAIN);
    let first = updates.iter().find(|update| !is_zero(&update.new));
    if let (false, Some(first)) = (makes_main, first)
        && find_reference(repository, MAIN).map_err(Error::repository)?.is_none()
    {
        problems.push(refuse(first, "came before the branch main", "`git push <remote> HEAD:main` first"));
    }
    Ok(problems)
}

/// git checks names only after the hook, and here they become paths.
fn is_usable(reference: &str) -> bool {
    let usable = |part: &str| {
        let odd = |character: char| character.is_control() || " ~^:?*[\\".contains(character);
        !part.is_empty() && !part.starts_with('.') && !part.contains("..") && !part.contains(odd)
    };
    reference.len() <= 400 && reference.split('/').all(usable)
}

fn judge_commit(objects: &Objects, update: &Update, is_environment: bool) -> Result<Vec<Violation>, Error> {
    let refuse =
        |error: &objects::Error| Violation::new(update.reference.escape_debug().to_string(), error.to_string(), None);
    let commit = match objects.peel_to_commit(&update.new) {
        Ok(commit) => commit,
        Err(error @ (objects::Error::Kind { .. } | objects::Error::TooLarge { .. })) => {
            return Ok(vec![refuse(&error)]);
        }
        Err(error) => return Err(Error::repository(error)),
    };
    let outcome = if is_environment {
        environment::judge(objects, &commit)
    } else {
        environment::judge_tree(objects, &commit).map(|judged| judged.err().unwrap_or_default())
    };
    match outcome {
        Ok(problems) => Ok(problems),
        Err(error @ objects::Error::TooLarge { .. }) => Ok(vec![refuse(&error)]),
        Err(error) => Err(Error::repository(error)),
    }
}

fn lines(problems: &[Violation]) -> Vec<String> {
    let mut lines = Vec::new();
    for problem in problems.iter().take(SHOWN) {
        lines.push(format!("error: {problem}"));
        // The same advice for twenty files is said once.
        let hint = problem.hint.as_ref().map(|hint| format!("hint: {hint}"));
        lines.extend(hint.filter(|hint| !lines.contains(hint)));
    }
    if problems.len() > SHOWN {
        lines.push(format!("error: … and {} more", problems.len() - SHOWN));
    }
    lines
}
