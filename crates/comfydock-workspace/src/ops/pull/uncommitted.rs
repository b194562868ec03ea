//! What lies here and no commit has: kept where the pull leaves it alone, in its way otherwise
//! (decision 29).

use std::collections::BTreeMap;

use comfydock_core::foreign;
use comfydock_core::plan::reach::Plan;

use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::ops::change::{refuse_changed, saved_meanwhile};
use crate::ops::together::refuse_uncommitted;

/// ComfyUI's workflows and the manifest as they were when a pull was planned.
pub(super) struct Seen {
    pub(super) live: BTreeMap<String, String>,
    pub(super) manifest: String,
}

impl Seen {
    pub(super) fn of(environment: &Environment) -> Result<Self, Error> {
        Ok(Self { live: observe::live_workflows(environment)?, manifest: environment.manifest()?.text() })
    }

    /// Refuses when what the plan touches was saved since.
    pub(super) fn still(&self, environment: &Environment, plan: &Plan) -> Result<(), Error> {
        let mut changed = saved_meanwhile(environment, plan, &self.live)?;
        if environment.manifest()?.text() != self.manifest {
            changed.push(".cec/pyproject.toml".to_owned());
        }
        refuse_changed(changed)
    }
}

/// The target with what was added here and not committed (`node add`): it counts where the other side
/// changed nothing, and packages are built from it.
pub(super) fn kept(
    environment: &Environment,
    seen: &Seen,
    base: &Committed,
    mut target: Committed,
    behind: usize,
) -> Result<Committed, Error> {
    if behind > 0 && seen.manifest != base.manifest_text && target.manifest_text != base.manifest_text {
        return Err(Error::refused(
            "the manifest has changes that are not committed, and it changed there too",
            "run `comfydock commit` or undo them in .cec/pyproject.toml; nothing was changed",
        ));
    }
    if target.manifest_text == base.manifest_text {
        seen.manifest.clone_into(&mut target.manifest_text);
    }
    if target.files.get(foreign::PYTHON_LOCK) == base.files.get(foreign::PYTHON_LOCK)
        && let Ok(lock) = std::fs::read(environment.cec().join(foreign::PYTHON_LOCK))
    {
        target.files.insert(foreign::PYTHON_LOCK.to_owned(), lock);
    }
    Ok(target)
}

/// Refuses when manifest or lock have changes that no commit has.
pub(super) fn refuse_packages(environment: &Environment, head: &Committed) -> Result<(), Error> {
    let message = "histories have diverged, and there are changes that are not committed; nothing was changed";
    refuse_uncommitted(environment, head, message, "run `comfydock commit` first, or undo them; then pull again")
}

/// Files of `.cec` besides manifest and workflows that were changed here and there.
pub(super) fn changed_on_both_sides(environment: &Environment, base: &Committed, target: &Committed) -> Vec<String> {
    let there = |path: &String| target.files.get(path) != base.files.get(path);
    let here = |path: &String| {
        let now = std::fs::read(environment.cec().join(path)).ok();
        now.as_ref() != base.files.get(path) && now.as_ref() != target.files.get(path)
    };
    let paths = base.files.keys().chain(target.files.keys().filter(|path| !base.files.contains_key(*path)));
    paths
        .filter(|path| *path != foreign::MANIFEST && there(path) && here(path))
        .map(|path| format!(".cec/{path} was changed here and there"))
        .collect()
}
