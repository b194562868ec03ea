//! Hashing files that were measured again, and finding those that are there twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;

use super::{Listed, list};
use crate::Error;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Unmeasured, Verdict};
use crate::ops::Context;
use crate::workspace::Workspace;

/// What verifying came to.
#[derive(Debug, Clone)]
pub struct Verified {
    /// A verdict for each file that was measured before.
    pub verdicts: Vec<Verdict>,
    /// How many files were never measured, so that there is nothing to compare with.
    pub unmeasured: usize,
}

/// Hashes every measured file again whose path `takes` picks.
///
/// What a file should be is read before anything is looked through: a scan takes a file that changed
/// for another model, and nothing would be left to compare with.
///
/// # Errors
/// When the index fails.
pub fn verify(workspace: &Workspace, takes: impl Fn(&Path) -> bool, context: &Context<'_>) -> Result<Verified, Error> {
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let mut index = Index::open(workspace)?;
    let mut files: Vec<(Unmeasured, Sha256)> = Vec::new();
    for model in index.models(&roots)? {
        let Some(sha256) = &model.sha256 else { continue };
        let places = model.places.iter().filter(|place| takes(&roots.path(place)));
        files.extend(places.filter_map(|place| Some((Unmeasured::at(&roots, place, model.size)?, sha256.clone()))));
    }
    scan::scan(&mut index, &roots, context.reporter)?;
    let mut there = Vec::with_capacity(files.len());
    for (file, sha256) in files {
        // What cannot be reached now is neither what it was nor anything else.
        if index.location(&file.root, &file.relative_path)?.is_none_or(|location| !location.offline) {
            there.push((file, sha256));
        }
    }
    let expected: HashSet<PathBuf> = there.iter().map(|(file, _)| file.root.path().join(&file.relative_path)).collect();
    let unmeasured = index
        .models(&roots)?
        .iter()
        .filter(|model| model.sha256.is_none())
        .flat_map(|model| &model.places)
        .map(|place| roots.path(place))
        .filter(|path| takes(path) && !expected.contains(path))
        .count();
    let verdicts = scan::verify(&mut index, &there, context.reporter)?;
    Ok(Verified { verdicts, unmeasured })
}

/// Files that have to be measured before it can be said which of those that `takes` picks are there
/// twice.
///
/// # Errors
/// When the index fails.
pub fn alike(
    workspace: &Workspace,
    takes: impl Fn(&Listed) -> bool,
    context: &Context<'_>,
) -> Result<Vec<Unmeasured>, Error> {
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let listed = list(workspace, context)?;
    let mut by_samples: BTreeMap<(&str, u64), Vec<&Listed>> = BTreeMap::new();
    for one in &listed {
        by_samples.entry((one.model.quick.as_str(), one.model.size)).or_default().push(one);
    }
    let alike =
        by_samples.into_values().filter(|group| group.len() > 1 && group.iter().any(|one| takes(one))).flatten();
    Ok(alike
        .filter(|one| one.model.sha256.is_none())
        .filter_map(|one| Unmeasured::at(&roots, one.model.places.first()?, one.model.size))
        .collect())
}

/// Measures files; returns how many of them could not be.
///
/// # Errors
/// When the index fails.
pub fn measure(workspace: &Workspace, files: &[Unmeasured], context: &Context<'_>) -> Result<usize, Error> {
    scan::measure(&mut Index::open(workspace)?, files, context.reporter)
}

/// Models of which there are several files, by full hash, with the bytes that all but one take. Names
/// of one file are no duplicates.
///
/// # Errors
/// When the index fails.
pub fn duplicates(workspace: &Workspace, context: &Context<'_>) -> Result<Vec<(Listed, u64)>, Error> {
    let mut duplicates = Vec::new();
    for listed in list(workspace, context)? {
        let inodes: BTreeSet<(u64, u64)> =
            listed.paths.iter().filter_map(|path| path.metadata().ok()).map(|meta| (meta.dev(), meta.ino())).collect();
        if listed.model.sha256.is_some() && inodes.len() > 1 {
            let bytes = listed.model.size * (inodes.len() as u64 - 1);
            duplicates.push((listed, bytes));
        }
    }
    duplicates.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Ok(duplicates)
}
