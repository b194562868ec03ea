//! The model index: which files are here, by hash (formats.md, Model index).

use comfydock_core::source::Source;
use comfydock_store::hash::Stamp;
use comfydock_store::{file, sqlite};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::Error;
use crate::workspace::{Workspace, now};

pub mod claims;
mod doubt;
mod folders;
pub mod forget;
pub mod offline;
mod read;
mod record;

const MIGRATIONS: &[&str] = &[
    include_str!("0001_index.sql"),
    include_str!("0002_roots_and_claims.sql"),
    include_str!("0003_folders.sql"),
    include_str!("0004_ids.sql"),
    include_str!("0005_doubt.sql"),
];

/// The open index.
pub struct Index {
    connection: Connection,
}

/// A file as the index remembers it.
#[derive(Debug, Clone)]
pub struct Location {
    /// The row of its model.
    pub model: i64,
    /// What the file looked like when it was sampled.
    pub stamp: Stamp,
    /// Whether an earlier version recorded it, which did not keep all of the stamp.
    pub undated: bool,
    /// Whether it was last seen on a drive that is not there now.
    pub offline: bool,
}

impl Location {
    /// Whether a file is what it was, as far as was recorded.
    pub fn is(&self, now: &Stamp) -> bool {
        let unknown = |own: bool| self.undated && own;
        let own = self.stamp;
        let ctime_ns = if unknown(own.ctime_ns == 0) { now.ctime_ns } else { own.ctime_ns };
        let links = if unknown(own.links == 0) { now.links } else { own.links };
        Stamp { ctime_ns, links, ..own } == *now
    }
}

fn signed(number: u64) -> i64 {
    number.cast_signed()
}

impl Index {
    /// Opens the workspace's index.
    ///
    /// # Errors
    /// When it cannot be opened, or is newer than this program.
    pub fn open(workspace: &Workspace) -> Result<Self, Error> {
        let path = workspace.cache("models.db");
        file::create_folder(&workspace.cache(""))?;
        Ok(Self { connection: sqlite::open(&path, MIGRATIONS)? })
    }

    /// Begins to write. It is announced before anything is read: a transaction that has read cannot
    /// wait for another process to end its own, it fails at once.
    fn write(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate)
    }

    /// Remembers where a model can be had. Returns whether that was new.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn add_source(&mut self, model: i64, source: &Source, origin: &str) -> Result<bool, Error> {
        let text = source.to_string();
        let count = self.connection.execute(
            "INSERT OR IGNORE INTO model_sources(model_id, kind, locator, origin, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![model, source.kind(), text, origin, now()],
        )?;
        Ok(count == 1)
    }

    /// Forgets that a model can be had there. Returns whether it was known.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn remove_source(&mut self, model: i64, source: &Source) -> Result<bool, Error> {
        let count = self.connection.execute(
            "DELETE FROM model_sources WHERE model_id = ?1 AND locator = ?2",
            params![model, source.to_string()],
        )?;
        Ok(count > 0)
    }
}
