//! What a push means: judged in quarantine, recorded, and indexed before it is acknowledged.

mod history;
mod index;
mod judge;
mod pending;
mod socket;
mod undo;

pub(crate) use history::learn_all as learn_history;
pub(crate) use index::rebuild;
pub(crate) use pending::{PendingPushes, Ticket};
pub(crate) use socket::answer_hooks;
pub(crate) use undo::{clear, recover};

use std::path::Path;

use comfydock_git::serve::find_reference;

use self::pending::Push;
use super::access::Target;
use super::{Error, maintenance, readiness};
use crate::clock;
use crate::db::pushes::UnderWay;
use crate::db::{audit, pushes};
use crate::state::Hub;

/// Looks before a push begins: there must be room for it, and nothing of an earlier one left over.
pub(crate) fn make_ready(hub: &Hub, target: &Target) -> Result<(), Error> {
    readiness::check_room(hub)?;
    match target {
        Target::Existing(environment) => undo::clear(hub, environment),
        Target::New { .. } => Ok(()),
    }
}

/// Whether a reference's new value means that it goes away.
fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// The branch every environment lives on.
const MAIN: &str = "refs/heads/main";

/// What is left to do once git has ended: the tip is indexed and what landed is recorded. Only then
/// may the client hear that it succeeded; when it fails, or git did not come to its end, the
/// references go back.
pub(crate) fn settle(hub: &Hub, ticket: &Ticket, git_ended_well: bool) -> Result<(), Error> {
    let Some((push, journal)) = hub.pushes.conclude(ticket) else {
        hub.metrics.pushed("refused");
        return Ok(());
    };
    let repository = hub.data.repository(&push.environment.id);
    let outcome = if git_ended_well {
        record(hub, &push, journal, &repository)
    } else {
        Err(Error::Interrupted("git was ended before its report".to_owned()))
    };
    if let Err(error) = &outcome {
        tracing::error!(environment = push.environment.path(), error = error.chain(), "a push is taken back");
        let updates = pending::written(&push.updates);
        let push_under_way = UnderWay { id: journal, actor: push.caller.user.clone(), updates };
        undo::take_back(hub, &push.environment, &push_under_way)?;
    }
    hub.metrics.pushed(match outcome {
        Ok(true) => "accepted",
        Ok(false) => "refused",
        Err(_) => "failed",
    });
    outcome.map(drop)
}

/// Indexes and records a push in one transaction. False when git itself let none of it land.
fn record(hub: &Hub, push: &Push, journal: i64, repository: &Path) -> Result<bool, Error> {
    let mut landed = Vec::new();
    for update in &push.updates {
        let now = find_reference(repository, &update.reference).map_err(Error::repository)?;
        if now.as_ref().map_or(is_zero(&update.new), |now| *now == update.new) {
            landed.push(update.to_string());
        }
    }
    let (subject, detail) = (push.environment.path(), landed.join("\n"));
    index::bring_up_to_date(hub, &push.environment, |transaction| {
        pushes::end(transaction, journal)?;
        if landed.is_empty() {
            return Ok(());
        }
        let now = clock::now();
        for allowed in &push.allowed {
            let detail = format!("{}\n{}", allowed.rule, allowed.findings.join("\n"));
            audit::record(transaction, now, &push.caller.user, "push.allow", &subject, &detail)?;
        }
        audit::record(transaction, now, &push.caller.user, "push", &subject, &detail)
    })?;
    if landed.is_empty() {
        tracing::info!(environment = subject, user = push.caller.user, "git moved nothing of a push");
        return Ok(false);
    }
    tracing::info!(environment = subject, user = push.caller.user, token = push.caller.token_id, "pushed");
    if let Err(error) = maintenance::after_push(hub, &push.environment.id) {
        // The push has landed; the next sweep finds the packs.
        tracing::warn!(error = error.chain(), "maintenance was not asked for");
    }
    Ok(true)
}
