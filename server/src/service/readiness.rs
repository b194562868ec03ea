//! Whether the hub can do its work at the moment.

use comfydock_store::space::Space;
use serde::Serialize;

use super::Error;
use crate::data::HOOK;
use crate::state::Hub;

/// A part that does not work.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    pub(crate) part: &'static str,
    pub(crate) message: String,
}

/// What keeps the hub from working; nothing when all is well.
pub(crate) fn problems(hub: &Hub) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut check = |part, outcome: Result<(), String>| {
        problems.extend(outcome.err().map(|message| Problem { part, message }));
    };
    let read = hub.database.read(|connection| connection.query_row("SELECT count(*) FROM accounts", [], |_| Ok(())));
    check("database", read.map_err(|error| error.to_string()));
    let hook = hub.data.hooks().join(HOOK);
    check("hook", hook.metadata().map(|_| ()).map_err(|error| format!("git's hook cannot be used: {error}")));
    check("disk", check_room(hub).map_err(|error| error.to_string()));
    problems
}

/// Whether there is room for a push. On a full disk neither its objects nor its undoing would fit.
pub(crate) fn check_room(hub: &Hub) -> Result<(), Error> {
    let failed = |error| Error::system("cannot tell how much room there is", error);
    let free = Space::of(hub.data.root()).map_err(failed)?.available;
    let wanted = hub.configuration.push.free_space;
    if free < wanted.count() {
        return Err(Error::NoRoom { free, wanted: wanted.count() });
    }
    Ok(())
}
