//! Links among the models that lead nowhere.

use std::path::{Path, PathBuf};

use comfydock_store::file;

use super::{Finding, some};
use crate::environment::Environment;
use crate::models::roots::Roots;
use crate::workspace::Workspace;

/// A link to a folder above would never end.
const DEPTH: usize = 16;

pub(super) fn examine(workspace: &Workspace, environment: &Environment) -> Option<Finding> {
    let roots = match Roots::of(workspace, Some(environment)) {
        Ok(roots) => roots,
        Err(error) => return Some(Finding::failed("models", "the models folders", &error)),
    };
    let mut dead = Vec::new();
    // Hugging Face's cache is that program's own: it leaves such links where it removed files.
    for root in roots.iter().filter(|root| !root.takes_all_files()) {
        visit(root.path(), 0, &mut dead);
    }
    dead.sort();
    dead.dedup();
    let text = match dead.as_slice() {
        [] => return None,
        [one] => format!("the link `{}` leads nowhere, so that model is missing", one.display()),
        several => format!("{} links among the models lead nowhere", several.len()),
    };
    let hint =
        "mount the drive they lead to, or remove them; `comfydock models download --missing` gets what is missing";
    Some(Finding::warning("model-links", text, hint).with(some(dead.iter().map(|path| path.display().to_string()))))
}

fn visit(folder: &Path, depth: usize, dead: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if file::leads_nowhere(&path) {
            dead.push(path);
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth < DEPTH {
            visit(&path, depth + 1, dead);
        }
    }
}
