//! What a push means: judged in quarantine, recorded, and indexed before it is acknowledged.

mod index;
mod judge;
mod pending;
mod socket;

pub(crate) use index::catch_up;
pub(crate) use pending::{PendingPushes, Ticket};
pub(crate) use socket::answer_hooks;

use comfydock_git::serve::find_reference;

use super::Error;
use crate::clock;
use crate::db::audit;
use crate::state::Hub;

/// Whether a reference's new value means that it goes away.
fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// The branch every environment lives on.
const MAIN: &str = "refs/heads/main";

/// What is left to do once git has ended: the tip is indexed and what landed is recorded. Only then
/// may the client hear that it succeeded.
pub(crate) fn settle(hub: &Hub, ticket: &Ticket) -> Result<(), Error> {
    let Some(push) = hub.pushes.accepted(ticket) else {
        return Ok(());
    };
    index::bring_up_to_date(hub, &push.environment)?;
    let repository = hub.data.repository(&push.environment.id);
    let mut landed = Vec::new();
    for update in &push.updates {
        let now = find_reference(&repository, &update.reference).map_err(Error::repository)?;
        if now.as_ref().map_or(is_zero(&update.new), |now| *now == update.new) {
            landed.push(update.to_string());
        }
    }
    if landed.is_empty() {
        return Ok(());
    }
    let subject = format!("{}/{}", push.environment.owner, push.environment.name);
    let detail = landed.join("\n");
    hub.database
        .write(|transaction| audit::record(transaction, clock::now(), &push.caller.user, "push", &subject, &detail))?;
    tracing::info!(environment = subject, user = push.caller.user, token = push.caller.token_id, "pushed");
    Ok(())
}
