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
