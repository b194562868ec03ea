//! The queue and the thread that works on it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Lease, Purpose, REPACK, SWEEP, repack, sweep};
use crate::clock::{self, Seconds};
use crate::db::jobs::{self, Job};
use crate::service::Error;
use crate::state::{App, Hub};

/// How often the hub looks at every repository.
const SWEPT_EVERY: Seconds = 60 * 60;
/// The longest pause after failures.
const LONGEST_PAUSE: Seconds = 24 * 60 * 60;

/// The thread that works on the queue. Dropping it ends the work under way and waits for that.
pub(crate) struct Worker {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// Whether work shall end.
#[derive(Default)]
struct Stop {
    told: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn is_told(&self) -> bool {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not once it is told; true then.
    fn wait(&self, time: Duration) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(told, time, |told| !*told);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        *self.stop.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Begins to work on the queue.
pub(crate) fn start(hub: &App) -> Result<Worker, Error> {
    hub.database.write(|transaction| jobs::ask(transaction, SWEEP, "", clock::now()))?;
    let stop = Arc::<Stop>::default();
    let (hub, told) = (hub.clone(), stop.clone());
    let thread = std::thread::Builder::new().name("maintenance".to_owned()).spawn(move || {
        loop {
            match work(&hub, &told) {
                Ok(true) => {}
                Ok(false) if told.wait(hub.configuration.maintenance.every.duration()) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(error = error.chain(), "maintenance is disturbed");
                    if told.wait(hub.configuration.maintenance.every.duration()) {
                        return;
                    }
                }
            }
        }
    });
    let thread = thread.map_err(|error| Error::system("cannot start maintenance", error))?;
    Ok(Worker { stop, thread: Some(thread) })
}

/// Does one piece of work; false when there is nothing to do now.
fn work(hub: &Hub, stop: &Stop) -> Result<bool, Error> {
    let due = |connection: &rusqlite::Connection| jobs::find_due(connection, clock::now());
    if stop.is_told() || hub.database.read(due)?.is_none() {
        return Ok(false);
    }
    let Some(lease) = Lease::take(&hub.data.database(), Purpose::Upkeep)? else { return Ok(false) };
    // Another process may have done it before the lease was ours.
    let Some(job) = hub.database.read(due)? else { return Ok(false) };
    let may_go_on = || !stop.is_told() && lease.is_held();
    let outcome = match job.kind.as_str() {
        REPACK => repack::run(hub, &job.subject, &may_go_on).map(|()| None),
        SWEEP => sweep::run(hub, &may_go_on).map(|()| Some(clock::now() + SWEPT_EVERY)),
        other => Err(Error::invalid(format!("this hub does not know the work `{other}`"))),
    };
    if stop.is_told() {
        // What was broken off is due at the next start.
        return Ok(false);
    }
    settle(hub, &job, outcome)?;
    Ok(true)
}

fn settle(hub: &Hub, job: &Job, outcome: Result<Option<Seconds>, Error>) -> Result<(), Error> {
    let failure = match outcome {
        Ok(None) => return Ok(hub.database.write(|transaction| jobs::done(transaction, job))?),
        Ok(Some(next)) => return Ok(hub.database.write(|transaction| jobs::put_off(transaction, job, next, None))?),
        Err(error) => error.chain(),
    };
    tracing::error!(kind = job.kind, subject = job.subject, error = failure, "maintenance failed");
    let due_at = clock::now() + pause(job.attempts);
    Ok(hub.database.write(|transaction| jobs::put_off(transaction, job, due_at, Some(&failure)))?)
}

/// How long to leave alone what failed so often: a minute, then twice as long each time.
fn pause(attempts: u32) -> Seconds {
    60_i64.checked_shl(attempts.min(30)).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Database;

    #[test]
    fn pauses_grow_to_a_day() {
        assert_eq!([0, 1, 5, 10, 11, 31, u32::MAX].map(pause), [60, 120, 1920, 61_440, 86_400, 86_400, 86_400]);
    }

    #[test]
    fn work_is_asked_for_once_and_the_oldest_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("hub.db")).unwrap();
        let ask = |subject: &str, at| database.write(|it| jobs::ask(it, REPACK, subject, at)).unwrap();
        let due = |now| database.read(|it| jobs::find_due(it, now)).unwrap();
        ask("b", 20);
        ask("a", 10);
        ask("a", 5);
        assert_eq!(due(9), None);
        let first = due(30).unwrap();
        assert_eq!((first.subject.as_str(), first.due_at), ("a", 10));
        database.write(|it| jobs::put_off(it, &first, 70, Some("why"))).unwrap();
        assert_eq!(due(30).unwrap().subject, "b");
        database.write(|it| jobs::done(it, &due(30).unwrap())).unwrap();
        assert_eq!(due(30), None);
        let again = due(70).unwrap();
        assert_eq!((again.attempts, again.last_error.as_deref()), (1, Some("why")));
        assert_eq!(database.read(jobs::failed).unwrap(), std::slice::from_ref(&again));
        database.write(|it| jobs::put_off(it, &again, 80, None)).unwrap();
        assert_eq!(due(80).unwrap().attempts, 0);
        let before = 80 - 365 * 24 * 60 * 60;
        assert_eq!(due(before).unwrap().due_at, 80, "the clock was set back by a year");
        assert_eq!(database.read(jobs::failed).unwrap(), []);
    }
}
