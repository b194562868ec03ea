//! What is being sent at the moment, and the room on the disk that it is going to take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfydock_store::space::Space;

use crate::service::Error;
use crate::state::Hub;

/// Bytes that a request writes between two looks at the disk.
pub(super) const STEP: u64 = 4 * 1024 * 1024;

/// Uploads by their ids, each with the bytes that are still to come: two requests never write to one.
type Rests = HashMap<String, u64>;

/// The files that are being sent at the moment.
#[derive(Default)]
pub(crate) struct Uploads(Arc<Mutex<Rests>>);

/// Keeps others from a file until it is dropped.
pub(super) struct Claimed {
    all: Arc<Mutex<Rests>>,
    id: String,
}

fn hold(all: &Mutex<Rests>) -> MutexGuard<'_, Rests> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Uploads {
    pub(super) fn claim(&self, id: &str) -> Result<Claimed, Error> {
        let mut all = hold(&self.0);
        if all.contains_key(id) {
            return Err(Error::UnderWay);
        }
        all.insert(id.to_owned(), 0);
        Ok(Claimed { all: self.0.clone(), id: id.to_owned() })
    }

    pub(super) fn is_claimed(&self, id: &str) -> bool {
        hold(&self.0).contains_key(id)
    }

    /// Whether so many bytes more fit, beside what all others are still to send and what must stay free.
    pub(super) fn check_room(&self, hub: &Hub, rest: u64) -> Result<(), Error> {
        check(hub, hold(&self.0).values().fold(rest, |sum, rest| sum.saturating_add(*rest)))
    }
}

impl Claimed {
    /// As [`Uploads::check_room`]; what fits is kept for this request from then on.
    pub(super) fn keep_room(&self, hub: &Hub, rest: u64) -> Result<(), Error> {
        let mut all = hold(&self.all);
        let others = all.iter().filter(|(id, _)| **id != self.id);
        check(hub, others.fold(rest, |sum, (_, rest)| sum.saturating_add(*rest)))?;
        all.insert(self.id.clone(), rest);
        Ok(())
    }

    /// Looks at the disk again: others write to it too. There must be room until the next look of everybody.
    pub(super) fn look_again(&self, hub: &Hub, rest: u64) -> Result<(), Error> {
        let mut all = hold(&self.all);
        all.insert(self.id.clone(), rest);
        check(hub, all.values().fold(0, |sum, rest| sum.saturating_add(STEP.min(*rest))))
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        hold(&self.all).remove(&self.id);
    }
}

/// Whether so much is free, and besides it what must stay free for pushes.
fn check(hub: &Hub, bytes: u64) -> Result<(), Error> {
    let failed = |error| Error::system("cannot tell how much room there is", error);
    let free = Space::of(hub.data.root()).map_err(failed)?.available;
    let wanted = hub.configuration.push.free_space.count().saturating_add(bytes);
    if free < wanted { Err(Error::NoRoom { free, wanted }) } else { Ok(()) }
}
