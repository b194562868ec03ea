//! What was taken away and kept, and venvs that are not in force.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Found, GONE, Kind, Look, entries};
use crate::environment::Environment;
use crate::transaction::trash_of;

/// Folders of ComfyUI are followed so deep; a link may lead to a folder above.
const DEEPEST: usize = 8;

impl Look<'_> {
    pub(super) fn environment(&self, environment: &Environment, found: &mut Found) {
        let name = environment.name();
        for trash in trashes(environment) {
            for (path, id) in entries(&trash).filter(|(_, id)| !id.starts_with(GONE)) {
                if self.is_old_trash(&path, &id) {
                    let about = format!("what was in the way in {name}: {}", inside(&path));
                    found.items.push(self.item(Kind::Trash, path, about, Some(environment)));
                }
            }
        }
        self.generations(environment, found);
    }

    /// The venv before the one in force is kept for as long as anything else: going back to it is one
    /// rename.
    fn generations(&self, environment: &Environment, found: &mut Found) {
        // Where it cannot be told which one is in force, none is out of it.
        let Ok(Some(current)) = environment.generation() else { return };
        let switched = environment.home().join("current.json");
        if !self.is_old(&switched) {
            return;
        }
        let others = entries(&environment.home().join("venvs"));
        for (path, _) in others.filter(|(_, id)| *id != current && !id.starts_with(GONE)) {
            let about = format!("Python packages of {} that are not in force", environment.name());
            found.items.push(self.item(Kind::Generation, path, about, Some(environment)));
        }
    }

    pub(super) fn workspace_trash(&self, found: &mut Found) {
        let home = self.workspace.home();
        let side = trash_of(&home, &self.workspace.root().join("environments"));
        for trash in BTreeSet::from([home.join("trash"), side]) {
            for (path, id) in entries(&trash).filter(|(_, id)| !id.starts_with(GONE)) {
                if self.is_old_trash(&path, &id) {
                    found.items.push(self.item(Kind::Trash, path.clone(), format!("deleted: {}", inside(&path)), None));
                }
            }
        }
    }

    /// A rename keeps a folder's time, so it is the name that tells when it was put there.
    fn is_old_trash(&self, path: &Path, id: &str) -> bool {
        match ulid::Ulid::from_string(&id.to_uppercase()) {
            Ok(id) => SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(id.timestamp_ms()) <= self.before,
            Err(_) => self.is_old(path),
        }
    }
}

/// Where changes of an environment kept things: in its home, and on each other disk that one of its folders
/// lies on, by a mount or a link.
fn trashes(environment: &Environment) -> BTreeSet<PathBuf> {
    let home = environment.home();
    let mut found = BTreeSet::from([home.join("trash")]);
    let mut note = |folder: &Path| {
        if folder.is_dir() {
            found.insert(trash_of(&home, folder));
        }
    };
    [environment.root().to_owned(), environment.comfyui(), environment.cec()].iter().for_each(|folder| note(folder));
    for (folder, _) in entries(&environment.comfyui()) {
        note(&folder);
    }
    for (folder, _) in entries(&environment.custom_nodes()) {
        note(&folder);
    }
    let workflows = environment.workflows();
    workflows.ancestors().take_while(|folder| *folder != environment.comfyui()).for_each(&mut note);
    folders(&workflows, DEEPEST, &mut note);
    found
}

/// Every folder below one, behind links too.
fn folders(folder: &Path, depth: usize, note: &mut dyn FnMut(&Path)) {
    for (path, _) in entries(folder).filter(|(path, _)| depth > 0 && path.is_dir()) {
        note(&path);
        folders(&path, depth - 1, note);
    }
}

/// The names of what was kept by one change, which lie one folder deeper each.
fn inside(kept: &Path) -> String {
    let mut names: Vec<String> =
        entries(kept).flat_map(|(step, _)| entries(&step).map(|(_, name)| name).collect::<Vec<_>>()).collect();
    names.sort();
    names.join(", ")
}
