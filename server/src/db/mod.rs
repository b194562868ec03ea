//! The hub's database: the only place with SQL, and no policy.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod blobs;
pub(crate) mod catalog;
pub(crate) mod changes;
pub(crate) mod environments;
pub(crate) mod history;
pub(crate) mod jobs;
pub(crate) mod leases;
pub(crate) mod observations;
pub(crate) mod pushes;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod tokens;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// The migrations, in order. A released one never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_accounts_environments_catalog.sql"),
    include_str!("../../migrations/0002_rights.sql"),
    include_str!("../../migrations/0003_maintenance.sql"),
    include_str!("../../migrations/0004_pushes_under_way.sql"),
    include_str!("../../migrations/0005_claims_in_one_place.sql"),
    include_str!("../../migrations/0006_blobs.sql"),
    include_str!("../../migrations/0007_observations_and_changes.sql"),
    include_str!("../../migrations/0008_names_of_what_went.sql"),
    include_str!("../../migrations/0009_models_by_name.sql"),
];

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Open(#[from] comfydock_store::sqlite::Error),
    #[error("the database has version {found}, this program works with {known}")]
    Version { found: usize, known: usize },
}

impl Error {
    /// Whether a row was refused because one like it exists.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Sqlite(rusqlite::Error::SqliteFailure(error, _))
            if error.code == rusqlite::ErrorCode::ConstraintViolation)
    }
}

/// Bytes of the database that readers see without copying them: a look-up of a thousand models reads
/// some thousand pages, and half of its time went into their copies.
const MAPPED: i64 = 1 << 30;
/// Connections that read: a long look-up does not keep others from signing in.
const READERS: usize = 4;

/// One connection that writes and some that read, so that a look-up does not wait for a push.
pub(crate) struct Database {
    writer: Mutex<Connection>,
    readers: [Mutex<Connection>; READERS],
    /// Which reader is waited for when all are busy.
    next: AtomicUsize,
}

impl Database {
    /// Opens the database and brings it to the newest version.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let writer = Mutex::new(connect(path)?);
        let reader = || -> Result<_, Error> {
            let connection = connect(path)?;
            connection.pragma_update(None, "mmap_size", MAPPED)?;
            Ok(Mutex::new(connection))
        };
        Ok(Self { writer, readers: [reader()?, reader()?, reader()?, reader()?], next: AtomicUsize::new(0) })
    }

    /// Opens the database only if it is of this program's version: work beside a serving hub must
    /// not change the tables under it.
    pub(crate) fn open_as_it_is(path: &Path) -> Result<Self, Error> {
        match snapshot::version(&snapshot::peek(path)?)? {
            found if found == MIGRATIONS.len() => Self::open(path),
            found => Err(Error::Version { found, known: MIGRATIONS.len() }),
        }
    }

    /// Reads.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let free = self.readers.iter().find_map(|reader| reader.try_lock().ok());
        let next = || &self.readers[self.next.fetch_add(1, Ordering::Relaxed) % READERS];
        Ok(work(&free.unwrap_or_else(|| hold(next())))?)
    }

    /// Writes, in one transaction: all of it or nothing.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        let mut connection = hold(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = work(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }
}

/// A panic while a connection was held rolled its transaction back, so the connection is sound.
fn hold(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let connection = comfydock_store::sqlite::open(path, MIGRATIONS)?;
    // An acknowledged push or a revoked token survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_stays_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let old = comfydock_store::sqlite::open(&path, &MIGRATIONS[..1]).unwrap();
        old.execute_batch(
            "INSERT INTO accounts (id, kind, name, folded, created_at) VALUES (1, 'user', 'Ann', 'ann', 1);
             INSERT INTO tokens (user_id, label, hash, scope, created_at) VALUES (1, 'x', x'00', 'push', 1);
             INSERT INTO environments (id, owner_id, name, folded, created_at, tip, pushed_at, pushed_by, comfyui_version)
                VALUES ('ff', 1, 'Look', 'look', 1, 'abc', 1, 'Ann', 'v1');
             INSERT INTO environment_models (environment_id, key, sha256, size, filename, category)
                VALUES ('ff', 'k', 's', 7, 'a', 'loras'), ('ff', 'l', 't', 8, 'b', 'vae');
             INSERT INTO environment_sources VALUES ('ff', 'k', 1, 'https://b'), ('ff', 'k', 0, 'https://a');",
        )
        .unwrap();
        drop(old);
        let database = Database::open(&path).unwrap();
        let found = database.read(|connection| environments::find(connection, 1, "LOOK")).unwrap().unwrap();
        assert!(found.is_live() && !found.is_public && found.path() == "Ann/Look");
        let tokens = database.read(|connection| tokens::list(connection, Some(1))).unwrap();
        assert!(tokens.len() == 1 && tokens[0].environments.is_none());
        let viewer = environments::Viewer { user: 1, sees_all: false, sees_public: true, owner: None, name: None };
        let claims = |hashes: &[&str]| {
            database.read(|connection| catalog::claims(connection, &viewer, catalog::By::Sha256(hashes))).unwrap()
        };
        let sources: Vec<_> = claims(&["s", "t", "u"]).into_iter().map(|claim| claim.sources).collect();
        assert_eq!(sources, [vec!["https://a".to_owned(), "https://b".to_owned()], vec![]]);
    }
}
