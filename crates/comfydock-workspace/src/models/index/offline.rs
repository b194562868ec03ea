//! What is remembered of files that cannot be reached now.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use comfydock_core::plan::library::KnownModel;
use rusqlite::params;

use super::Index;
use super::record::key;
use crate::Error;
use crate::models::roots::{Root, Roots};

impl Index {
    /// How many files are remembered below a folder.
    ///
    /// # Errors
    /// When the query fails.
    pub fn remembered(&self, root: &Root) -> Result<usize, Error> {
        let (base, category) = key(root);
        let mut statement = self
            .connection
            .prepare_cached("SELECT count(*) FROM model_locations WHERE base_directory = ?1 AND category = ?2")?;
        Ok(statement.query_row([base.as_str(), category], |row| row.get(0))?)
    }

    /// The models none of whose files can be reached, with where those were seen.
    ///
    /// # Errors
    /// When a query fails.
    pub fn offline(&self, roots: &Roots) -> Result<Vec<(KnownModel, Vec<PathBuf>)>, Error> {
        let mut away: BTreeMap<i64, Vec<PathBuf>> = BTreeMap::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT model_id, relative_path FROM model_locations
             WHERE base_directory = ?1 AND category = ?2 AND (offline = 1 OR ?3)",
        )?;
        let named = roots.iter().map(|root| (root, false)).chain(roots.absent().map(|root| (root, true)));
        for (root, absent) in named {
            let (base, category) = key(root);
            let rows = statement.query_map(params![base, category, absent], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })?;
            for row in rows {
                let (model, path) = row?;
                away.entry(model).or_default().push(root.path().join(path));
            }
        }
        if away.is_empty() {
            return Ok(Vec::new());
        }
        let here: HashSet<i64> = self.models(roots)?.iter().map(|model| model.id).collect();
        let away = away.into_iter().filter(|(model, _)| !here.contains(model));
        let mut found = Vec::new();
        for (id, paths) in away {
            found.extend(self.model(id)?.map(|model| (model, paths)));
        }
        Ok(found)
    }
}
