//! Where ComfyUI and its Python lie.

use std::path::{Path, PathBuf};

use comfydock_store::file;

use crate::Error;

/// ComfyUI's folder, in the folder that was named or right below it: the portable build for Windows
/// unpacks to `ComfyUI_windows_portable/ComfyUI`.
///
/// # Errors
/// When there is none.
pub fn comfyui(given: &Path) -> Result<PathBuf, Error> {
    let given = std::path::absolute(given).map_err(file::Error::at("find", given))?;
    let inner = ["", "ComfyUI", "comfyui", "ComfyUI_windows_portable/ComfyUI"];
    let candidates = inner.iter().map(|name| if name.is_empty() { given.clone() } else { given.join(name) });
    candidates.into_iter().find(|folder| is_comfyui(folder)).ok_or_else(|| {
        Error::refused(
            format!("there is no ComfyUI in `{}`", given.display()),
            "name the folder that holds `main.py` and `custom_nodes`, or the one above it",
        )
    })
}

/// ComfyUI's own folder, or the one that its desktop program keeps packs, models and settings in.
fn is_comfyui(folder: &Path) -> bool {
    let is_program = folder.join("main.py").is_file()
        && ["comfyui_version.py", "nodes.py", "folder_paths.py"].iter().any(|name| folder.join(name).is_file());
    let has_packs = folder.join("custom_nodes").is_dir();
    let has_more = ["main.py", "models", "user"].iter().any(|name| folder.join(name).exists());
    is_program || (has_packs && has_more)
}

/// The folder of the Python that ran it (the one above `lib`): the one that was named, else what lies
/// where installers put it.
///
/// # Errors
/// When the named one has no packages.
pub fn python(comfyui: &Path, named: Option<&Path>) -> Result<Option<PathBuf>, Error> {
    if let Some(named) = named {
        let prefix = prefix_of(named)?;
        return prefix.map(Some).ok_or_else(|| {
            Error::refused(
                format!("`{}` is no Python with packages installed", named.display()),
                "name its interpreter (`…/bin/python`), or the folder of its environment",
            )
        });
    }
    let above = comfyui.parent().unwrap_or(comfyui);
    let beside = [".venv", "venv", "env"].map(|name| comfyui.join(name));
    let around = ["python_embeded", "python_embedded", ".venv", "venv", "env"].map(|name| above.join(name));
    Ok(beside.into_iter().chain(around).find(|folder| !packages_folders(folder).is_empty()))
}

/// The folder above `lib` for an interpreter or a folder.
fn prefix_of(named: &Path) -> Result<Option<PathBuf>, Error> {
    // Not made real: the interpreter of a virtual environment is a link out of it.
    let path = std::path::absolute(named).map_err(file::Error::at("find", named))?;
    let mut ancestors = path.ancestors().take(3);
    Ok(ancestors.find(|folder| !packages_folders(folder).is_empty()).map(Path::to_owned))
}

/// The folders that packages lie in, below a prefix.
pub(super) fn packages_folders(prefix: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for library in ["lib", "lib64", "local/lib"] {
        // `lib64` is often a link to `lib`.
        if prefix.join(library).is_symlink() {
            continue;
        }
        for (name, folder) in super::entries(&prefix.join(library)).unwrap_or_default() {
            if name.starts_with("python3") {
                found.extend(["site-packages", "dist-packages"].map(|packages| folder.join(packages)));
            }
        }
    }
    found.push(prefix.join("Lib/site-packages"));
    found.retain(|folder| folder.is_dir());
    found
}
