//! How many of one kind of work run at once: in all, and for one user. Who comes later waits in a bounded queue.
//!
//! A wait goes on while the queue moves and ends when nothing came free for a while: sixty quick
//! clones are all served, and behind thirty stuck ones the next is told so at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::caller::Sender;
use super::error::Problem;
use crate::configuration::{Configuration, Transfer};
use crate::service::visitor::Visitor;

/// Too many run and wait, or those that run do not come to an end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub is busy")]
pub(crate) struct Busy;

/// Seconds after which a client that was sent away may try again.
const RETRY_AFTER: u32 = 5;

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", busy.to_string()).retry_after(RETRY_AFTER)
    }
}

/// The bounds of clones, of pushes, and of model files in either direction.
#[derive(Debug)]
pub(crate) struct Gates {
    pub(crate) fetch: Arc<Gate>,
    pub(crate) push: Arc<Gate>,
    pub(crate) upload: Arc<Gate>,
    pub(crate) download: Arc<Gate>,
}

impl Gates {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let files = |at_once, at_once_per_user| {
            Gate::new(Transfer { at_once, at_once_per_user, ..configuration.fetch.clone() })
        };
        let blobs = &configuration.blobs;
        Self {
            fetch: Gate::new(configuration.fetch.clone()),
            push: Gate::new(configuration.push.transfer()),
            upload: files(blobs.uploads, blobs.uploads_per_user),
            download: files(blobs.downloads, blobs.downloads_per_user),
        }
    }
}

/// Whose limit a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    User(i64),
    /// Somebody who did not sign in.
    Address(IpAddr),
}

impl Who {
    pub(super) fn of(visitor: &Visitor, sender: &Sender) -> Self {
        match visitor {
            Visitor::Caller(caller) => Self::User(caller.user_id),
            Visitor::Anonymous { .. } | Visitor::Operator => Self::Address(sender.peer.address),
        }
    }
}

/// Permits of one kind, and the news that one came free.
#[derive(Debug, Clone)]
struct Pool {
    permits: Arc<Semaphore>,
    freed: Arc<watch::Sender<()>>,
}

impl Pool {
    fn new(count: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(count)), freed: Arc::new(watch::Sender::new(())) }
    }

    /// A permit; none when nothing came free for as long as `patience`.
    async fn take(&self, patience: Duration) -> Option<Held> {
        let mut freed = self.freed.subscribe();
        let taken = self.permits.clone().acquire_owned();
        tokio::pin!(taken);
        loop {
            tokio::select! {
                biased;
                permit = &mut taken => return Some(Held { permit: Some(permit.ok()?), freed: self.freed.clone() }),
                _ = freed.changed() => {}
                () = tokio::time::sleep(patience) => return None,
            }
        }
    }
}

/// A permit that tells the others when it comes free.
#[derive(Debug)]
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    freed: Arc<watch::Sender<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.freed.send_replace(());
    }
}

/// Bounds one service.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: Transfer,
    all: Pool,
    users: Mutex<HashMap<Who, Pool>>,
    waiting: AtomicUsize,
}

/// The right to do one piece of work, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _all: Held,
    _user: Held,
    share: Share,
}

impl Permit {
    /// What holds for whoever has it.
    pub(super) fn limits(&self) -> &Transfer {
        &self.share.gate.limits
    }
}

/// One user's permits, known to the gate for as long as somebody uses them or waits for them.
#[derive(Debug)]
struct Share {
    who: Who,
    pool: Pool,
    gate: Arc<Gate>,
}

impl Share {
    fn of(gate: &Arc<Gate>, who: Who) -> Self {
        let pool = gate.hold().entry(who).or_insert_with(|| Pool::new(gate.limits.at_once_per_user)).clone();
        Self { who, pool, gate: gate.clone() }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut users = self.gate.hold();
        // The map's own copy and this one.
        if Arc::strong_count(&self.pool.permits) == 2 {
            users.remove(&self.who);
        }
    }
}

impl Gate {
    pub(crate) fn new(limits: Transfer) -> Arc<Self> {
        let all = Pool::new(limits.at_once);
        Arc::new(Self { limits, all, users: Mutex::default(), waiting: AtomicUsize::new(0) })
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// When too many wait already, or nothing comes free.
    pub(crate) async fn admit(self: &Arc<Self>, who: Who) -> Result<Permit, Busy> {
        let patience = self.limits.patience.duration();
        let share = Share::of(self, who);
        let _place = Place::take(self, &share.pool).ok_or(Busy)?;
        let user = share.pool.take(patience).await.ok_or(Busy)?;
        let all = self.all.take(patience).await.ok_or(Busy)?;
        Ok(Permit { _all: all, _user: user, share })
    }

    /// How many run now.
    pub(crate) fn running(&self) -> usize {
        self.limits.at_once - self.all.permits.available_permits()
    }

    /// How many wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn hold(&self) -> MutexGuard<'_, HashMap<Who, Pool>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, given back when it is dropped.
struct Place<'a>(&'a Gate);

impl<'a> Place<'a> {
    fn take(gate: &'a Gate, user: &Pool) -> Option<Self> {
        let place = Self(gate);
        let ahead = gate.waiting.fetch_add(1, Ordering::Relaxed);
        // Whoever finds a free permit of either kind does not wait, so the queue may have no places at all.
        let is_free = [&gate.all, user].iter().all(|pool| pool.permits.available_permits() > 0);
        (ahead < gate.limits.queue || is_free).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(at_once: usize, at_once_per_user: usize, queue: usize) -> Arc<Gate> {
        Gate::new(Transfer { at_once, at_once_per_user, queue, ..Transfer::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_served_while_the_queue_moves() {
        let gate = gate(1, 1, 10);
        let mut held = gate.admit(Who::User(0)).await.unwrap();
        let started = tokio::time::Instant::now();
        let waiting: Vec<_> = (1..6)
            .map(|user| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.admit(Who::User(user)).await })
            })
            .collect();
        // Each holds the only permit for most of the patience: the last waits four times as long.
        for task in waiting {
            tokio::time::sleep(Duration::from_millis(1400)).await;
            drop(held);
            held = task.await.unwrap().unwrap();
        }
        assert!(started.elapsed() > Duration::from_secs(6));
        assert_eq!((gate.running(), gate.waiting()), (1, 0));
        drop(held);
        assert_eq!(gate.running(), 0);
        assert!(gate.hold().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_stuck_permit_the_next_is_sent_away_soon() {
        let gate = gate(1, 1, 10);
        let _held = gate.admit(Who::User(0)).await.unwrap();
        let started = tokio::time::Instant::now();
        assert!(gate.admit(Who::User(1)).await.is_err());
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!(gate.hold().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_user_does_not_take_everything_and_the_queue_has_an_end() {
        let gate = gate(3, 2, 1);
        let (_one, _two) = (gate.admit(Who::User(0)).await.unwrap(), gate.admit(Who::User(0)).await.unwrap());
        assert!(gate.admit(Who::User(0)).await.is_err(), "two at once are this user's share");
        let _other = gate.admit(Who::User(1)).await.unwrap();
        let waits = tokio::spawn({
            let gate = gate.clone();
            async move { gate.admit(Who::User(2)).await.is_ok() }
        });
        tokio::task::yield_now().await;
        let started = tokio::time::Instant::now();
        assert!(gate.admit(Who::User(3)).await.is_err(), "the queue has one place");
        assert!(started.elapsed().is_zero());
        assert!(!waits.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_all_of_their_own_waits_in_the_queue_like_everybody() {
        let gate = gate(3, 1, 1);
        let _one = gate.admit(Who::User(0)).await.unwrap();
        let waits = tokio::spawn({
            let gate = gate.clone();
            async move { gate.admit(Who::User(0)).await.is_ok() }
        });
        tokio::task::yield_now().await;
        let started = tokio::time::Instant::now();
        assert!(gate.admit(Who::User(0)).await.is_err(), "two permits are free, but none of this user's");
        assert!(started.elapsed().is_zero());
        assert!(gate.admit(Who::User(1)).await.is_ok());
        assert!(!waits.await.unwrap());
    }
}
