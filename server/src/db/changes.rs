//! When what is told of each environment changed.

use rusqlite::{Connection, Result, Transaction};

use super::environments::{VISIBLE, Viewer};
use crate::clock::Seconds;

/// A change that concerns the viewer.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) environment: String,
    pub(crate) revision: i64,
    /// `owner/name`, while it can be seen.
    pub(crate) name: Option<String>,
}

/// The newest revision, and the last one whose removal was forgotten.
pub(crate) fn revisions(connection: &Connection) -> Result<(i64, i64)> {
    let sql = "SELECT revision, oldest FROM catalog_revision";
    connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// What changed after a revision, the oldest first. Of what the viewer cannot see only that is told which they could
/// have seen: their own and their teams', and what everybody could see after that revision; within what their token is
/// for.
pub(crate) fn after(connection: &Connection, viewer: &Viewer, since: i64, limit: usize) -> Result<Vec<Change>> {
    let sql = format!(
        "SELECT change.environment_id, revision, CASE WHEN {VISIBLE} THEN accounts.name || '/' || environments.name END AS seen
         FROM (SELECT environment_id, revision, owner_id AS whose, folded AS called, public_until FROM catalog_changes
                WHERE revision > ?6) AS change
            LEFT JOIN environments ON environments.id = change.environment_id
            LEFT JOIN accounts ON accounts.id = environments.owner_id
         WHERE (seen IS NOT NULL OR (?6 > 0 AND (
            ?1 OR whose = ?2 OR whose IN (SELECT team_id FROM members WHERE user_id = ?2)
            OR (?3 AND public_until > ?6))
            AND (?4 IS NULL OR (SELECT folded FROM accounts WHERE id = whose) = ?4) AND (?5 IS NULL OR called = ?5)))
         ORDER BY revision LIMIT ?7"
    );
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&sql)?
        .query_map((all, user, public, owner, name, since, limit), |row| {
            Ok(Change { environment: row.get(0)?, revision: row.get(1)?, name: row.get(2)? })
        })?
        .collect()
}

/// The teams a user is in: what they may see changes with these.
pub(crate) fn teams(connection: &Connection, user: i64) -> Result<Vec<i64>> {
    let sql = "SELECT team_id FROM members WHERE user_id = ? ORDER BY team_id";
    connection.prepare_cached(sql)?.query_map([user], |row| row.get(0))?.collect()
}

/// Forgets environments that have been gone since a time; clients that were away for longer begin anew.
pub(crate) fn forget_gone(transaction: &Transaction<'_>, before: Seconds) -> Result<()> {
    transaction.execute(
        "UPDATE catalog_revision SET oldest = max(oldest, coalesce(
            (SELECT max(revision) FROM catalog_changes WHERE gone_at < ?1), 0))",
        [before],
    )?;
    transaction.execute("DELETE FROM catalog_changes WHERE gone_at < ?1", [before])?;
    Ok(())
}
