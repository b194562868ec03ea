//! What owners change about environments: names, visibility, deletion.

use rusqlite::{Connection, OptionalExtension as _, Result, Transaction};

use crate::clock::Seconds;

/// Says who may see an environment.
pub(crate) fn set_public(transaction: &Transaction<'_>, id: &str, is_public: bool) -> Result<()> {
    let word = if is_public { "public" } else { "private" };
    transaction.execute("UPDATE environments SET visibility = ? WHERE id = ?", (word, id))?;
    Ok(())
}

/// Whose name this is: another environment's, or one that another had and that still leads to it.
pub(crate) fn holder(connection: &Connection, owner: i64, name: &str, now: Seconds) -> Result<Option<String>> {
    let sql = "SELECT id FROM environments WHERE owner_id = ?1 AND folded = ?2
        UNION ALL SELECT environment_id FROM environment_names WHERE owner_id = ?1 AND folded = ?2 AND until > ?3";
    let folded = name.to_ascii_lowercase();
    connection.prepare_cached(sql)?.query_row((owner, folded, now), |row| row.get(0)).optional()
}

/// Renames an environment; the old name leads to it until a time.
pub(crate) fn rename(transaction: &Transaction<'_>, id: &str, name: &str, until: Seconds) -> Result<()> {
    let folded = name.to_ascii_lowercase();
    transaction.execute(
        "INSERT INTO environment_names (owner_id, folded, environment_id, until)
         SELECT owner_id, folded, id, ?2 FROM environments WHERE id = ?1 AND folded <> ?3
         ON CONFLICT (owner_id, folded) DO UPDATE SET environment_id = excluded.environment_id, until = excluded.until",
        (id, until, &folded),
    )?;
    transaction.execute("UPDATE environments SET name = ?2, folded = ?3 WHERE id = ?1", (id, name, &folded))?;
    // The new name may be one it had before, or one whose time is over.
    transaction.execute(
        "DELETE FROM environment_names WHERE folded = ?2
            AND owner_id = (SELECT owner_id FROM environments WHERE id = ?1)",
        (id, &folded),
    )?;
    Ok(())
}

/// Deletes an environment until it is restored or purged.
pub(crate) fn delete(transaction: &Transaction<'_>, id: &str, at: Seconds, by: &str, purge_at: Seconds) -> Result<()> {
    transaction.execute(
        "UPDATE environments SET deleted_at = ?2, deleted_by = ?3, purge_at = ?4 WHERE id = ?1",
        (id, at, by, purge_at),
    )?;
    Ok(())
}

/// Takes a deletion back.
pub(crate) fn restore(transaction: &Transaction<'_>, id: &str) -> Result<()> {
    transaction
        .execute("UPDATE environments SET deleted_at = NULL, deleted_by = NULL, purge_at = NULL WHERE id = ?", [id])?;
    Ok(())
}

/// Lets the time of a deleted environment be over.
pub(crate) fn end_grace(transaction: &Transaction<'_>, id: &str, now: Seconds) -> Result<()> {
    transaction.execute(
        "UPDATE environments SET purge_at = min(purge_at, ?2) WHERE id = ?1 AND deleted_at IS NOT NULL",
        (id, now),
    )?;
    Ok(())
}

/// The ids and paths of deleted environments whose time is over.
pub(crate) fn due(connection: &Connection, now: Seconds) -> Result<Vec<(String, String)>> {
    let sql = "SELECT environments.id, accounts.name || '/' || environments.name FROM environments
        JOIN accounts ON accounts.id = owner_id WHERE purge_at <= ? ORDER BY purge_at";
    connection.prepare_cached(sql)?.query_map([now], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Whether there is an environment with this id.
pub(crate) fn exists(connection: &Connection, id: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM environments WHERE id = ?)";
    connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))
}

/// Forgets an environment whose time is over. False when it is not, or is gone already.
pub(crate) fn purge(transaction: &Transaction<'_>, id: &str, now: Seconds) -> Result<bool> {
    let is_due = "SELECT EXISTS (SELECT 1 FROM environments WHERE id = ? AND purge_at <= ?)";
    if !transaction.query_row(is_due, (id, now), |row| row.get(0))? {
        return Ok(false);
    }
    for table in [
        "environment_workflows",
        "environment_nodes",
        "environment_models",
        "environment_names",
        "pushes_under_way",
        "environment_blobs",
        "blob_uploads",
        "environment_history_models",
        "environment_history",
        "observations",
        "contributions",
    ] {
        transaction.execute(&format!("DELETE FROM {table} WHERE environment_id = ?"), [id])?;
    }
    transaction.execute("DELETE FROM environments WHERE id = ?", [id])?;
    Ok(true)
}

/// Forgets old names whose time is over.
pub(crate) fn forget_old_names(transaction: &Transaction<'_>, now: Seconds) -> Result<()> {
    transaction.execute("DELETE FROM environment_names WHERE until <= ?", [now])?;
    Ok(())
}
