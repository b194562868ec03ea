//! Model files that the hub keeps, and those that are arriving.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Result, Row, Transaction};
use serde_json::json;

use super::environments::{VISIBLE, Viewer};
use crate::clock::Seconds;

/// A whole file.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) sha256: String,
    pub(crate) blake3: String,
    pub(crate) quick: String,
    pub(crate) size: u64,
}

/// A file that is arriving.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) id: String,
    /// Bytes of the whole file.
    pub(crate) size: u64,
}

/// An environment has the file and its history names it, and the viewer may see the environment.
const READABLE: &str = "environment_blobs AS link
    CROSS JOIN environment_history_models AS named
        ON named.sha256 = link.sha256 AND named.environment_id = link.environment_id
    CROSS JOIN environments ON environments.id = link.environment_id
    CROSS JOIN accounts ON accounts.id = owner_id";

/// The file, if the viewer may read it.
pub(crate) fn find_readable(connection: &Connection, viewer: &Viewer, sha256: &str) -> Result<Option<Blob>> {
    let sql = format!(
        "SELECT sha256, blake3, quick, size FROM blobs WHERE sha256 = ?6
         AND EXISTS (SELECT 1 FROM {READABLE} WHERE link.sha256 = ?6 AND {VISIBLE})"
    );
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&sql)?
        .query_row((all, user, public, owner, name, sha256), |row| {
            Ok(Blob { sha256: row.get(0)?, blake3: row.get(1)?, quick: row.get(2)?, size: row.get(3)? })
        })
        .optional()
}

/// Which of these files the viewer may read, each with an environment through which.
pub(crate) fn readable(connection: &Connection, viewer: &Viewer, hashes: &[&str]) -> Result<Vec<(String, String)>> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT link.sha256, accounts.name || '/' || environments.name
         FROM json_each(?6) AS wanted CROSS JOIN {READABLE} WHERE link.sha256 = wanted.value AND {VISIBLE}
         ORDER BY 1, 2"
    );
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&sql)?
        .query_map((all, user, public, owner, name, json!(hashes).to_string()), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Whether the history of an environment names this model.
pub(crate) fn is_named(connection: &Connection, environment: &str, sha256: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM environment_history_models WHERE sha256 = ? AND environment_id = ?)";
    connection.prepare_cached(sql)?.query_row((sha256, environment), |row| row.get(0))
}

/// Whether an environment has the file.
pub(crate) fn is_linked(connection: &Connection, environment: &str, sha256: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM environment_blobs WHERE sha256 = ? AND environment_id = ?)";
    connection.prepare_cached(sql)?.query_row((sha256, environment), |row| row.get(0))
}

/// Another environment of the same owner through which the viewer may read the file.
pub(crate) fn find_beside(
    connection: &Connection,
    viewer: &Viewer,
    environment: &str,
    sha256: &str,
) -> Result<Option<String>> {
    let sql = format!(
        "SELECT accounts.name || '/' || environments.name FROM {READABLE}
         WHERE link.sha256 = ?6 AND owner_id = (SELECT owner_id FROM environments WHERE id = ?7) AND {VISIBLE}
         ORDER BY linked_at, 1 LIMIT 1"
    );
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&sql)?
        .query_row((all, user, public, owner, name, sha256, environment), |row| row.get(0))
        .optional()
}

/// Gives a file to an environment.
pub(crate) fn link(
    transaction: &Transaction<'_>,
    environment: &str,
    sha256: &str,
    at: Seconds,
    by: &str,
) -> Result<()> {
    let sql = "INSERT INTO environment_blobs (sha256, environment_id, linked_at, linked_by) VALUES (?, ?, ?, ?)
        ON CONFLICT (sha256, environment_id) DO UPDATE SET unused_since = NULL";
    transaction.execute(sql, (sha256, environment, at, by))?;
    transaction.execute("UPDATE blobs SET unused_since = NULL WHERE sha256 = ?", [sha256])?;
    Ok(())
}

/// How many files can be read through an environment, by whoever may read it, and their bytes.
pub(crate) fn of_environment(connection: &Connection, environment: &str) -> Result<(u64, u64)> {
    let sql = "SELECT count(*), coalesce(sum(size), 0) FROM environment_blobs AS link
        JOIN environment_history_models AS named USING (sha256, environment_id) JOIN blobs USING (sha256)
        WHERE link.environment_id = ?";
    connection.prepare_cached(sql)?.query_row([environment], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Bytes that count for the owner of an environment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    /// Of files that its environments have, each once.
    pub(crate) kept: u64,
    /// Of files that arrive for them, as often as they do: each lies on the disk by itself.
    pub(crate) arriving: u64,
}

/// What an owner has, without what this user sends for this environment of this file, and without the file where
/// this environment has it already. Whether another environment of the owner has it makes no difference, or who may
/// not see that one would learn of it.
pub(crate) fn taken(connection: &Connection, environment: &str, sha256: &str, user: i64) -> Result<Taken> {
    let own = "SELECT id FROM environments WHERE owner_id = (SELECT owner_id FROM environments WHERE id = ?1)";
    let kept = format!(
        "SELECT coalesce(sum(size), 0) FROM blobs
         WHERE sha256 IN (SELECT sha256 FROM environment_blobs WHERE environment_id IN ({own}))
            AND NOT (sha256 = ?2 AND EXISTS (SELECT 1 FROM environment_blobs WHERE sha256 = ?2 AND environment_id = ?1))"
    );
    let arriving = format!(
        "SELECT coalesce(sum(size), 0) FROM blob_uploads WHERE environment_id IN ({own})
            AND NOT (sha256 = ?2 AND environment_id = ?1 AND user_id = ?3)"
    );
    Ok(Taken {
        kept: connection.prepare_cached(&kept)?.query_row((environment, sha256), |row| row.get(0))?,
        arriving: connection.prepare_cached(&arriving)?.query_row((environment, sha256, user), |row| row.get(0))?,
    })
}

/// What each team has, by its name.
pub(crate) fn of_teams(connection: &Connection) -> Result<HashMap<String, Taken>> {
    let sql = "SELECT name,
            (SELECT coalesce(sum(size), 0) FROM blobs WHERE sha256 IN (SELECT sha256 FROM environment_blobs
                WHERE environment_id IN (SELECT id FROM environments WHERE owner_id = accounts.id))),
            (SELECT coalesce(sum(size), 0) FROM blob_uploads
                WHERE environment_id IN (SELECT id FROM environments WHERE owner_id = accounts.id))
        FROM accounts WHERE kind = 'team'";
    let team = |row: &Row<'_>| Ok((row.get(0)?, Taken { kept: row.get(1)?, arriving: row.get(2)? }));
    connection.prepare_cached(sql)?.query_map([], team)?.collect()
}

/// What all have.
pub(crate) fn of_all(connection: &Connection) -> Result<Taken> {
    let sql = "SELECT (SELECT coalesce(sum(size), 0) FROM blobs), (SELECT coalesce(sum(size), 0) FROM blob_uploads)";
    connection.prepare_cached(sql)?.query_row([], |row| Ok(Taken { kept: row.get(0)?, arriving: row.get(1)? }))
}

/// Keeps a whole file's row, for an environment.
pub(crate) fn keep(transaction: &Transaction<'_>, blob: &Blob, at: Seconds) -> Result<()> {
    let sql = "INSERT INTO blobs (sha256, blake3, quick, size, created_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (sha256) DO NOTHING";
    transaction.execute(sql, (&blob.sha256, &blob.blake3, &blob.quick, blob.size, at))?;
    Ok(())
}

/// What a user sends for an environment.
pub(crate) fn find_upload(
    connection: &Connection,
    sha256: &str,
    user: i64,
    environment: &str,
) -> Result<Option<Upload>> {
    let sql = "SELECT id, size FROM blob_uploads WHERE sha256 = ? AND user_id = ? AND environment_id = ?";
    connection
        .prepare_cached(sql)?
        .query_row((sha256, user, environment), |row| Ok(Upload { id: row.get(0)?, size: row.get(1)? }))
        .optional()
}

/// Notes that a file begins to arrive, or goes on.
pub(crate) fn put_upload(
    transaction: &Transaction<'_>,
    upload: &Upload,
    sha256: &str,
    user: i64,
    environment: &str,
    at: Seconds,
) -> Result<()> {
    let sql =
        "INSERT INTO blob_uploads (id, sha256, user_id, environment_id, size, touched_at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET touched_at = excluded.touched_at";
    transaction.execute(sql, (&upload.id, sha256, user, environment, upload.size, at))?;
    Ok(())
}

/// Forgets a file that was arriving.
pub(crate) fn end_upload(connection: &Connection, id: &str) -> Result<()> {
    connection.execute("DELETE FROM blob_uploads WHERE id = ?", [id])?;
    Ok(())
}

/// A file that no history names.
#[derive(Debug, Clone)]
pub(crate) struct Unused {
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) since: Seconds,
}

/// Notes since when files, and links to them, are of no use. One that is of use again has no such time.
pub(crate) fn mark(transaction: &Transaction<'_>, now: Seconds) -> Result<()> {
    let named_at_all = "EXISTS (SELECT 1 FROM environment_history_models AS named WHERE named.sha256 = blobs.sha256)";
    let named_there = "EXISTS (SELECT 1 FROM environment_history_models AS named
        WHERE named.sha256 = environment_blobs.sha256 AND named.environment_id = environment_blobs.environment_id)";
    for (table, is_used) in [("blobs", named_at_all), ("environment_blobs", named_there)] {
        transaction.execute(
            &format!("UPDATE {table} SET unused_since = NULL WHERE unused_since IS NOT NULL AND {is_used}"),
            [],
        )?;
        let sql = format!("UPDATE {table} SET unused_since = ? WHERE unused_since IS NULL AND NOT {is_used}");
        transaction.execute(&sql, [now])?;
    }
    Ok(())
}

/// Files that have been of no use since a time, and how many have been for less long.
pub(crate) fn unused(connection: &Connection, before: Seconds) -> Result<(Vec<Unused>, usize)> {
    let sql = "SELECT sha256, size, unused_since FROM blobs WHERE unused_since IS NOT NULL ORDER BY sha256";
    let all: Vec<Unused> = connection
        .prepare_cached(sql)?
        .query_map([], |row| Ok(Unused { sha256: row.get(0)?, size: row.get(1)?, since: row.get(2)? }))?
        .collect::<Result<_>>()?;
    let count = all.len();
    let due: Vec<Unused> = all.into_iter().filter(|blob| blob.since <= before).collect();
    let waiting = count - due.len();
    Ok((due, waiting))
}

/// Forgets a file and the links to it.
pub(crate) fn remove(transaction: &Transaction<'_>, sha256: &str) -> Result<()> {
    transaction.execute("DELETE FROM environment_blobs WHERE sha256 = ?", [sha256])?;
    transaction.execute("DELETE FROM blobs WHERE sha256 = ?", [sha256])?;
    Ok(())
}

/// The files that any of these environments has.
pub(crate) fn of_environments(connection: &Connection, environments: &[String]) -> Result<HashSet<String>> {
    let sql = "SELECT sha256 FROM json_each(?) AS wanted
        JOIN environment_blobs AS link ON link.environment_id = wanted.value";
    connection.prepare_cached(sql)?.query_map([json!(environments).to_string()], |row| row.get(0))?.collect()
}

/// Forgets links that have been of no use since a time, but not those of these environments.
pub(crate) fn unlink(transaction: &Transaction<'_>, before: Seconds, except: &[String]) -> Result<()> {
    transaction.execute(
        "DELETE FROM environment_blobs WHERE unused_since <= ? AND environment_id NOT IN (SELECT value FROM json_each(?))",
        (before, json!(except).to_string()),
    )?;
    Ok(())
}

/// Whether there are such links.
pub(crate) fn has_idle_links(connection: &Connection, before: Seconds) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM environment_blobs WHERE unused_since <= ?)";
    connection.prepare_cached(sql)?.query_row([before], |row| row.get(0))
}

/// Uploads that nothing was sent to since a time.
pub(crate) fn old_uploads(connection: &Connection, before: Seconds) -> Result<Vec<String>> {
    let sql = "SELECT id FROM blob_uploads WHERE touched_at < ?";
    connection.prepare_cached(sql)?.query_map([before], |row| row.get(0))?.collect()
}

/// Forgets an upload that nothing was sent to since a time. False when something was.
pub(crate) fn give_up(transaction: &Transaction<'_>, id: &str, before: Seconds) -> Result<bool> {
    Ok(transaction.execute("DELETE FROM blob_uploads WHERE id = ? AND touched_at < ?", (id, before))? == 1)
}

/// Whether there is an upload with this id.
pub(crate) fn is_upload(connection: &Connection, id: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM blob_uploads WHERE id = ?)";
    connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))
}

/// Whether the hub has this file.
pub(crate) fn exists(connection: &Connection, sha256: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM blobs WHERE sha256 = ?)";
    connection.prepare_cached(sql)?.query_row([sha256], |row| row.get(0))
}

/// Every whole file with its bytes.
pub(crate) fn all(connection: &Connection) -> Result<Vec<(String, u64)>> {
    connection
        .prepare("SELECT sha256, size FROM blobs ORDER BY sha256")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_that_went_on_since_it_was_found_old_is_not_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection =
            comfydock_store::sqlite::open(&folder.path().join("hub.db"), crate::db::MIGRATIONS).unwrap();
        let rows = "INSERT INTO accounts (id, kind, name, folded, created_at) VALUES (1, 'user', 'ann', 'ann', 1);
            INSERT INTO environments (id, owner_id, name, folded, created_at) VALUES ('e', 1, 'look', 'look', 1);";
        connection.execute_batch(rows).unwrap();
        let transaction = connection.transaction().unwrap();
        let upload = Upload { id: "u".to_owned(), size: 7 };
        put_upload(&transaction, &upload, "s", 1, "e", 5).unwrap();
        assert_eq!(old_uploads(&transaction, 10).unwrap(), ["u"]);
        // Between the look and the removal its next byte came.
        put_upload(&transaction, &upload, "s", 1, "e", 11).unwrap();
        assert!(!give_up(&transaction, "u", 10).unwrap() && is_upload(&transaction, "u").unwrap());
        assert!(give_up(&transaction, "u", 12).unwrap() && !is_upload(&transaction, "u").unwrap());
    }
}
