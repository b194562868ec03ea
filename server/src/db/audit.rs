//! What happened, for those who ask later.

use rusqlite::{Connection, Result, Row};

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

/// Something that was done.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) at: Seconds,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

/// At most `limit` entries older than the entry `before`, the newest first; of one subject or of all.
pub(crate) fn page(
    connection: &Connection,
    subject: Option<&str>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Entry>> {
    let entry = |row: &Row<'_>| {
        Ok(Entry {
            id: row.get(0)?,
            at: row.get(1)?,
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            detail: row.get(5)?,
        })
    };
    // Two statements: one that took both would use no index for the subject.
    let condition = if subject.is_some() { "subject = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT id, at, actor, action, subject, detail FROM audit WHERE {condition} AND id < ?2
         ORDER BY id DESC LIMIT ?3"
    );
    connection.prepare_cached(&sql)?.query_map((subject, before.unwrap_or(i64::MAX), limit), entry)?.collect()
}
