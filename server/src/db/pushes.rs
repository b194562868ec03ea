//! Pushes that nobody was told the outcome of yet.

use std::collections::HashSet;

use rusqlite::{Connection, Result};

use crate::clock::Seconds;

/// A push that a crash cut off.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pub(crate) id: i64,
    pub(crate) actor: String,
    /// A line `reference old new` for each reference.
    pub(crate) updates: String,
}

/// Notes that references are about to move.
pub(crate) fn begin(
    connection: &Connection,
    environment: &str,
    actor: &str,
    at: Seconds,
    updates: &str,
) -> Result<i64> {
    let sql = "INSERT INTO pushes_under_way (environment_id, actor, at, updates) VALUES (?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute((environment, actor, at, updates))?;
    Ok(connection.last_insert_rowid())
}

/// Forgets a push: its outcome is known.
pub(crate) fn end(connection: &Connection, id: i64) -> Result<()> {
    connection.prepare_cached("DELETE FROM pushes_under_way WHERE id = ?")?.execute([id])?;
    Ok(())
}

/// The pushes to one environment, the newest first.
pub(crate) fn to(connection: &Connection, environment: &str) -> Result<Vec<UnderWay>> {
    let sql = "SELECT id, actor, updates FROM pushes_under_way WHERE environment_id = ? ORDER BY id DESC";
    let row = |row: &rusqlite::Row<'_>| Ok(UnderWay { id: row.get(0)?, actor: row.get(1)?, updates: row.get(2)? });
    connection.prepare_cached(sql)?.query_map([environment], row)?.collect()
}

/// The ids of the environments that have any.
pub(crate) fn environments(connection: &Connection) -> Result<HashSet<String>> {
    let sql = "SELECT DISTINCT environment_id FROM pushes_under_way";
    connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}
