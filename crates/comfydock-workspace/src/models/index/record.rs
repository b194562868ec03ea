//! Writing down what a scan or a measurement found.

use comfydock_core::digest::QuickHash;
use comfydock_store::hash::{Digests, Stamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Index, signed};
use crate::Error;
use crate::models::roots::Root;
use crate::workspace::now;

/// The key of a folder in the table: its path, and the category of its files.
pub(super) fn key(root: &Root) -> (String, &str) {
    (root.path().to_string_lossy().into_owned(), root.category().unwrap_or_default())
}

impl Index {
    /// Remembers sampled files of one folder and forgets others, in one transaction.
    ///
    /// # Errors
    /// When the database refuses; nothing is remembered then.
    pub fn update(&mut self, root: &Root, found: &[(String, QuickHash, Stamp)], gone: &[String]) -> Result<(), Error> {
        let transaction = self.write()?;
        let (base, category) = key(root);
        let time = now();
        for (path, quick, stamp) in found {
            let model = match same_file(&transaction, root, path, quick, stamp)? {
                Some(model) => model,
                None => insert(&transaction, quick, stamp.size, &time)?,
            };
            put_location(&transaction, model, root, path, stamp, Known::Sampled, &time)?;
        }
        for path in gone {
            transaction
                .prepare_cached(
                    "DELETE FROM model_locations WHERE base_directory = ?1 AND category = ?2 AND relative_path = ?3",
                )?
                .execute(params![base, category, path])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Notes that files of one folder cannot be reached now, or can be again.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn mark(&mut self, root: &Root, paths: &[String], offline: bool) -> Result<(), Error> {
        let transaction = self.write()?;
        let (base, category) = key(root);
        for path in paths {
            transaction
                .prepare_cached("UPDATE model_locations SET offline = ?4 WHERE base_directory = ?1 AND category = ?2 AND relative_path = ?3")?
                .execute(params![base, category, path, offline])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Dates files of one folder that an earlier version recorded.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn date(&mut self, root: &Root, files: &[(String, Stamp)]) -> Result<(), Error> {
        let transaction = self.write()?;
        let (base, category) = key(root);
        for (path, stamp) in files {
            transaction
                .prepare_cached("UPDATE model_locations SET ctime_ns = ?4, links = ?5 WHERE base_directory = ?1 AND category = ?2 AND relative_path = ?3")?
                .execute(params![base, category, path, stamp.ctime_ns, signed(stamp.links)])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Forgets candidates that no file stands for any more; what was measured or has a source is kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_unplaced(&mut self) -> Result<(), Error> {
        self.connection.execute(
            "DELETE FROM models WHERE sha256 IS NULL
             AND id NOT IN (SELECT model_id FROM model_locations) AND id NOT IN (SELECT model_id FROM model_sources)",
            [],
        )?;
        Ok(())
    }

    /// Records the full hashes of the file at this place; its model becomes, or joins, the model of
    /// that SHA-256.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn measured(
        &mut self,
        root: &Root,
        relative_path: &str,
        quick: &QuickHash,
        digests: &Digests,
        stamp: &Stamp,
    ) -> Result<i64, Error> {
        let transaction = self.write()?;
        let time = now();
        let (base, category) = key(root);
        let known: Option<i64> = transaction
            .query_row("SELECT id FROM models WHERE sha256 = ?1", [digests.sha256.as_str()], |row| row.get(0))
            .optional()?;
        let current: Option<i64> = transaction
            .query_row(
                "SELECT model_id FROM model_locations WHERE base_directory = ?1 AND category = ?2 AND relative_path = ?3",
                params![base, category, relative_path],
                |row| row.get(0),
            )
            .optional()?;
        let model = match (known, current) {
            (Some(known), Some(current)) if known != current => {
                if is_candidate(&transaction, current)? {
                    // What was learned while it was a candidate stays with the file.
                    transaction.execute(
                        "INSERT OR IGNORE INTO model_sources SELECT ?1, kind, locator, origin, added_at FROM model_sources WHERE model_id = ?2",
                        params![known, current],
                    )?;
                    transaction.execute(
                        "UPDATE OR IGNORE model_claims SET model_id = ?1 WHERE model_id = ?2",
                        params![known, current],
                    )?;
                }
                known
            }
            (Some(known), _) => known,
            (None, Some(current)) => {
                if is_candidate(&transaction, current)? {
                    current
                } else {
                    insert(&transaction, quick, digests.size, &time)?
                }
            }
            (None, None) => insert(&transaction, quick, digests.size, &time)?,
        };
        transaction.execute(
            "UPDATE models SET sha256 = ?2, blake3 = ?3, quick_hash = ?4, file_size = ?5 WHERE id = ?1",
            params![model, digests.sha256.as_str(), digests.blake3.as_str(), quick.as_str(), signed(digests.size)],
        )?;
        put_location(&transaction, model, root, relative_path, stamp, Known::Measured, &time)?;
        // All names of the file follow it.
        transaction.execute(
            "UPDATE model_locations SET model_id = ?1, doubted = 0 WHERE inode = ?2 AND size = ?3 AND device = ?4 AND mtime_ns = ?5",
            params![model, signed(stamp.inode), signed(stamp.size), signed(stamp.device), stamp.mtime_ns],
        )?;
        if let Some(current) = current.filter(|current| *current != model) {
            forget_candidate(&transaction, current)?;
        }
        transaction.commit()?;
        Ok(model)
    }
}

/// The model of the file at this place, if it is still the file that was sampled there, or has
/// another name that was.
///
/// The same file under another name is the same model; another file with the same quick hash is
/// only a candidate and stays a row of its own until it is measured. A device's number is not
/// compared where the file was before: a network drive gets a new one at every mount.
fn same_file(
    connection: &Connection,
    root: &Root,
    path: &str,
    quick: &QuickHash,
    stamp: &Stamp,
) -> rusqlite::Result<Option<i64>> {
    let (base, category) = key(root);
    connection
        .prepare_cached(
            "SELECT l.model_id FROM model_locations l JOIN models m ON m.id = l.model_id
             WHERE l.inode = ?1 AND l.size = ?2 AND l.mtime_ns = ?3 AND m.quick_hash = ?4
               AND (l.device = ?5 OR (l.base_directory = ?6 AND l.category = ?7 AND l.relative_path = ?8))",
        )?
        .query_row(
            params![
                signed(stamp.inode),
                signed(stamp.size),
                stamp.mtime_ns,
                quick.as_str(),
                signed(stamp.device),
                base,
                category,
                path
            ],
            |row| row.get(0),
        )
        .optional()
}

fn insert(connection: &Connection, quick: &QuickHash, size: u64, time: &str) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO models(id, quick_hash, file_size, first_seen, last_modified)
             SELECT 1 + max(last, coalesce((SELECT max(id) FROM models), 0)), ?1, ?2, ?3, ?3 FROM model_ids",
        )?
        .execute(params![quick.as_str(), signed(size), time])?;
    Ok(connection.last_insert_rowid())
}

/// How much of the file was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Sampled,
    Measured,
}

/// Writes down where a file lies. One of which only the samples were read is doubted from then on, or
/// still, if its inode changed and nothing else did, not even the number of its names.
fn put_location(
    connection: &Connection,
    model: i64,
    root: &Root,
    path: &str,
    stamp: &Stamp,
    known: Known,
    time: &str,
) -> rusqlite::Result<()> {
    let (base, category) = key(root);
    connection
        .prepare_cached(
            "INSERT INTO model_locations(model_id, base_directory, category, relative_path, filename, device, inode, size, mtime_ns, ctime_ns, offline, last_seen, links)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12)
             ON CONFLICT(base_directory, category, relative_path) DO UPDATE SET
               model_id = ?1, filename = ?5, device = ?6, inode = ?7, size = ?8, mtime_ns = ?9, ctime_ns = ?10, offline = 0, last_seen = ?11, links = ?12,
               doubted = ?13 AND model_id = ?1 AND (doubted OR (device = ?6 AND inode = ?7 AND ctime_ns <> ?10 AND coalesce(links = ?12, 0)))",
        )?
        .execute(params![
            model,
            base,
            category,
            path,
            path.rsplit('/').next(),
            signed(stamp.device),
            signed(stamp.inode),
            signed(stamp.size),
            stamp.mtime_ns,
            stamp.ctime_ns,
            time,
            signed(stamp.links),
            known == Known::Sampled
        ])?;
    Ok(())
}

/// Forgets a candidate whose last file turned out to be another model.
fn forget_candidate(connection: &Connection, model: i64) -> rusqlite::Result<()> {
    let placed: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM model_locations WHERE model_id = ?1)", [model], |row| {
            row.get(0)
        })?;
    if !placed && is_candidate(connection, model)? {
        connection.execute("DELETE FROM model_sources WHERE model_id = ?1", [model])?;
        connection.execute("DELETE FROM models WHERE id = ?1", [model])?;
    }
    Ok(())
}

fn is_candidate(connection: &Connection, model: i64) -> rusqlite::Result<bool> {
    connection.query_row("SELECT sha256 IS NULL FROM models WHERE id = ?1", [model], |row| row.get(0))
}
