//! What lies in `custom_nodes`.

use std::collections::BTreeSet;
use std::path::Path;

use comfydock_core::adoption::{Found, GitClone, Left, Origin, Pack, Release, SingleFile, marks};
use comfydock_git::look::look as look_at_repository;

use super::entries;
use crate::Error;

/// Where ComfyUI-Manager puts packs that are switched off.
const DISABLED: &str = ".disabled";

/// Reads a folder of packs; `own` are the names that arrive with ComfyUI.
///
/// # Errors
/// When the folder cannot be read.
pub fn look(folder: &Path, own: &[String], found: &mut Found) -> Result<(), Error> {
    let mut packs = Vec::new();
    for (name, path) in entries(folder)? {
        if name == "__pycache__" || own.contains(&name) {
            continue;
        }
        if name == DISABLED {
            for (name, path) in entries(&path)? {
                if path.is_dir() && name != "__pycache__" {
                    packs.push((marks::pack_name(&name, true), name, path));
                }
            }
        } else if path.is_dir() {
            packs.push((marks::pack_name(&name, false), name, path));
        } else if path.is_file() {
            single_file(&name, &path, found);
        } else {
            found.left.push(Left::new(format!("custom_nodes/{name}"), "it is a link that leads nowhere"));
        }
    }
    // Several git calls a pack: side by side, because a studio has dozens.
    let origins: Vec<Origin> = std::thread::scope(|scope| {
        let handles: Vec<_> = packs.iter().map(|(_, name, path)| scope.spawn(move || origin(name, path))).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    for (((name, disabled), spelled, path), origin) in packs.into_iter().zip(origins) {
        let is_loose = matches!(origin, Origin::Folder(_));
        if is_loose && !path.join("__init__.py").exists() {
            // Folders that editors and systems leave are not worth a line.
            if !spelled.starts_with('.') {
                found.left.push(Left::new(
                    format!("custom_nodes/{spelled}"),
                    "it has no `__init__.py`, so ComfyUI does not load it",
                ));
            }
            continue;
        }
        let link = std::fs::read_link(&path).ok().map(|to| to.to_string_lossy().into_owned());
        found.packs.push(Pack { name, disabled, origin, place: Some(path.to_string_lossy().into_owned()), link });
    }
    Ok(())
}

fn single_file(name: &str, path: &Path, found: &mut Found) {
    let (name, disabled) = match name.strip_suffix(".disabled") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if !name.ends_with(".py") {
        return;
    }
    let source = std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    found.files.push(SingleFile {
        name: name.to_owned(),
        disabled,
        place: Some(path.to_string_lossy().into_owned()),
        knows_its_place: source.map_or(true, |source| marks::knows_its_place(&source)),
    });
}

fn origin(spelled: &str, path: &Path) -> Origin {
    match look_at_repository(path) {
        Ok(Some(looked)) => Origin::Git(GitClone {
            url: looked.url,
            commit: looked.commit,
            branch: looked.branch,
            modified: looked.modified,
            published: looked.published,
            other_work: looked.other_work,
            untracked: looked.untracked.into_iter().filter(|name| !is_passing(name)).collect(),
        }),
        Ok(None) => release(spelled, path).map_or(Origin::Folder(None), Origin::Registry),
        Err(error) => {
            let said = error.to_string();
            let first = said.lines().next().unwrap_or_default();
            Origin::Folder(Some(format!("its repository cannot be read: {first}")))
        }
    }
}

/// What Python makes anew.
pub(crate) fn is_passing(path: &str) -> bool {
    path.split('/').any(|part| part == "__pycache__") || path.ends_with(".pyc")
}

/// The release that a folder was unpacked from: it has the mark of ComfyUI-Manager.
fn release(spelled: &str, path: &Path) -> Option<Release> {
    let list = std::fs::read_to_string(path.join(marks::TRACKING)).ok()?;
    let pyproject = std::fs::read(path.join("pyproject.toml")).ok()?;
    let (id, version) = marks::registry_pack(&String::from_utf8_lossy(&pyproject))?;
    let tracked = marks::tracked(&list);
    let missing = tracked.iter().filter(|name| path.join(name).symlink_metadata().is_err()).cloned().collect();
    let mut added = Vec::new();
    visit(path, "", &tracked, &mut added);
    Some(Release { id, version: version.or_else(|| marks::disabled_version(spelled)), missing, added })
}

/// Files that a release did not bring; a folder without any of its files is one entry.
fn visit(folder: &Path, prefix: &str, tracked: &BTreeSet<String>, added: &mut Vec<String>) {
    for (name, path) in entries(folder).unwrap_or_default() {
        let below = format!("{prefix}{name}");
        if is_passing(&below) || below == marks::TRACKING || tracked.contains(&below) {
            continue;
        }
        let inside = format!("{below}/");
        let holds = tracked.range(inside.clone()..).next().is_some_and(|name| name.starts_with(&inside));
        if holds && path.is_dir() && !path.is_symlink() {
            visit(&path, &inside, tracked, added);
        } else {
            added.push(below);
        }
    }
}
