//! What the hub does by itself: one piece of work at a time, under a lease, so that two processes on
//! one folder never do the same.

mod lease;
mod process;
mod queue;
mod repack;
mod sweep;

pub(crate) use lease::{Lease, Purpose};
pub(crate) use queue::start;
pub(crate) use sweep::leftover_age;

use comfydock_git::bare::list_packs;

use super::Error;
use crate::clock;
use crate::db::jobs;
use crate::state::Hub;

/// Kinds of work, as they stand in the database.
const REPACK: &str = "repack";
const SWEEP: &str = "sweep";

/// Every push adds a pack; too many of them make clones slow.
pub(crate) fn after_push(hub: &Hub, environment_id: &str) -> Result<(), Error> {
    let repository = hub.data.repository(environment_id);
    let failed = |error| Error::system(format!("cannot read {}", repository.display()), error);
    if list_packs(&repository).map_err(failed)?.len() > hub.configuration.maintenance.packs {
        hub.database.write(|transaction| jobs::ask(transaction, REPACK, environment_id, clock::now()))?;
    }
    Ok(())
}
