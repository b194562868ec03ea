//! The hub's database: the only place with SQL, and no policy.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod catalog;
pub(crate) mod environments;
pub(crate) mod jobs;
pub(crate) mod leases;
pub(crate) mod pushes;
pub(crate) mod snapshot;
pub(crate) mod tokens;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// The migrations, in order. A released one never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_accounts_environments_catalog.sql"),
    include_str!("../../migrations/0003_maintenance.sql"),
    include_str!("../../migrations/0004_pushes_under_way.sql"),
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
        let reader = || connect(path).map(Mutex::new);
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
