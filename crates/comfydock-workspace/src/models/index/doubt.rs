//! Files whose full hash may be no longer theirs.

use comfydock_core::digest::QUICK_HASH_SAMPLE;
use rusqlite::params;

use super::record::key;
use super::{Index, signed};
use crate::Error;
use crate::models::roots::{Root, Roots};

/// A measured file whose inode changed since.
#[derive(Debug, Clone)]
pub struct Doubted {
    /// The folder it lies in.
    pub root: Root,
    /// Path below it.
    pub relative_path: String,
    /// Bytes.
    pub size: u64,
    /// Its samples, which were read again.
    pub quick: String,
}

impl Index {
    /// The measured files below these folders whose inode changed since, and whose samples are not all
    /// of them.
    ///
    /// # Errors
    /// When a query fails.
    pub fn doubted(&self, roots: &Roots) -> Result<Vec<Doubted>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT l.relative_path, m.file_size, m.quick_hash FROM model_locations l JOIN models m ON m.id = l.model_id
             WHERE l.base_directory = ?1 AND l.category = ?2 AND l.doubted = 1 AND l.offline = 0
               AND m.sha256 NOT NULL AND m.file_size > ?3",
        )?;
        let mut found = Vec::new();
        for root in roots.iter() {
            let (base, category) = key(root);
            let rows = statement.query_map(params![base, category, signed(3 * QUICK_HASH_SAMPLE)], |row| {
                Ok(Doubted {
                    root: root.clone(),
                    relative_path: row.get(0)?,
                    size: row.get::<_, i64>(1)?.cast_unsigned(),
                    quick: row.get(2)?,
                })
            })?;
            found.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }
}
