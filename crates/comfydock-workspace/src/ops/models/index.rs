//! Bringing the model index up to date.

use std::path::Path;

use crate::Error;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Scan, Unmeasured};
use crate::ops::Context;
use crate::workspace::{Workspace, now};

/// Scans the workspace's models folders, and `extra` besides, which becomes one of them.
///
/// # Errors
/// When the index fails or the folder does not exist.
pub fn index(
    workspace: &mut Workspace,
    extra: Option<&Path>,
    full: bool,
    context: &Context<'_>,
) -> Result<Scan, Error> {
    if let Some(folder) = extra {
        let _lock = workspace.refresh()?;
        if workspace.add_models_folders(&[folder.to_owned()])? {
            workspace.save()?;
        }
    }
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let mut index = Index::open(workspace)?;
    let outcome = scan::scan(&mut index, &roots, context.reporter)?;
    if full {
        let files: Vec<Unmeasured> = index
            .models(&roots)?
            .iter()
            .filter(|model| model.sha256.is_none())
            .flat_map(|model| model.places.iter().filter_map(|place| Unmeasured::at(&roots, place, model.size)))
            .collect();
        scan::measure(&mut index, &files, context.reporter)?;
    }
    let _lock = workspace.refresh()?;
    let time = now();
    for folder in &mut workspace.settings.model_directories {
        if folder.path.is_dir() {
            folder.last_sync = Some(time.clone());
        }
    }
    workspace.save()?;
    Ok(outcome)
}
