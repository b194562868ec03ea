//! The folders an installation has its models in.

use std::path::{Path, PathBuf};

use comfydock_core::adoption::Left;
use comfydock_core::model_paths;
use comfydock_store::file;

use crate::Error;
use crate::models::roots::{Root, Roots};

/// Where an installation's models lie. They stay there and are registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelsFound {
    /// Models folders: each folder in them is a category's.
    pub folders: Vec<PathBuf>,
    /// Files like `extra_model_paths.yaml` that name further folders.
    pub configurations: Vec<PathBuf>,
}

/// Finds them.
///
/// # Errors
/// When ComfyUI's folder cannot be read.
pub fn look(comfyui: &Path, left: &mut Vec<Left>) -> Result<ModelsFound, Error> {
    let mut found = ModelsFound::default();
    let own = comfyui.join("models");
    if own.is_dir() {
        found.folders.push(own);
    } else if own.is_symlink() {
        left.push(Left::new(
            "the models folder",
            "it is a link that leads nowhere now; mount its drive, then `comfydock models index DIR`",
        ));
    }
    for name in ["extra_model_paths.yaml", "extra_models_config.yaml"] {
        let path = comfyui.join(name);
        if path.is_file() {
            configuration(&path, &mut found, left)?;
        }
    }
    Ok(found)
}

fn configuration(path: &Path, found: &mut ModelsFound, left: &mut Vec<Left>) -> Result<(), Error> {
    let what = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut roots = Roots::default();
    if let Err(error) = roots.configured(path) {
        // ComfyUI does not start with it; the rest of the installation is no worse for it.
        left.push(Left::new(what, error.to_string()));
        return Ok(());
    }
    let gone = roots.iter().map(Root::path).filter(|folder| !folder.is_dir());
    let mut gone: Vec<String> = gone.map(|folder| folder.display().to_string()).collect();
    gone.dedup();
    left.extend(gone.into_iter().map(|folder| {
        Left::new(format!("models in `{folder}`"), format!("{what} names the folder, and it is not there now"))
    }));
    let text = file::read_text(path)?;
    for packs in model_paths::parse(&text)
        .map(|read| read.groups)
        .unwrap_or_default()
        .into_iter()
        .flat_map(|group| group.node_folders)
    {
        left.push(Left::new(
            format!("node packs in `{packs}`"),
            format!("{what} names the folder; ComfyUI goes on loading them from there, and they do not travel"),
        ));
    }
    found.configurations.push(path.to_owned());
    Ok(())
}
