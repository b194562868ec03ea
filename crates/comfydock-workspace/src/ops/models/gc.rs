//! What nobody needs any more: rows without files, parts of downloads that nobody goes on with.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use comfydock_store::{claim, file};

use crate::Error;
use crate::models::download::claim_of;
use crate::models::index::Index;
use crate::models::index::forget::Orphan;
use crate::models::roots::{Root, Roots};
use crate::models::scan;
use crate::ops::Context;
use crate::workspace::Workspace;

/// How long a part of a download is left for somebody to go on with.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A part of a file that was being downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
}

/// What could go.
#[derive(Debug, Clone, Default)]
pub struct Waste {
    /// Models in the index that no file stands for. What is known of where they can be had goes too.
    pub orphans: Vec<Orphan>,
    /// Models that no file stands for and that stay, because their SHA-256 or sources are known.
    pub kept: usize,
    /// Folders whose files are remembered and that nobody looks through.
    pub folders: Vec<String>,
    /// Parts of downloads.
    pub parts: Vec<Part>,
}

impl Waste {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.orphans.is_empty() && self.folders.is_empty() && self.parts.is_empty()
    }
}

/// What else may go, besides what is certainly for nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Also {
    /// Parts that are younger than a week.
    pub young_parts: bool,
    /// Models without a file whose SHA-256 or sources are known: to find those out again costs hours.
    pub known_models: bool,
}

/// Finds what could go.
///
/// # Errors
/// When the index fails.
pub fn find_waste(workspace: &Workspace, also: Also, context: &Context<'_>) -> Result<Waste, Error> {
    let active = workspace.environment(None).ok();
    let mut index = Index::open(workspace)?;
    scan::scan(&mut index, &Roots::of(workspace, active.as_ref())?, context.reporter)?;
    // What any environment looks through is not waste, and neither is a drive that is away.
    let mut looked: Vec<Root> = Vec::new();
    let names = workspace.environments()?;
    let environments = names.iter().map(|name| workspace.environment(Some(name)));
    for environment in environments.map(Result::ok).chain([None]) {
        looked.extend(Roots::of(workspace, environment.as_ref())?.iter().cloned());
    }
    looked.extend(
        workspace.settings.model_directories.iter().map(|folder| crate::models::roots::Root::folder(&folder.path)),
    );
    let parts = parts(&looked.iter().map(crate::models::roots::Root::path).collect::<Vec<_>>(), also.young_parts);
    let (mut orphans, folders) = index.orphans(&looked.into_iter().collect())?;
    let found = orphans.len();
    orphans.retain(|orphan| also.known_models || (orphan.sha256.is_none() && orphan.sources == 0));
    let kept = found - orphans.len();
    // A folder that is away now may be a configuration's drive: only those that are there and are not
    // looked through are waste.
    // And while a configuration itself is away nobody knows which folders it names.
    let all_named = workspace.settings.extra_model_paths.iter().all(|file| file.is_file());
    let folders = folders
        .into_iter()
        .filter(|folder| (all_named && Path::new(folder).is_dir()) || of_no_environment(workspace, folder));
    Ok(Waste { orphans, kept, folders: folders.collect(), parts })
}

/// Whether a folder that is away lay in an environment that is gone.
fn of_no_environment(workspace: &Workspace, folder: &str) -> bool {
    let environments = workspace.root().join("environments");
    let below = Path::new(folder).strip_prefix(&environments).ok();
    below.and_then(|below| below.components().next()).is_some_and(|name| !environments.join(name).exists())
}

/// Removes what was found. A copy of the index is kept beside it; returns its path.
///
/// # Errors
/// When something cannot be removed.
pub fn prune(workspace: &Workspace, waste: &Waste) -> Result<PathBuf, Error> {
    let mut index = Index::open(workspace)?;
    let copy = index.keep_copy(workspace)?;
    let orphans: Vec<i64> = waste.orphans.iter().map(|orphan| orphan.id).collect();
    index.forget(&orphans, &waste.folders)?;
    for part in &waste.parts {
        // Somebody may have begun to go on with it meanwhile.
        if claim_of(&part.path).is_none_or(|claim| is_idle(&claim)) {
            file::remove(&part.path)?;
        }
    }
    Ok(copy)
}

fn parts(folders: &[&Path], all: bool) -> Vec<Part> {
    let mut found = Vec::new();
    for folder in folders {
        parts_below(folder, all, 0, &mut found);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.dedup();
    found
}

fn parts_below(folder: &Path, all: bool, depth: usize, found: &mut Vec<Part>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Links are not followed: what lies behind them is looked through where it lies.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() && depth < 16 {
            parts_below(&path, all, depth + 1, found);
        } else if meta.is_file()
            && claim_of(&path).is_some_and(|claim| is_idle(&claim))
            && (all || age(&path).is_some_and(|age| age > KEPT))
        {
            found.push(Part { path, size: meta.len() });
        }
    }
}

/// Whether no download writes the part: nobody holds its claim, or nobody has given a sign of life for
/// as long as a part is kept, which tells without comparing clocks closely.
fn is_idle(claim: &Path) -> bool {
    !claim::is_held(claim) || age(claim).is_some_and(|age| age > KEPT)
}

fn age(path: &Path) -> Option<Duration> {
    let changed = path.metadata().and_then(|meta| meta.modified()).ok()?;
    SystemTime::now().duration_since(changed).ok()
}
