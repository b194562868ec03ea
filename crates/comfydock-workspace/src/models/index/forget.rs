//! Taking knowledge out of the index, after a copy of it was put beside it.

use std::path::PathBuf;

use comfydock_core::digest::Sha256;
use comfydock_store::file;

use super::Index;
use crate::Error;
use crate::models::roots::Roots;
use crate::workspace::Workspace;

/// A model that no file stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its row.
    pub id: i64,
    /// Its hash.
    pub sha256: Option<Sha256>,
    /// How many sources are known for it.
    pub sources: usize,
}

impl Index {
    /// Models without a file, and how many files are remembered in folders that nobody looks through.
    ///
    /// # Errors
    /// When a query fails.
    pub fn orphans(&self, roots: &Roots) -> Result<(Vec<Orphan>, Vec<String>), Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, sha256, (SELECT count(*) FROM model_sources s WHERE s.model_id = m.id) FROM models m
             WHERE NOT EXISTS (SELECT 1 FROM model_locations l WHERE l.model_id = m.id) ORDER BY id",
        )?;
        let orphans = statement.query_map([], |row| {
            let sha256: Option<String> = row.get(1)?;
            let sha256 = sha256.and_then(|text| Sha256::parse(&text).ok());
            Ok(Orphan { id: row.get(0)?, sha256, sources: row.get::<_, u64>(2)?.try_into().unwrap_or(usize::MAX) })
        })?;
        let orphans = orphans.collect::<Result<_, _>>()?;
        let looked: Vec<String> = roots.iter().map(|root| root.path().to_string_lossy().into_owned()).collect();
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT base_directory FROM model_locations ORDER BY 1")?;
        let folders = statement.query_map([], |row| row.get::<_, String>(0))?;
        let folders: Vec<String> = folders.collect::<Result<_, _>>()?;
        Ok((orphans, folders.into_iter().filter(|folder| !looked.contains(folder)).collect()))
    }

    /// Forgets models and the files of folders.
    ///
    /// # Errors
    /// When the database refuses; nothing is forgotten then.
    pub fn forget(&mut self, models: &[i64], folders: &[String]) -> Result<(), Error> {
        let transaction = self.write()?;
        for folder in folders {
            transaction.execute("DELETE FROM model_locations WHERE base_directory = ?1", [folder])?;
            transaction.execute("DELETE FROM model_folders WHERE base_directory = ?1", [folder])?;
        }
        for model in models {
            transaction.execute("DELETE FROM model_locations WHERE model_id = ?1", [model])?;
            transaction.execute("DELETE FROM model_sources WHERE model_id = ?1", [model])?;
            transaction.execute("DELETE FROM models WHERE id = ?1", [model])?;
        }
        transaction.commit()?;
        self.forget_unplaced()
    }

    /// Writes a copy of the index beside it, instead of the copy before; returns its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_copy(&self, workspace: &Workspace) -> Result<PathBuf, Error> {
        let (copy, fresh) = (workspace.cache("models.db.before"), workspace.cache(".models.db.before.new"));
        file::remove(&fresh)?;
        self.connection.execute("VACUUM INTO ?1", [fresh.to_string_lossy()])?;
        std::fs::rename(&fresh, &copy).map_err(file::Error::at("rename to", &copy))?;
        Ok(copy)
    }
}
