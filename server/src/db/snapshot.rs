//! Whole databases: copied while others write, checked, and put into service again.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, Result};

use super::MIGRATIONS;

/// The newest version this program knows.
pub(crate) const VERSION: usize = MIGRATIONS.len();

/// An environment of a database that is not served.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) tip: Option<String>,
}

/// Opens a database to look at it.
pub(crate) fn peek(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}

/// Its version: how many migrations it has had.
pub(crate) fn version(connection: &Connection) -> Result<usize> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Copies a database as it is at one moment; others may write meanwhile.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let source = peek(from)?;
    let mut target = Connection::open(to)?;
    loop {
        let backup = Backup::new(&source, &mut target)?;
        // All pages in one step, so that no write falls between two of them.
        if let StepResult::Done = backup.step(-1)? {
            break;
        }
        drop(backup);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // One file, without a log beside it.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    // Nobody goes on with these: browsers sign in again, work is found again by looking, uploads begin anew.
    target.execute_batch("DELETE FROM sessions; DELETE FROM leases; DELETE FROM jobs; DELETE FROM blob_uploads;")
}

/// What is wrong with a database; nothing when it is sound.
pub(crate) fn check(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(5)")?;
    let mut problems: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    problems.retain(|line| line != "ok");
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let broken: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    problems.extend(broken.into_iter().take(5).map(|table| format!("a row of {table} refers to nothing")));
    Ok(problems)
}

/// Every environment, by its id.
pub(crate) fn environments(connection: &Connection) -> Result<Vec<Kept>> {
    let sql = "SELECT environments.id, accounts.name, environments.name, tip
        FROM environments JOIN accounts ON accounts.id = owner_id ORDER BY environments.id";
    let kept =
        |row: &rusqlite::Row<'_>| Ok(Kept { id: row.get(0)?, owner: row.get(1)?, name: row.get(2)?, tip: row.get(3)? });
    connection.prepare(sql)?.query_map([], kept)?.collect()
}

/// The model files that a database has, with their bytes; one of an older version has none.
pub(crate) fn files(connection: &Connection) -> Result<Vec<(String, u64)>> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'blobs')";
    let has_any: bool = connection.query_row(sql, [], |row| row.get(0))?;
    if has_any { super::blobs::all(connection) } else { Ok(Vec::new()) }
}

/// Forgets the model files that are not there; returns how many.
pub(crate) fn forget_files(path: &Path, is_there: impl Fn(&str) -> bool) -> Result<usize> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    let mut lost = files(&transaction)?;
    lost.retain(|(sha256, _)| !is_there(sha256));
    for (sha256, _) in &lost {
        super::blobs::remove(&transaction, sha256)?;
    }
    transaction.commit()?;
    Ok(lost.len())
}

/// Makes a copy ready to be served: readers and the writer shall not wait for each other.
pub(crate) fn make_ready(path: &Path) -> Result<()> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")
}
