//! Files that tell of an installation: snapshots of ComfyUI-Manager, manifests of comfygit.

use std::path::{Path, PathBuf};

use comfydock_core::adoption::{Found, comfygit, installed, manager};
use comfydock_store::file;

use super::entries;
use crate::Error;

/// Where ComfyUI-Manager keeps its snapshots, newer place first.
const SNAPSHOTS: &[&str] = &[
    "user/__manager/snapshots",
    "user/default/ComfyUI-Manager/snapshots",
    "custom_nodes/ComfyUI-Manager/snapshots",
    "custom_nodes/comfyui-manager/snapshots",
];

/// The newest snapshot of an installation. One that cannot be read is passed over.
///
/// # Errors
/// When a folder cannot be read.
pub fn newest_snapshot(comfyui: &Path) -> Result<Option<(PathBuf, Found)>, Error> {
    let mut found = Vec::new();
    for folder in SNAPSHOTS {
        for (name, path) in entries(&comfyui.join(folder))? {
            let is_snapshot = ["json", "yaml", "yml"].iter().any(|ending| name.ends_with(&format!(".{ending}")));
            let changed = path.metadata().and_then(|about| about.modified());
            if let (true, Ok(changed)) = (is_snapshot, changed) {
                found.push((changed, path));
            }
        }
    }
    found.sort();
    let read = |(_, path): (_, PathBuf)| {
        let bytes = std::fs::read(&path).ok()?;
        manager::parse(&bytes).ok().map(|snapshot| (path, snapshot))
    };
    Ok(found.into_iter().rev().find_map(read))
}

/// The manifest of comfygit or of the older ComfyDock whose environment this ComfyUI is.
///
/// # Errors
/// When it is there and cannot be read.
pub fn beside(comfyui: &Path) -> Result<Option<Found>, Error> {
    let Some(above) = comfyui.parent() else { return Ok(None) };
    environment(&above.join(".cec"))
}

/// What the folder `.cec` of such an environment tells.
///
/// # Errors
/// When its manifest is there and cannot be read.
pub fn environment(cec: &Path) -> Result<Option<Found>, Error> {
    let manifest = cec.join("pyproject.toml");
    let Some(text) = file::find_text(&manifest)? else { return Ok(None) };
    let read = comfygit::parse(&text).map_err(|error| unreadable(&manifest, &error))?;
    let Some(mut found) = read else { return Ok(None) };
    if let Some(lock) = file::find_text(&cec.join("uv.lock"))? {
        found.packages = installed::locked(&lock);
    }
    Ok(Some(found))
}

/// A snapshot that was named.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn snapshot(path: &Path) -> Result<Found, Error> {
    manager::parse(&file::read(path)?).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &comfydock_core::adoption::Error) -> Error {
    Error::refused(
        format!("`{}` cannot be taken: {error}", path.display()),
        "name a ComfyUI folder, a snapshot of ComfyUI-Manager, a `.cpack.zip`, or an environment of comfygit",
    )
}
