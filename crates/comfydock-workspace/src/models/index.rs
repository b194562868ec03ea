//! The model index: which files are here, by hash (formats.md, Model index).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use comfydock_core::digest::{Blake3, QuickHash, Sha256};
use comfydock_core::plan::library::{KnownModel, Place};
use comfydock_core::source::Source;
use comfydock_store::hash::{Digests, Stamp};
use comfydock_store::{file, sqlite};
use rusqlite::{Connection, OptionalExtension, params};

use crate::Error;
use crate::workspace::{Workspace, now};

const MIGRATIONS: &[&str] = &[include_str!("0001_index.sql")];

/// The open index.
pub struct Index {
    connection: Connection,
}

/// A file as the index remembers it.
#[derive(Debug, Clone)]
pub struct Location {
    /// The row of its model.
    pub model: i64,
    /// What the file looked like when it was measured.
    pub stamp: Stamp,
}

fn signed(number: u64) -> i64 {
    number.cast_signed()
}

impl Index {
    /// Opens the workspace's index.
    ///
    /// # Errors
    /// When it cannot be opened, or is newer than this program.
    pub fn open(workspace: &Workspace) -> Result<Self, Error> {
        let path = workspace.cache("models.db");
        file::create_folder(&workspace.cache(""))?;
        Ok(Self { connection: sqlite::open(&path, MIGRATIONS)? })
    }

    /// Everything remembered below a models folder, by relative path.
    ///
    /// # Errors
    /// When the query fails.
    pub fn locations(&self, base: &Path) -> Result<HashMap<String, Location>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT relative_path, model_id, device, inode, size, mtime_ns FROM model_locations WHERE base_directory = ?1")?;
        let rows = statement.query_map([base.to_string_lossy()], |row| {
            let stamp = Stamp {
                device: row.get::<_, i64>(2)?.cast_unsigned(),
                inode: row.get::<_, i64>(3)?.cast_unsigned(),
                size: row.get::<_, i64>(4)?.cast_unsigned(),
                mtime_ns: row.get(5)?,
            };
            Ok((row.get(0)?, Location { model: row.get(1)?, stamp }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers files and forgets others of one models folder, in one transaction.
    ///
    /// # Errors
    /// When the database refuses; nothing is remembered then.
    pub fn update(&mut self, base: &Path, found: &[(String, QuickHash, Stamp)], gone: &[String]) -> Result<(), Error> {
        let transaction = self.connection.transaction()?;
        let base = base.to_string_lossy();
        let time = now();
        for path in gone {
            transaction.execute(
                "DELETE FROM model_locations WHERE base_directory = ?1 AND relative_path = ?2",
                params![base, path],
            )?;
        }
        for (path, quick, stamp) in found {
            // The same file under another name is the same model; another file with the same quick
            // hash is only a candidate and stays a row of its own until it is measured.
            let same_file: Option<i64> = transaction
                .query_row(
                    "SELECT l.model_id FROM model_locations l JOIN models m ON m.id = l.model_id
                     WHERE l.device = ?1 AND l.inode = ?2 AND l.size = ?3 AND l.mtime_ns = ?4 AND m.quick_hash = ?5",
                    params![
                        signed(stamp.device),
                        signed(stamp.inode),
                        signed(stamp.size),
                        stamp.mtime_ns,
                        quick.as_str()
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            let model = match same_file {
                Some(model) => model,
                None => {
                    transaction.execute(
                        "INSERT INTO models(quick_hash, file_size, first_seen, last_modified) VALUES (?1, ?2, ?3, ?3)",
                        params![quick.as_str(), signed(stamp.size), time],
                    )?;
                    transaction.last_insert_rowid()
                }
            };
            put_location(&transaction, model, &base, path, stamp, &time)?;
        }
        forget_unplaced(&transaction)?;
        transaction.commit()?;
        Ok(())
    }

    /// Records the full hashes of the file at this place; its model becomes, or joins, the model of
    /// that SHA-256.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn measured(
        &mut self,
        base: &Path,
        relative_path: &str,
        quick: &QuickHash,
        digests: &Digests,
        stamp: &Stamp,
    ) -> Result<i64, Error> {
        let transaction = self.connection.transaction()?;
        let time = now();
        let base = base.to_string_lossy();
        let known: Option<i64> = transaction
            .query_row("SELECT id FROM models WHERE sha256 = ?1", [digests.sha256.as_str()], |row| row.get(0))
            .optional()?;
        let current: Option<i64> = transaction
            .query_row(
                "SELECT model_id FROM model_locations WHERE base_directory = ?1 AND relative_path = ?2",
                params![base, relative_path],
                |row| row.get(0),
            )
            .optional()?;
        let model = match (known, current) {
            (Some(known), Some(current)) if known != current => {
                // Sources that were learned while it was a candidate stay with the file.
                transaction.execute(
                    "INSERT OR IGNORE INTO model_sources SELECT ?1, kind, locator, origin, added_at FROM model_sources WHERE model_id = ?2",
                    params![known, current],
                )?;
                transaction.execute(
                    "UPDATE model_locations SET model_id = ?1 WHERE device = ?2 AND inode = ?3 AND model_id = ?4",
                    params![known, signed(stamp.device), signed(stamp.inode), current],
                )?;
                known
            }
            (Some(known), _) => known,
            (None, Some(current)) => {
                let unmeasured: bool =
                    transaction
                        .query_row("SELECT sha256 IS NULL FROM models WHERE id = ?1", [current], |row| row.get(0))?;
                if unmeasured { current } else { insert_measured(&transaction, quick, digests, &time)? }
            }
            (None, None) => insert_measured(&transaction, quick, digests, &time)?,
        };
        transaction.execute(
            "UPDATE models SET sha256 = ?2, blake3 = ?3, quick_hash = ?4, file_size = ?5 WHERE id = ?1",
            params![model, digests.sha256.as_str(), digests.blake3.as_str(), quick.as_str(), signed(digests.size)],
        )?;
        put_location(&transaction, model, &base, relative_path, stamp, &time)?;
        forget_unplaced(&transaction)?;
        transaction.commit()?;
        Ok(model)
    }

    /// Remembers where a model can be had. Returns whether that was new.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn add_source(&mut self, model: i64, source: &Source, origin: &str) -> Result<bool, Error> {
        let text = source.to_string();
        let count = self.connection.execute(
            "INSERT OR IGNORE INTO model_sources(model_id, kind, locator, origin, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![model, source.kind(), text, origin, now()],
        )?;
        Ok(count == 1)
    }

    /// Every model below the given folders, which are in the order ComfyUI searches.
    ///
    /// # Errors
    /// When a query fails.
    pub fn models(&self, roots: &[PathBuf]) -> Result<Vec<KnownModel>, Error> {
        let order: HashMap<String, usize> =
            roots.iter().enumerate().map(|(index, root)| (root.to_string_lossy().into_owned(), index)).collect();
        let mut places: HashMap<i64, Vec<Place>> = HashMap::new();
        let mut statement =
            self.connection.prepare_cached("SELECT model_id, base_directory, relative_path FROM model_locations")?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))?;
        for row in rows {
            let (model, base, relative_path) = row?;
            if let Some(root) = order.get(&base) {
                places.entry(model).or_default().push(Place { root: *root, relative_path });
            }
        }
        let mut sources: HashMap<i64, Vec<Source>> = HashMap::new();
        let mut statement =
            self.connection.prepare_cached("SELECT model_id, locator FROM model_sources ORDER BY added_at, locator")?;
        for row in statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))? {
            let (model, locator) = row?;
            // A source in a form this version does not know stays in the table and is not offered.
            if let Ok(source) = Source::parse(&locator) {
                sources.entry(model).or_default().push(source);
            }
        }
        let mut models = Vec::new();
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, quick_hash, file_size, sha256, blake3 FROM models ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, Option<String>>(3)?,
                row.get::<_, Option<String>>(4)?,
            ))
        })?;
        for row in rows {
            let (id, quick, size, sha256, blake3) = row?;
            let (Some(mut at), Ok(quick)) = (places.remove(&id), QuickHash::parse(&quick)) else { continue };
            at.sort_by(|one, other| (one.root, &one.relative_path).cmp(&(other.root, &other.relative_path)));
            models.push(KnownModel {
                id,
                quick,
                size: size.cast_unsigned(),
                sha256: sha256.and_then(|text| Sha256::parse(&text).ok()),
                blake3: blake3.and_then(|text| Blake3::parse(&text).ok()),
                sources: sources.remove(&id).unwrap_or_default(),
                places: at,
            });
        }
        Ok(models)
    }
}

fn insert_measured(connection: &Connection, quick: &QuickHash, digests: &Digests, time: &str) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO models(quick_hash, file_size, first_seen, last_modified) VALUES (?1, ?2, ?3, ?3)",
        params![quick.as_str(), signed(digests.size), time],
    )?;
    Ok(connection.last_insert_rowid())
}

fn put_location(
    connection: &Connection,
    model: i64,
    base: &str,
    path: &str,
    stamp: &Stamp,
    time: &str,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO model_locations(model_id, base_directory, relative_path, filename, device, inode, size, mtime_ns, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT(base_directory, relative_path) DO UPDATE SET
           model_id = ?1, filename = ?4, device = ?5, inode = ?6, size = ?7, mtime_ns = ?8, last_seen = ?9",
        params![model, base, path, path.rsplit('/').next(), signed(stamp.device), signed(stamp.inode), signed(stamp.size), stamp.mtime_ns, time],
    )?;
    Ok(())
}

/// Candidates that no file stands for any more; what was measured or has a source is kept.
fn forget_unplaced(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM models WHERE sha256 IS NULL
         AND id NOT IN (SELECT model_id FROM model_locations) AND id NOT IN (SELECT model_id FROM model_sources)",
        [],
    )?;
    Ok(())
}
