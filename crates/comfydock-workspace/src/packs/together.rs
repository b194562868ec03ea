//! Several packs at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use comfydock_core::digest::Sha256;
use comfydock_core::pack_identifier::{RegistryId, Version};

use super::{Store, Stored, fetch};
use crate::Error;
use crate::remote::registry::Registry;

/// Packs that are fetched at a time: more would only make the registry say that it is too much.
const AT_ONCE: usize = 4;

/// A version that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The pack.
    pub id: RegistryId,
    /// The version.
    pub version: Version,
    /// What its zip must hash to, if that was recorded.
    pub expected_sha256: Option<Sha256>,
}

impl Store {
    /// Fetches all of them, several at a time, and gives what became of each, in their order.
    pub fn fetch_each(&self, registry: &Registry<'_>, wanted: &[Wanted]) -> Vec<Result<Stored, Error>> {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Result<Stored, Error>>>> = Mutex::new(wanted.iter().map(|_| None).collect());
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(wanted.len()) {
                scope.spawn(|| {
                    while let Some((position, one)) = take(&next, wanted) {
                        let result = self.fetch(registry, &one.id, one.version, one.expected_sha256.as_ref());
                        results.lock().unwrap_or_else(PoisonError::into_inner)[position] = Some(result);
                    }
                });
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.into_iter().flatten().collect()
    }

    /// Fetches all of them, several at a time.
    ///
    /// # Errors
    /// When one cannot be had; a line for each. Those that could are kept.
    pub fn fetch_all(&self, registry: &Registry<'_>, wanted: &[Wanted]) -> Result<Vec<Stored>, Error> {
        let (mut stored, mut failed) = (Vec::new(), Vec::new());
        for (one, result) in wanted.iter().zip(self.fetch_each(registry, wanted)) {
            match result {
                Ok(one) => stored.push(one),
                Err(error) => failed.push((one, error)),
            }
        }
        match failed.len() {
            0 => Ok(stored),
            1 => Err(failed.remove(0).1),
            count => Err(Error::Refused {
                message: format!("{count} of {} node packs cannot be had", wanted.len()),
                details: failed.iter().map(|(one, error)| format!("{}: {}", one.id, fetch::line(error))).collect(),
                hint: None,
            }),
        }
    }
}

fn take<'list>(next: &AtomicUsize, wanted: &'list [Wanted]) -> Option<(usize, &'list Wanted)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    Some((position, wanted.get(position)?))
}
