//! Pushes that nobody was told the outcome of yet.

use rusqlite::{Connection, Result};

use crate::clock::Seconds;

/// A push that a crash cut off.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pub(crate) id: i64,
    pub(crate) environment_id: String,
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

/// All of them, the newest first.
pub(crate) fn all(connection: &Connection) -> Result<Vec<UnderWay>> {
    let sql = "SELECT id, environment_id, actor, updates FROM pushes_under_way ORDER BY id DESC";
    let row = |row: &rusqlite::Row<'_>| {
        Ok(UnderWay { id: row.get(0)?, environment_id: row.get(1)?, actor: row.get(2)?, updates: row.get(3)? })
    };
    connection.prepare(sql)?.query_map([], row)?.collect()
}
