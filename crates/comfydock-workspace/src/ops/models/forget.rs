//! Looking no longer through a folder, or knowing no longer of a model.

use std::path::{Path, PathBuf};

use super::{Listed, find};
use crate::Error;
use crate::models::index::Index;
use crate::ops::Context;
use crate::workspace::Workspace;

/// What a word means that is to be forgotten.
#[derive(Debug, Clone)]
pub enum Forgettable {
    /// A models folder of the workspace.
    Folder(PathBuf),
    /// A configuration of models folders.
    Configuration(PathBuf),
    /// A model.
    Model(Box<Listed>),
}

/// Finds what a word means: a folder or configuration of the workspace, else a model.
///
/// # Errors
/// When it means nothing, or several models.
pub fn find_forgettable(workspace: &Workspace, word: &str, context: &Context<'_>) -> Result<Forgettable, Error> {
    let path = std::path::absolute(Path::new(word)).unwrap_or_else(|_| PathBuf::from(word));
    let path: PathBuf = path.components().collect();
    if workspace.settings.model_directories.iter().any(|folder| folder.path == path) {
        return Ok(Forgettable::Folder(path));
    }
    if workspace.settings.extra_model_paths.contains(&path) {
        return Ok(Forgettable::Configuration(path));
    }
    if path.is_dir() {
        return Err(Error::refused(
            format!("`{}` is none of the workspace's models folders", path.display()),
            "`comfydock models list` shows where models lie",
        ));
    }
    Ok(Forgettable::Model(Box::new(find(workspace, word, context)?)))
}

/// Forgets it. Files stay where they are. What is known of a folder's files stays in the index until
/// `gc` prunes it; of a model's row a copy of the index is kept, whose path is returned.
///
/// # Errors
/// When the settings or the index cannot be written.
pub fn forget(workspace: &mut Workspace, what: &Forgettable) -> Result<Option<PathBuf>, Error> {
    match what {
        Forgettable::Model(listed) => {
            let mut index = Index::open(workspace)?;
            let copy = index.keep_copy(workspace)?;
            index.forget(&[listed.model.id], &[])?;
            return Ok(Some(copy));
        }
        Forgettable::Folder(path) => {
            let _lock = workspace.refresh()?;
            let folders = &mut workspace.settings.model_directories;
            folders.retain(|folder| folder.path != *path);
            if !folders.iter().any(|folder| folder.download_target)
                && let Some(first) = folders.first_mut()
            {
                first.download_target = true;
            }
            workspace.save()?;
        }
        Forgettable::Configuration(path) => {
            let _lock = workspace.refresh()?;
            workspace.settings.extra_model_paths.retain(|file| file != path);
            workspace.save()?;
        }
    }
    Ok(None)
}
