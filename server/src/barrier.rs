//! Where pushes stop for the moment of a backup.
//!
//! Two locks: everybody goes through the gate, so that a backup which waits is not overtaken by
//! ever new pushes, and pushes hold the way behind it together until they are settled.

use std::time::{Duration, Instant};

use comfydock_store::file;
use comfydock_store::lock::Lock;

use crate::data::DataFolder;

/// Pushes cannot be stopped, or a push cannot pass.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Lock(#[from] file::Error),
    #[error("pushes under way did not end within {0} seconds")]
    Busy(u64),
}

/// How long references may lag behind the database or the other way round: from the hook's yes to
/// the end of a push. Nobody may see the two together while any push holds this.
#[derive(Debug)]
pub(crate) struct Passage {
    _way: Lock,
}

impl Passage {
    /// Goes through; waits for a backup's moment to pass.
    pub(crate) fn enter(data: &DataFolder) -> Result<Self, Error> {
        let gate = Lock::exclusive(&data.pushes_gate())?;
        let way = Lock::shared(&data.pushes_lock())?;
        drop(gate);
        Ok(Self { _way: way })
    }
}

/// Nobody is between a hook's yes and the end of a push while this is held.
#[derive(Debug)]
pub(crate) struct Standstill {
    _gate: Lock,
    _way: Lock,
}

impl Standstill {
    /// Waits for pushes under way, but not longer than `patience`: meanwhile others wait for us.
    pub(crate) fn bring_about(data: &DataFolder, patience: Duration) -> Result<Self, Error> {
        let deadline = Instant::now() + patience;
        let gate = Lock::exclusive(&data.pushes_gate())?;
        loop {
            if let Some(way) = Lock::try_exclusive(&data.pushes_lock())? {
                return Ok(Self { _gate: gate, _way: way });
            }
            if Instant::now() >= deadline {
                return Err(Error::Busy(patience.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_not_overtaken_and_pushes_wait_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let under_way = [Passage::enter(&data).unwrap(), Passage::enter(&data).unwrap()];
        assert!(matches!(Standstill::bring_about(&data, Duration::ZERO), Err(Error::Busy(0))));
        let (reached, moment) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let data = &data;
            let backup = scope.spawn(move || {
                let still = Standstill::bring_about(data, Duration::from_secs(60)).unwrap();
                reached.send(()).unwrap();
                still
            });
            // The backup waits at the way, so the gate is closed for the next push.
            while Lock::try_exclusive(&data.pushes_gate()).unwrap().is_some() {
                std::thread::yield_now();
            }
            let late = scope.spawn(move || Passage::enter(data).unwrap());
            assert!(moment.try_recv().is_err());
            drop(under_way);
            moment.recv().unwrap();
            let still = backup.join().unwrap();
            assert!(Lock::try_shared(&data.pushes_lock()).unwrap().is_none());
            assert!(!late.is_finished());
            drop(still);
            late.join().unwrap();
        });
    }
}
