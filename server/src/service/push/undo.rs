//! A push whose success could not be told did not happen: its references go back.

use std::path::Path;
use std::sync::MutexGuard;

use comfydock_git::serve::{Move, find_reference};

use super::pending::Update;
use super::{index, is_zero};
use crate::barrier::Passage;
use crate::clock;
use crate::db::environments::{self, Environment};
use crate::db::pushes::UnderWay;
use crate::db::{audit, pushes};
use crate::service::Error;
use crate::state::Hub;

/// Puts back what a push moved, where nobody has moved it on since. True when anything was.
fn undo(hub: &Hub, repository: &Path, updates: &[Update]) -> Result<bool, Error> {
    let mut was_moved = false;
    for update in updates {
        let now = find_reference(repository, &update.reference).map_err(Error::repository)?;
        // What was there all the time was not brought by this push.
        let is_there = now.as_deref().map_or(is_zero(&update.new), |now| now == update.new);
        if is_there && update.old != update.new {
            let back = Move { reference: &update.reference, from: &update.new, to: &update.old };
            hub.git.move_reference(repository, &back).map_err(Error::repository)?;
            was_moved = true;
        }
    }
    Ok(was_moved)
}

/// Takes a push back and out of the journal.
pub(super) fn take_back(hub: &Hub, environment: &Environment, push: &UnderWay) -> Result<(), Error> {
    let updates: Vec<Update> = push.updates.lines().filter_map(Update::recall).collect();
    let was_moved = undo(hub, &hub.data.repository(&environment.id), &updates)?;
    let name = environment.path();
    hub.database.write(|transaction| {
        pushes::end(transaction, push.id)?;
        if was_moved {
            audit::record(transaction, clock::now(), &push.actor, "push.undone", &name, &push.updates)?;
        }
        Ok(())
    })?;
    if was_moved {
        tracing::warn!(environment = name, user = push.actor, "took back a push that was cut off");
    }
    Ok(())
}

/// Takes back what is still in the journal though its push is over, because it could not be done then: a
/// full disk, say. Until it is done nothing further may be pushed, nor be called up to date: the push
/// that is told so would be taken back with it.
pub(super) fn make_good(
    hub: &Hub,
    environment: &Environment,
    _passage: &Passage,
    _noting: &MutexGuard<'_, ()>,
) -> Result<(), Error> {
    // In this order: a push leaves the journal before it is over.
    let alive = hub.pushes.journals();
    let left = hub.database.read(|connection| pushes::to(connection, &environment.id))?;
    for push in left.iter().filter(|push| !alive.contains(&push.id)) {
        take_back(hub, environment, push)?;
    }
    Ok(())
}

/// As [`make_good`], for whoever is not pushing yet.
pub(crate) fn clear(hub: &Hub, environment: &Environment) -> Result<(), Error> {
    if hub.database.read(|connection| pushes::to(connection, &environment.id))?.is_empty() {
        return Ok(());
    }
    let passage = Passage::enter(&hub.data)?;
    make_good(hub, environment, &passage, &hub.pushes.note())
}

/// Takes back the pushes that a crash cut off between the hook's yes and the report. Their clients
/// were told nothing, or that the connection broke. One broken repository does not keep the others
/// from being served; pushes to it are refused.
pub(crate) fn recover(hub: &Hub) -> Result<(), Error> {
    let left = hub.database.read(pushes::environments)?;
    for environment in hub.database.read(environments::all)?.iter().filter(|found| left.contains(&found.id)) {
        if let Err(error) = clear(hub, environment) {
            tracing::error!(environment = environment.path(), error = error.chain(), "a push cannot be taken back");
        }
    }
    index::catch_up(hub)
}
