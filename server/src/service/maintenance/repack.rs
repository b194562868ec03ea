//! One pack out of many.

use comfydock_git::bare::list_packs;
use comfydock_git::upkeep::Task;

use super::process;
use crate::service::Error;
use crate::state::Hub;

/// Packs a repository anew. People clone and push meanwhile: git makes the new pack first, and what
/// nothing reaches stays for as long as the configuration says.
pub(super) fn run(hub: &Hub, environment_id: &str, may_go_on: &dyn Fn() -> bool) -> Result<(), Error> {
    let repository = hub.data.repository(environment_id);
    if !repository.join("HEAD").exists() {
        // Removed since.
        return Ok(());
    }
    let packs = || list_packs(&repository).map_or(0, |packs| packs.len());
    let version = hub.git.version().map_err(Error::repository)?;
    let before = packs();
    let span = hub.configuration.maintenance.prune_after.duration();
    for task in [Task::ExpireLogs(span), Task::PackReferences, Task::Repack(span)] {
        process::run(&hub.git.upkeep(&repository, task, version), &hub.data, may_go_on)?;
    }
    tracing::info!(id = environment_id, before, after = packs(), "repacked");
    Ok(())
}
