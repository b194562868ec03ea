//! The folders below a root, and the devices they were on.

use std::collections::HashMap;

use rusqlite::params;

use super::record::key;
use super::{Index, signed};
use crate::Error;
use crate::models::roots::Root;

impl Index {
    /// The devices of the folders below a root, by the path below it, as they were when all that is
    /// known to lie in them was there.
    ///
    /// # Errors
    /// When the query fails.
    pub fn folders(&self, root: &Root) -> Result<HashMap<String, u64>, Error> {
        let (base, category) = key(root);
        let mut statement = self
            .connection
            .prepare_cached("SELECT path, device FROM model_folders WHERE base_directory = ?1 AND category = ?2")?;
        let rows = statement
            .query_map([base.as_str(), category], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers the devices of folders below a root, and forgets folders that are gone.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_folders(&mut self, root: &Root, found: &[(&str, u64)], gone: &[&str]) -> Result<(), Error> {
        let transaction = self.write()?;
        let (base, category) = key(root);
        for (path, device) in found {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO model_folders(base_directory, category, path, device) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![base, category, path, signed(*device)])?;
        }
        for path in gone {
            transaction
                .prepare_cached("DELETE FROM model_folders WHERE base_directory = ?1 AND category = ?2 AND path = ?3")?
                .execute(params![base, category, path])?;
        }
        transaction.commit()?;
        Ok(())
    }
}
