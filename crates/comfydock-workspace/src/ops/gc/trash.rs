//! What was taken away and kept, and venvs that are not in force.

use std::path::Path;
use std::time::SystemTime;

use super::{Found, GONE, Kind, Look, entries};
use crate::environment::Environment;

/// Where a transaction puts what lies on a file system of its own.
const SIDE: &str = ".comfydock-trash.disabled";

impl Look<'_> {
    pub(super) fn environment(&self, environment: &Environment, found: &mut Found) {
        let name = environment.name();
        let sides =
            [environment.root().to_owned(), environment.comfyui(), environment.custom_nodes(), environment.workflows()];
        let trashes = sides.iter().map(|folder| folder.join(SIDE)).chain([environment.home().join("trash")]);
        for trash in trashes {
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
        let side = self.workspace.root().join("environments").join(SIDE);
        for trash in [self.workspace.home().join("trash"), side] {
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

/// The names of what was kept by one change, which lie one folder deeper each.
fn inside(kept: &Path) -> String {
    let mut names: Vec<String> =
        entries(kept).flat_map(|(step, _)| entries(&step).map(|(_, name)| name).collect::<Vec<_>>()).collect();
    names.sort();
    names.join(", ")
}
