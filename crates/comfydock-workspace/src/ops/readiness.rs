//! Whether an environment's workflows are ready on this machine, looked at anew.

use comfydock_core::plan::ready::{self, Found, Ready};

use super::{commit, missing_packs};
use crate::Error;
use crate::environment::Environment;
use crate::observe;
use crate::reporter::Reporter;

/// Every workflow of the environment that a commit was drafted of, and what it lacks. Nobody outside is asked.
///
/// # Errors
/// When the workflows or the node packs cannot be looked at.
pub fn readiness(
    environment: &Environment,
    draft: &commit::Draft,
    reporter: &dyn Reporter,
) -> Result<Vec<Ready>, Error> {
    let manifest = draft.plan().manifest.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
    let live = observe::live_workflows(environment)?;
    let packs = missing_packs::find(environment, &live, None, None, reporter)?;
    Ok(ready::readiness(&Found {
        manifest: &manifest,
        library: draft.library(),
        open: draft.open(),
        misnamed: draft.misnamed(),
        packs: &packs,
        awaits_packs: !draft.adoption().missing.is_empty(),
    }))
}
