//! The rules about the references themselves.

use std::path::Path;

use comfydock_core::admission::{Rule, is_protected};
use comfydock_core::foreign::Violation;
use comfydock_git::objects::{self, Objects};
use comfydock_git::serve::find_reference;

use super::super::pending::Update;
use super::super::{MAIN, is_zero};
use crate::service::Error;

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
/// What the hub's own programs keep beside branches and tags.
pub(super) const OWN: &str = "refs/comfydock/";

/// Where the sources of node packs stand.
const NODES: &str = "refs/comfydock/nodes/";

/// Bytes of one part of a name: with git's `.lock` it must be a file's name.
const PART_LIMIT: usize = 250;

fn refuse(update: &Update, message: &str, hint: &str) -> Violation {
    Violation::new(update.reference.escape_debug().to_string(), message, Some(hint))
}

/// Judges names, deletions, and what a protected branch or a tag may not do.
pub(super) fn judge(
    repository: &Path,
    objects: &Objects,
    updates: &[Update],
    protected: &[String],
) -> Result<Vec<Violation>, Error> {
    let mut problems = Vec::new();
    for update in updates {
        if ![BRANCHES, TAGS, OWN].iter().any(|prefix| update.reference.starts_with(prefix)) {
            problems.push(refuse(update, "is neither a branch nor a tag", "push branches and tags only"));
        } else if !is_usable(&update.reference) {
            problems.push(refuse(update, "is not a usable name", "use letters, digits and `-`"));
        } else if let Some(problem) = judge_start(repository, update)? {
            problems.push(problem);
            continue;
        }
        problems.extend(judge_change(objects, update, protected)?);
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

/// What the push says was there before must be true. git looks again when it moves a reference, but not
/// when it deletes one that is said to have been nowhere.
fn judge_start(repository: &Path, update: &Update) -> Result<Option<Violation>, Error> {
    let now = find_reference(repository, &update.reference).map_err(Error::repository)?;
    let is_true = now.as_ref().map_or(is_zero(&update.old), |now| *now == update.old);
    Ok(if !is_true {
        Some(refuse(update, "is not where this push says it was", "`git fetch` first, then push again"))
    } else if now.is_none() && is_zero(&update.new) {
        Some(refuse(update, "is not there", "there is nothing to delete"))
    } else {
        None
    })
}

/// The rules for a change that starts where the reference is.
fn judge_change(objects: &Objects, update: &Update, protected: &[String]) -> Result<Option<Violation>, Error> {
    if update.reference == MAIN && is_zero(&update.new) {
        return Ok(Some(refuse(update, "may not be deleted", "an environment lives on its branch main")));
    }
    if is_zero(&update.old) {
        return Ok(None);
    }
    let stays = [
        (TAGS, "others may have built on this tag: make a new one instead"),
        // The manifest names the commit of the pack's own repository, so nothing else holds the files to it.
        (NODES, "environments are built from this source of a node pack: it stays what it is"),
    ];
    if let Some((_, hint)) = stays.iter().find(|(prefix, _)| update.reference.starts_with(prefix)) {
        let message = if is_zero(&update.new) { "would be deleted" } else { "would be moved" };
        return Ok(Some(refuse(update, message, hint).under(Rule::MoveTag)));
    }
    let branch = update.reference.strip_prefix(BRANCHES).filter(|branch| is_protected(protected, branch));
    if branch.is_none() {
        return Ok(None);
    }
    if is_zero(&update.new) {
        let hint = "others work on this branch; push to another one instead";
        return Ok(Some(refuse(update, "is protected and would be deleted", hint).under(Rule::DeleteBranch)));
    }
    let [old, new] = [&update.old, &update.new].map(|id| objects.peel_to_commit(id));
    let (old, new) = match (old, new) {
        (Ok(old), Ok(new)) => (old, new),
        // What is pushed is no commit: that is refused elsewhere, by its own words.
        (_, Err(objects::Error::Kind { .. } | objects::Error::TooLarge { .. })) => return Ok(None),
        (Err(error), _) | (_, Err(error)) => return Err(Error::repository(error)),
    };
    let grows = match objects.is_ancestor(&old, &new) {
        Ok(grows) => grows,
        Err(error) if error.is_limit() => false,
        Err(error) => return Err(Error::repository(error)),
    };
    let hint = "`comfydock pull` (or `git pull`) first, then push again: what others pushed stays";
    Ok((!grows).then(|| refuse(update, "is protected and would lose commits", hint).under(Rule::Rewrite)))
}

/// git checks names only after the hook, and here they become paths.
fn is_usable(reference: &str) -> bool {
    let usable = |part: &str| {
        let odd = |character: char| character.is_control() || " ~^:?*[\\".contains(character);
        !part.is_empty() && !part.starts_with('.') && !part.contains("..") && !part.contains(odd)
    };
    reference.len() <= 400 && reference.split('/').all(|part| part.len() <= PART_LIMIT && usable(part))
}
