//! A push whose success could not be told did not happen: its references go back.

use std::collections::HashMap;
use std::path::Path;

use comfydock_git::serve::{Move, find_reference};

use super::is_zero;
use super::pending::Update;
use crate::barrier::Passage;
use crate::clock;
use crate::db::environments::{self, Environment};
use crate::db::{audit, pushes};
use crate::service::Error;
use crate::state::Hub;

/// Puts back what a push moved, where nobody has moved it on since.
pub(super) fn undo(hub: &Hub, repository: &Path, updates: &[Update]) -> Result<(), Error> {
    for update in updates {
        let now = find_reference(repository, &update.reference).map_err(Error::repository)?;
        if now.as_deref().map_or(is_zero(&update.new), |now| now == update.new) {
            let back = Move { reference: &update.reference, from: &update.new, to: &update.old };
            hub.git.move_reference(repository, &back).map_err(Error::repository)?;
        }
    }
    Ok(())
}

/// Takes back the pushes that a crash cut off between the hook's yes and the report. Their clients
/// were told nothing, or that the connection broke.
pub(crate) fn recover(hub: &Hub) -> Result<(), Error> {
    let _passage = Passage::enter(&hub.data)?;
    let left = hub.database.read(pushes::all)?;
    if left.is_empty() {
        return Ok(());
    }
    let all = hub.database.read(environments::all)?;
    let known: HashMap<_, _> = all.into_iter().map(|environment| (environment.id.clone(), environment)).collect();
    for push in left {
        let name = known.get(&push.environment_id).map_or(push.environment_id.clone(), Environment::path);
        let updates: Vec<Update> = push.updates.lines().filter_map(Update::recall).collect();
        undo(hub, &hub.data.repository(&push.environment_id), &updates)?;
        hub.database.write(|transaction| {
            pushes::end(transaction, push.id)?;
            audit::record(transaction, clock::now(), &push.actor, "push.undone", &name, &push.updates)
        })?;
        tracing::warn!(environment = name, user = push.actor, "took back a push that was cut off");
    }
    Ok(())
}
