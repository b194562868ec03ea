//! Hashing files that were measured again, and finding those that are there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

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

/// Hashes every file of these models again.
///
/// # Errors
/// When the index fails.
pub fn verify(workspace: &Workspace, listed: &[Listed], context: &Context<'_>) -> Result<Verified, Error> {
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let mut files: Vec<(Unmeasured, Sha256)> = Vec::new();
    let mut unmeasured = 0;
    for model in listed.iter().map(|listed| &listed.model) {
        let Some(sha256) = &model.sha256 else {
            unmeasured += model.places.len();
            continue;
        };
        let places = model.places.iter().filter_map(|place| Unmeasured::at(&roots, place, model.size));
        files.extend(places.map(|file| (file, sha256.clone())));
    }
    let verdicts = scan::verify(&mut Index::open(workspace)?, &files, context.reporter)?;
    Ok(Verified { verdicts, unmeasured })
}

/// Files that have to be measured before it can be said which are there twice.
///
/// # Errors
/// When the index fails.
pub fn alike(workspace: &Workspace, context: &Context<'_>) -> Result<Vec<Unmeasured>, Error> {
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let listed = list(workspace, context)?;
    let mut by_samples: BTreeMap<(&str, u64), Vec<&Listed>> = BTreeMap::new();
    for one in &listed {
        by_samples.entry((one.model.quick.as_str(), one.model.size)).or_default().push(one);
    }
    let alike = by_samples.into_values().filter(|group| group.len() > 1).flatten();
    Ok(alike
        .filter(|one| one.model.sha256.is_none())
        .filter_map(|one| Unmeasured::at(&roots, one.model.places.first()?, one.model.size))
        .collect())
}

/// Measures files.
///
/// # Errors
/// When one cannot be read.
pub fn measure(workspace: &Workspace, files: &[Unmeasured], context: &Context<'_>) -> Result<(), Error> {
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
