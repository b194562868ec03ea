//! The regular look at everything.

use std::time::Duration;

use super::after_push;
use crate::clock;
use crate::db::{environments, tokens};
use crate::leftovers;
use crate::service::{Error, blob, changes, purge, push};
use crate::state::Hub;

/// What nothing was written to for a day belongs to nobody.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Forgets sessions that are over, lets deleted environments go whose time is over, then model files that nothing
/// refers to, removes what dead processes left in repositories, takes back pushes that could not be taken back before, and finds
/// repositories with too many packs.
pub(super) fn run(hub: &Hub, may_go_on: &dyn Fn() -> bool) -> Result<(), Error> {
    hub.database.write(|transaction| tokens::forget_sessions(transaction, clock::now()))?;
    let purged = purge::purge_due(&hub.database, &hub.data)?;
    if purged > 0 {
        tracing::info!(purged, "deleted environments whose time was over are gone");
    }
    changes::forget_gone(&hub.database)?;
    // What keeps files from going keeps nothing else from being done.
    if let Err(error) = blob::collect(&hub.database, &hub.data, hub.configuration.blobs.seconds_of_grace(), false) {
        tracing::error!(error = error.chain(), "unused model files stay");
    }
    for environment in hub.database.read(environments::all)? {
        if !may_go_on() {
            return Ok(());
        }
        let outcome = tidy(hub, &environment.id).and_then(|()| push::clear(hub, &environment));
        if let Err(error) = outcome.and_then(|()| after_push(hub, &environment.id)) {
            // The others are looked at all the same.
            tracing::error!(id = environment.id, error = error.chain(), "a repository could not be tidied");
        }
    }
    Ok(())
}

fn tidy(hub: &Hub, id: &str) -> Result<(), Error> {
    let repository = hub.data.repository(id);
    let age = leftover_age(hub.configuration.push.total.duration());
    let failed = |error| Error::system(format!("cannot tidy {}", repository.display()), error);
    leftovers::clear(&repository, age).map_err(failed)
}

/// No push lives longer than it may take, and no packing is that slow.
pub(crate) fn leftover_age(push: Duration) -> Duration {
    DAY.max(push.saturating_mul(2))
}
