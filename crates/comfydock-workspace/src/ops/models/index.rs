//! Bringing the model index up to date.

use std::path::PathBuf;

use comfydock_store::file;

use crate::Error;
use crate::models::index::Index;
use crate::models::roots::{self, Roots};
use crate::models::scan::{self, Scan, Unmeasured};
use crate::ops::Context;
use crate::workspace::{Workspace, now};

/// What to look through, and how closely.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A models folder that becomes one of the workspace's.
    pub folder: Option<PathBuf>,
    /// A file like ComfyUI's `extra_model_paths.yaml` that becomes one of the workspace's.
    pub extra_model_paths: Option<PathBuf>,
    /// Whether every file is measured in full.
    pub full: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Indexed {
    /// What the scan found.
    pub scan: Scan,
    /// Files that were to be measured in full and could not be.
    pub unmeasured: usize,
    /// Folders whose files are known and that are not there.
    pub offline: Vec<PathBuf>,
}

/// Scans the folders of the workspace and its active environment.
///
/// # Errors
/// When the index fails, or a given folder or file cannot be taken.
pub fn index(workspace: &mut Workspace, options: &Options, context: &Context<'_>) -> Result<Indexed, Error> {
    add(workspace, options)?;
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let mut index = Index::open(workspace)?;
    let scan = scan::scan(&mut index, &roots, context.reporter)?;
    let mut unmeasured = 0;
    if options.full {
        let files: Vec<Unmeasured> = index
            .models(&roots)?
            .iter()
            .filter(|model| model.sha256.is_none())
            .flat_map(|model| model.places.iter().filter_map(|place| Unmeasured::at(&roots, place, model.size)))
            .collect();
        unmeasured = scan::measure(&mut index, &files, context.reporter)?;
    }
    let _lock = workspace.refresh()?;
    let time = now();
    for folder in &mut workspace.settings.model_directories {
        if folder.path.is_dir() {
            folder.last_sync = Some(time.clone());
        }
    }
    workspace.save()?;
    let mut offline = roots::offline(workspace);
    for root in roots.absent() {
        if index.remembered(root)? > 0 && !offline.iter().any(|folder| folder == root.path()) {
            offline.push(root.path().to_owned());
        }
    }
    Ok(Indexed { scan, unmeasured, offline })
}

/// Takes a folder or a file into the workspace's settings.
fn add(workspace: &mut Workspace, options: &Options) -> Result<(), Error> {
    if options.folder.is_none() && options.extra_model_paths.is_none() {
        return Ok(());
    }
    let _lock = workspace.refresh()?;
    let mut changed = false;
    if let Some(folder) = &options.folder {
        changed |= workspace.add_models_folders(std::slice::from_ref(folder))?;
    }
    if let Some(given) = &options.extra_model_paths {
        let path = std::path::absolute(given).map_err(file::Error::at("find", given))?;
        // It is read before it is taken: with a damaged one no command would go on.
        Roots::default().configured(&path)?;
        if !workspace.settings.extra_model_paths.contains(&path) {
            workspace.settings.extra_model_paths.push(path);
            changed = true;
        }
    }
    if changed { workspace.save() } else { Ok(()) }
}
