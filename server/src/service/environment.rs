//! Reading an environment out of git objects: judged while it is foreign, loaded once it is ours.

use std::collections::HashSet;

use comfydock_core::admission;
use comfydock_core::foreign::{self, MANIFEST, PYTHON_LOCK, Violation};
use comfydock_core::manifest::Manifest;
use comfydock_git::objects::{self, Entry, Objects};

/// What an environment's tree contains.
pub(crate) struct Contents {
    pub(crate) manifest: Manifest,
    pub(crate) workflows: Vec<String>,
}

/// Judges a tree by the rules for every foreign tree; the tree need not be an environment's.
pub(crate) fn judge_tree(
    objects: &Objects,
    commit: &str,
) -> Result<Result<Vec<Entry>, Vec<Violation>>, objects::Error> {
    let entries = match objects.tree(commit) {
        Ok(entries) => entries,
        Err(error @ (objects::Error::TooManyEntries | objects::Error::TooDeep)) => {
            return Ok(Err(vec![Violation::new("the commit", error.to_string(), None)]));
        }
        Err(error) => return Err(error),
    };
    let violations = foreign::judge_entries(&objects.foreign(&entries)?);
    Ok(if violations.is_empty() { Ok(entries) } else { Err(violations) })
}

/// What several commits of one push have in common is judged once; and all together has its bounds.
#[derive(Default)]
pub(crate) struct Judged {
    /// Blobs that are workflows.
    workflows: HashSet<String>,
    entries: usize,
}

/// Judges a commit that claims to be an environment: its tree, manifest and lock, every workflow.
pub(crate) fn judge(objects: &Objects, commit: &str, judged: &mut Judged) -> Result<Vec<Violation>, objects::Error> {
    let entries = match judge_tree(objects, commit)? {
        Ok(entries) => entries,
        Err(violations) => return Ok(violations),
    };
    judged.entries += entries.len();
    if judged.entries > admission::ENTRY_LIMIT {
        return Err(objects::Error::TooMuch { what: "files in all commits", limit: admission::ENTRY_LIMIT as u64 });
    }
    let mut violations = Vec::new();
    let find = |path: &str| entries.iter().find(|entry| entry.path == path.as_bytes());
    match find(MANIFEST) {
        None => violations.push(not_an_environment()),
        Some(entry) => {
            let text = objects.blob(&entry.id)?;
            match (foreign::judge_manifest(&text), find(PYTHON_LOCK)) {
                (Err(violation), _) => violations.push(violation),
                (Ok(manifest), None) => violations.extend(admission::judge_sources(&manifest)),
                (Ok(manifest), Some(lock)) => {
                    violations.extend(admission::judge_sources(&manifest));
                    let text = String::from_utf8_lossy(&text);
                    violations.extend(admission::judge_lock(&text, &objects.blob(&lock.id)?));
                }
            }
        }
    }
    for entry in &entries {
        let path = String::from_utf8_lossy(&entry.path);
        if foreign::workflow_name(&path).is_some() && !judged.workflows.contains(&entry.id) {
            match foreign::judge_workflow(&path, objects.blob(&entry.id)?) {
                Ok(_) => {
                    judged.workflows.insert(entry.id.clone());
                }
                Err(violation) => violations.push(violation),
            }
        }
    }
    Ok(violations)
}

/// Loads a commit that was judged before.
pub(crate) fn load(objects: &Objects, commit: &str) -> Result<Contents, Unreadable> {
    let entries = objects.tree(commit)?;
    let manifest = entries
        .iter()
        .find(|entry| entry.path == MANIFEST.as_bytes())
        .ok_or_else(|| Unreadable::Foreign(not_an_environment()))?;
    let manifest = foreign::judge_manifest(&objects.blob(&manifest.id)?).map_err(Unreadable::Foreign)?;
    let workflows = entries
        .iter()
        .filter_map(|entry| foreign::workflow_name(std::str::from_utf8(&entry.path).ok()?).map(str::to_owned))
        .collect();
    Ok(Contents { manifest, workflows })
}

/// Why a commit cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Objects(#[from] objects::Error),
    #[error("{0}")]
    Foreign(Violation),
}

fn not_an_environment() -> Violation {
    let hint = "`comfydock push` sends one; other repositories do not belong on this hub";
    Violation::new(MANIFEST, "is missing: this is not a ComfyDock environment", Some(hint))
}
