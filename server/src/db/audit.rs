//! What happened, for those who ask later.

use rusqlite::{Connection, Result};

use crate::clock::Seconds;

/// Records that `actor` did `action` to `subject`.
pub(crate) fn record(
    connection: &Connection,
    at: Seconds,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<()> {
    let sql = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute((at, actor, action, subject, detail))?;
    Ok(())
}

/// When the latest record was made.
pub(crate) fn newest(connection: &Connection) -> Result<Option<Seconds>> {
    connection.query_row("SELECT max(at) FROM audit", [], |row| row.get(0))
}
