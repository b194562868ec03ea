//! What lies in `custom_nodes`: what ComfyUI loads, what is set aside, and what is neither.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use comfydock_core::plan::reach::Folder;
use comfydock_git::checkout;

use super::entries;
use crate::Error;
use crate::environment::Environment;
use crate::installed::Record;

/// What ends a name that ComfyUI does not load.
pub const DISABLED: &str = ".disabled";

/// What lies in `custom_nodes`.
#[derive(Debug, Clone, Default)]
pub struct Packs {
    /// Folders that ComfyUI loads, by name.
    pub folders: BTreeMap<String, Folder>,
    /// Folders that are set aside, by the name they had.
    pub disabled: BTreeSet<String>,
    /// Single files that ComfyUI loads.
    pub files: BTreeSet<String>,
}

/// Looks at every pack.
///
/// # Errors
/// When a folder cannot be read or git fails on one of them.
pub fn packs(environment: &Environment) -> Result<Packs, Error> {
    let folder = environment.custom_nodes();
    let mut found = Packs::default();
    let mut names = Vec::new();
    for entry in entries(&folder)? {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if name == "__pycache__" {
        } else if let Some(name) = name.strip_suffix(DISABLED) {
            if path.is_dir() && !name.starts_with('.') {
                found.disabled.insert(name.to_owned());
            }
        } else if path.is_dir() {
            // ComfyUI loads hidden folders too; those of git and of editors hold no Python.
            if !name.starts_with('.') || path.join("__init__.py").exists() {
                names.push(name);
            }
        } else if path.extension().is_some_and(|extension| extension == "py") {
            found.files.insert(name);
        }
    }
    // One git call a pack: side by side, because a studio has dozens.
    let inspected: Vec<Result<(String, Folder), Error>> = std::thread::scope(|scope| {
        let handles: Vec<_> = names
            .into_iter()
            .map(|name| scope.spawn(move || Ok((name.clone(), inspect(environment, &name)?))))
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    found.folders = inspected.into_iter().collect::<Result<_, _>>()?;
    Ok(found)
}

/// Looks at one pack.
fn inspect(environment: &Environment, name: &str) -> Result<Folder, Error> {
    let path = environment.custom_nodes().join(name);
    let folder = Folder { is_link: path.is_symlink(), ..Folder::default() };
    if let Some(state) = checkout::inspect(&path)? {
        return Ok(Folder { commit: state.commit, url: state.url, modified: state.modified, ..folder });
    }
    let recorded = Record::find(environment, name)?.map(|record| record.look(&path)).unwrap_or_default();
    Ok(Folder { is_link: folder.is_link, ..recorded })
}

/// Where a pack that is set aside lies.
pub fn disabled_place(environment: &Environment, name: &str) -> PathBuf {
    environment.custom_nodes().join(format!("{name}{DISABLED}"))
}

/// A free name for a pack that is to be set aside: it has to end in `.disabled`, or ComfyUI loads it
/// (decision 22).
pub fn free_disabled_place(environment: &Environment, name: &str) -> PathBuf {
    let taken = |path: &Path| path.symlink_metadata().is_ok();
    let first = disabled_place(environment, name);
    if !taken(&first) {
        return first;
    }
    let numbered = |number: u32| disabled_place(environment, &format!("{name}.{number}"));
    (1..).map(numbered).find(|path| !taken(path)).unwrap_or(first)
}
