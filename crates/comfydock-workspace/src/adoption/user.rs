//! What an installation keeps of its users: workflows and settings.

use std::path::{Path, PathBuf};

use comfydock_core::adoption::Left;
use comfydock_core::plan::commit::plural;

use super::entries;
use crate::Error;

/// The user whom ComfyUI has when nobody said otherwise.
const DEFAULT: &str = "default";

/// Settings of ComfyUI's own that go along.
const SETTINGS: &[&str] = &["comfy.settings.json", "comfy.templates.json", "subgraphs"];

/// Files to be copied, each below the folder of the user `default`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFiles {
    /// The folder of that user.
    pub folder: PathBuf,
    /// Workflows, as `workflows/a/b.json`.
    pub workflows: Vec<String>,
    /// Settings: files and folders.
    pub settings: Vec<String>,
}

/// Finds them below ComfyUI's `user`.
///
/// # Errors
/// When a folder cannot be read.
pub fn look(users: &Path, left: &mut Vec<Left>) -> Result<UserFiles, Error> {
    let found = of(&users.join(DEFAULT), left)?;
    for (name, path) in entries(users)? {
        let mut others = Vec::new();
        if name != DEFAULT && path.is_dir() && !name.starts_with('.') {
            gather(&path.join("workflows"), "workflows/", 0, &mut others, left)?;
        }
        if !others.is_empty() {
            left.push(Left::new(
                format!("{} of the user `{name}`", plural(others.len(), "workflow")),
                format!("only those of the user `{DEFAULT}` are taken over; copy them from `{}`", path.display()),
            ));
        }
    }
    Ok(found)
}

/// What one user's folder has.
///
/// # Errors
/// When a folder cannot be read.
pub fn of(folder: &Path, left: &mut Vec<Left>) -> Result<UserFiles, Error> {
    let mut workflows = Vec::new();
    gather(&folder.join("workflows"), "workflows/", 0, &mut workflows, left)?;
    let settings = SETTINGS.iter().filter(|name| folder.join(name).exists()).map(|name| (*name).to_owned()).collect();
    Ok(UserFiles { folder: folder.to_owned(), workflows, settings })
}

fn gather(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<String>,
    left: &mut Vec<Left>,
) -> Result<(), Error> {
    for (name, path) in entries(folder)? {
        if name.starts_with('.') {
            continue;
        }
        let below = format!("{prefix}{name}");
        // The depth ends a link to a folder above.
        if path.is_dir() && depth < 16 {
            gather(&path, &format!("{below}/"), depth + 1, found, left)?;
        } else if path.is_file() && name.ends_with(".json") {
            found.push(below);
        } else if path.is_symlink() && !path.exists() {
            left.push(Left::new(below, "it is a link that leads nowhere"));
        }
    }
    Ok(())
}
