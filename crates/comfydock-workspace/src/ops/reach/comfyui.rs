//! ComfyUI itself, exchanged entry by entry around the user's folders.

use std::path::Path;

use comfydock_core::plan::reach::ComfyuiStep;
use comfydock_git::checkout;

use super::packs::is_made_by_python;
use super::{Apply, mirror};
use crate::Error;

/// Folders of the user's that stay whatever version of ComfyUI stands beside them.
const STAY: &[&str] = &["custom_nodes", "user", "models", "input", "output"];

impl Apply<'_> {
    pub(super) fn comfyui(&mut self, step: &ComfyuiStep) -> Result<(), Error> {
        let mirror =
            mirror(self.workspace, &step.url, &step.commit, &format!("ComfyUI {}", step.version), self.context)?;
        let target = self.environment.comfyui();
        let staged = self.transaction.stage_for(self.environment.root())?.join("ComfyUI");
        mirror.check_out(&step.commit, &staged)?;
        if !step.replaces {
            return self.put(&staged, &target);
        }
        // The user's folders stay; everything git tracks at the top is exchanged entry by entry.
        let own_work = checkout::has_own_work(&target, None)?;
        // Changed files go with the entry at the top that they lie in.
        let changed = checkout::inspect(&target)?.map(|state| state.modified).unwrap_or_default();
        let (old, mut new) = (checkout::top_level(&target)?, checkout::top_level(&staged)?);
        // What is carried may lie in a folder that the new version does not have.
        new.extend(self.carry_inside(&target, &staged)?);
        new.sort();
        new.dedup();
        for name in old.iter().map(String::as_str).filter(|name| !STAY.contains(name)) {
            if target.join(name).symlink_metadata().is_err() {
            } else if changed.iter().any(|path| top(path) == name) {
                self.retire(&target.join(name))?;
            } else {
                self.transaction.discard(&target.join(name))?;
            }
        }
        if own_work {
            self.retire(&target.join(".git"))?;
        } else {
            self.transaction.discard(&target.join(".git"))?;
        }
        self.transaction.rename(&staged.join(".git"), &target.join(".git"))?;
        for name in new.iter().map(String::as_str).filter(|name| !STAY.contains(name)) {
            // A file of the user's that the new version has under the same name.
            if !old.iter().any(|known| known == name) && target.join(name).symlink_metadata().is_ok() {
                self.retire(&target.join(name))?;
            }
            self.transaction.rename(&staged.join(name), &target.join(name))?;
        }
        Ok(())
    }

    /// Carries files of the user's that lie in ComfyUI's own folders; returns the names at the top
    /// that they lie below. What lies beside those folders stays where it is.
    fn carry_inside(&mut self, old: &Path, new: &Path) -> Result<Vec<String>, Error> {
        let tracked = checkout::top_level(old)?;
        let inside: Vec<String> = checkout::untracked(old)?
            .into_iter()
            .filter(|path| path.contains('/') && tracked.iter().any(|name| name == top(path)))
            .filter(|path| !STAY.contains(&top(path)) && !is_made_by_python(path))
            .collect();
        let carried = self.carry(old, new, &inside)?;
        Ok(carried.into_iter().map(|path| top(&path).to_owned()).collect())
    }
}

/// The entry at the top that a path lies in.
fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}
