//! What a comfygit workspace knows of models: its index and its environments' manifests. Read, never
//! written (decision 62).

use std::path::{Path, PathBuf};

use comfydock_core::digest::{Blake3, Sha256};
use comfydock_core::sidecar::comfygit::{self, Entry, source_of};
use comfydock_core::source::Source;
use comfydock_store::{file, sqlite};
use rusqlite::{Connection, OpenFlags};

use crate::Error;

/// A file of its index.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where it lay.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Its last change in seconds since the epoch.
    pub mtime: f64,
    /// What it measured.
    pub sha256: Option<Sha256>,
    /// What it measured.
    pub blake3: Option<Blake3>,
    /// Where it can be had.
    pub sources: Vec<Source>,
}

/// The path of a workspace's index.
pub fn database(workspace: &Path) -> PathBuf {
    workspace.join("comfygit_cache/models.db")
}

/// The files of an index.
///
/// # Errors
/// When it cannot be opened, or is not of the form that comfygit 0.7 writes.
pub fn files(database: &Path) -> Result<Vec<Known>, Error> {
    let fail = |source| Error::Database(sqlite::Error::Sqlite { path: database.to_owned(), source });
    read(database).map_err(fail)
}

fn read(database: &Path) -> rusqlite::Result<Vec<Known>> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut sources = connection.prepare("SELECT source_url FROM model_sources WHERE model_hash = ?1 ORDER BY 1")?;
    let mut files = connection.prepare(
        "SELECT l.base_directory, l.relative_path, l.mtime, m.file_size, m.sha256_hash, m.blake3_hash, m.hash
         FROM model_locations l JOIN models m ON m.hash = l.model_hash ORDER BY 1, 2",
    )?;
    let rows = files.query_map([], |row| {
        let (base, path): (String, String) = (row.get(0)?, row.get(1)?);
        let (sha256, blake3): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
        let urls: Vec<String> =
            sources.query_map([row.get::<_, String>(6)?], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Known {
            path: Path::new(&base).join(path),
            mtime: row.get(2)?,
            size: row.get(3)?,
            sha256: sha256.and_then(|text| Sha256::parse(&text).ok()),
            blake3: blake3.and_then(|text| Blake3::parse(&text).ok()),
            sources: urls.iter().filter_map(|url| source_of(url)).collect(),
        })
    })?;
    rows.collect()
}

/// The manifests of a workspace's environments, with the models that have a source.
///
/// # Errors
/// When a manifest cannot be read.
pub fn manifests(workspace: &Path) -> Result<Vec<(PathBuf, Vec<Entry>)>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(workspace.join("environments")).into_iter().flatten().flatten() {
        let path = entry.path().join(".cec/pyproject.toml");
        if let Some(text) = file::find_text(&path)? {
            found.push((path, comfygit::read(&text)));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}
