//! A lease that is renewed for as long as it is held.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::{self, Seconds};
use crate::db::{Database, leases};
use crate::random;
use crate::service::Error;

/// How long a lease lasts after its holder died, in seconds.
const LASTS: Seconds = 60;
/// How often it is renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(15);

/// What a lease is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Packing, pruning and removing below `repos`.
    Upkeep,
    /// A backup: upkeep waits for it, and there is one at a time.
    Backup,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Upkeep => "upkeep",
            Self::Backup => "backup",
        }
    }

    fn yields_to(self) -> Option<&'static str> {
        match self {
            Self::Upkeep => Some(Self::Backup.name()),
            Self::Backup => None,
        }
    }
}

/// A held lease; dropping it gives it back.
pub(crate) struct Lease {
    purpose: Purpose,
    holder: String,
    lost: Arc<AtomicBool>,
    stop: Option<Sender<()>>,
    renewal: Option<JoinHandle<()>>,
}

impl Lease {
    /// Takes the lease, or returns nothing when somebody else has it.
    pub(crate) fn take(database: &Path, purpose: Purpose) -> Result<Option<Self>, Error> {
        let holder = random::secret::<8>().map_err(|error| Error::Interrupted(error.to_string()))?;
        Self::take_as(database, purpose, &holder)
    }

    /// Takes another lease in the name of this one's holder.
    pub(crate) fn and(&self, database: &Path, purpose: Purpose) -> Result<Option<Self>, Error> {
        Self::take_as(database, purpose, &self.holder)
    }

    fn take_as(database: &Path, purpose: Purpose, holder: &str) -> Result<Option<Self>, Error> {
        let database = Database::open_as_it_is(database)?;
        let now = clock::now();
        let taken = database.write(|transaction| {
            leases::take(transaction, purpose.name(), purpose.yields_to(), holder, now, now + LASTS)
        })?;
        if !taken {
            return Ok(None);
        }
        let lost = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = channel::<()>();
        let (flag, name) = (lost.clone(), holder.to_owned());
        let renewal = std::thread::spawn(move || {
            let mut ends_at = now + LASTS;
            while stopped.recv_timeout(RENEWED_EVERY) == Err(RecvTimeoutError::Timeout) {
                let now = clock::now();
                match database.write(|it| leases::renew(it, purpose.name(), &name, now, now + LASTS)) {
                    Ok(true) => ends_at = now + LASTS,
                    Ok(false) => return flag.store(true, Ordering::Release),
                    Err(error) => {
                        tracing::warn!(%error, "a lease could not be renewed");
                        if now >= ends_at {
                            return flag.store(true, Ordering::Release);
                        }
                    }
                }
            }
            if let Err(error) = database.write(|it| leases::give_back(it, purpose.name(), &name)) {
                tracing::warn!(%error, "a lease could not be given back; it ends by itself");
            }
        });
        Ok(Some(Self { purpose, holder: holder.to_owned(), lost, stop: Some(stop), renewal: Some(renewal) }))
    }

    /// Whether it is still held, as far as this process has noticed.
    pub(crate) fn is_held(&self) -> bool {
        !self.lost.load(Ordering::Acquire)
    }

    /// Asks the database whether it is still held: a process that was suspended may have lost it.
    pub(crate) fn confirm(&self, database: &Path) -> Result<bool, Error> {
        let now = clock::now();
        let (name, holder) = (self.purpose.name(), &self.holder);
        Ok(Database::open_as_it_is(database)?.write(|it| leases::renew(it, name, holder, now, now + LASTS))?)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(renewal) = self.renewal.take() {
            let _ = renewal.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        Database::open(&path).unwrap();
        (folder, path)
    }

    #[test]
    fn one_holds_a_lease_and_upkeep_yields_to_a_backup() {
        let (_folder, path) = database();
        let upkeep = Lease::take(&path, Purpose::Upkeep).unwrap().unwrap();
        assert!(Lease::take(&path, Purpose::Upkeep).unwrap().is_none(), "two at once");
        let backup = Lease::take(&path, Purpose::Backup).unwrap().unwrap();
        assert!(Lease::take(&path, Purpose::Backup).unwrap().is_none(), "two backups at once");
        assert!(backup.and(&path, Purpose::Upkeep).unwrap().is_none(), "while upkeep is under way");
        drop(upkeep);
        assert!(Lease::take(&path, Purpose::Upkeep).unwrap().is_none(), "the backup goes first");
        let both = backup.and(&path, Purpose::Upkeep).unwrap().unwrap();
        assert!(both.is_held() && backup.is_held());
        assert!(both.confirm(&path).unwrap() && backup.confirm(&path).unwrap());
        drop((both, backup));
        assert!(Lease::take(&path, Purpose::Upkeep).unwrap().is_some());
    }

    #[test]
    fn a_lease_that_is_not_renewed_ends_and_its_holder_learns_of_it() {
        let (_folder, path) = database();
        let database = Database::open(&path).unwrap();
        let take = |holder: &str, now| database.write(|it| leases::take(it, "upkeep", None, holder, now, now + 60));
        let renew = |holder: &str, now| database.write(|it| leases::renew(it, "upkeep", holder, now, now + 60));
        assert!(take("dead", 1000).unwrap());
        assert!(!take("next", 1059).unwrap());
        assert!(renew("dead", 1059).unwrap() && !take("next", 1060).unwrap());
        assert!(take("next", 1119).unwrap());
        assert!(!renew("dead", 1119).unwrap(), "back from the dead");
        let lease = Lease::take(&path, Purpose::Backup).unwrap().unwrap();
        let stolen = |it: &rusqlite::Transaction<'_>| it.execute("UPDATE leases SET holder = 'thief'", []);
        database.write(stolen).unwrap();
        assert!(!lease.confirm(&path).unwrap());
        database.write(|it| it.execute("UPDATE leases SET holder = 'next' WHERE name = 'upkeep'", [])).unwrap();
        database.write(|it| leases::give_back(it, "upkeep", "dead")).unwrap();
        let holder = |now| database.read(|it| leases::find_holder(it, "upkeep", now)).unwrap();
        assert_eq!(holder(1120).as_deref(), Some("next"));
        // The clock was set back by a year after the holder died.
        let before = 1120 - 365 * 24 * 60 * 60;
        assert!(holder(before).is_none() && take("later", before).unwrap());
    }
}
