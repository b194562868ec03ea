//! Leases: who may do work that must be done by one at a time.

use rusqlite::{Connection, OptionalExtension as _, Result, Transaction};

use crate::clock::Seconds;

/// Seconds beyond which no lease lasts. One that does was taken before the clock was set back, by somebody who
/// has died since: nobody holds it.
const LONGEST: Seconds = 60 * 60;

/// Takes the lease unless somebody else has it, or has the one that goes before it.
pub(crate) fn take(
    transaction: &Transaction<'_>,
    name: &str,
    yields_to: Option<&str>,
    holder: &str,
    now: Seconds,
    ends_at: Seconds,
) -> Result<bool> {
    if let Some(other) = yields_to
        && find_holder(transaction, other, now)?.is_some_and(|found| found != holder)
    {
        return Ok(false);
    }
    let sql = "INSERT INTO leases (name, holder, ends_at) VALUES (?1, ?2, ?4)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
        WHERE leases.ends_at NOT BETWEEN ?3 + 1 AND ?3 + ?5 OR leases.holder = excluded.holder";
    Ok(transaction.execute(sql, (name, holder, now, ends_at, LONGEST))? == 1)
}

/// Makes the lease last longer; false when it was lost.
pub(crate) fn renew(connection: &Connection, name: &str, holder: &str, now: Seconds, ends_at: Seconds) -> Result<bool> {
    let sql = "UPDATE leases SET ends_at = ?4 WHERE name = ?1 AND holder = ?2 AND ends_at > ?3";
    Ok(connection.execute(sql, (name, holder, now, ends_at))? == 1)
}

/// Gives the lease back.
pub(crate) fn give_back(connection: &Connection, name: &str, holder: &str) -> Result<()> {
    connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))?;
    Ok(())
}

/// Who has the lease now.
pub(crate) fn find_holder(connection: &Connection, name: &str, now: Seconds) -> Result<Option<String>> {
    let sql = "SELECT holder FROM leases WHERE name = ?1 AND ends_at BETWEEN ?2 + 1 AND ?2 + ?3";
    connection.query_row(sql, (name, now, LONGEST), |row| row.get(0)).optional()
}
