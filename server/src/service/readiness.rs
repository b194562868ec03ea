//! Whether the hub can do its work at the moment.

use comfydock_store::space::Space;
use serde::Serialize;

use crate::data::HOOK;
use crate::state::Hub;

/// Bytes that must be free for a push to be taken.
const FREE: u64 = 256 * 1024 * 1024;

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
    let space = Space::of(hub.data.root()).map(|space| space.available).map_err(|error| error.to_string());
    check("disk", space.and_then(|free| if free < FREE { Err(format!("{free} bytes are free")) } else { Ok(()) }));
    problems
}
