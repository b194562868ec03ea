//! Files that nothing refers to any more (decision 70).

use std::path::Path;
use std::time::{Duration, SystemTime};

use comfydock_core::digest::Sha256;
use comfydock_store::file;
use comfydock_store::lock::Lock;

use crate::barrier::Standstill;
use crate::clock::{self, Seconds};
use crate::data::DataFolder;
use crate::db::blobs::Unused;
use crate::db::{Database, audit, blobs, environments};
use crate::service::{Error, push};

/// How long pushes under way are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// What nothing was written to for so long was given up, or left by a process that died.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What was removed, or would be.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Files with their bytes.
    pub(crate) files: Vec<Unused>,
    /// Files that nothing refers to either, and whose time is not over.
    pub(crate) waiting: usize,
    /// Unfinished uploads, and files without a row.
    pub(crate) leftovers: usize,
    /// Environments whose history could not be read, each with the reason: what they have stays.
    pub(crate) unread: Vec<(String, String)>,
}

/// Removes the files that no history has named for as long as `grace`, and what was never finished. Only under the
/// lease of upkeep: a backup copies files.
pub(crate) fn collect(
    database: &Database,
    data: &DataFolder,
    grace: Seconds,
    dry_run: bool,
) -> Result<Collected, Error> {
    let before = clock::now() - grace;
    if !dry_run {
        database.write(|transaction| blobs::mark(transaction, clock::now()))?;
    }
    let (due, waiting) = database.read(|connection| blobs::unused(connection, before))?;
    let mut collected = Collected { files: due, waiting, ..Collected::default() };
    if dry_run {
        return Ok(collected);
    }
    if !collected.files.is_empty() || database.read(|connection| blobs::has_idle_links(connection, before))? {
        forget(database, data, before, &mut collected)?;
        for blob in &collected.files {
            tracing::info!(sha256 = blob.sha256, bytes = blob.size, "removed a model file that nothing refers to");
        }
    }
    collected.leftovers = sweep(database, data)?;
    Ok(collected)
}

/// Takes rows and files away. Whether something refers to them is looked at again while no push is between its
/// hook's yes and its end: such a push may be the one that names a file, and nobody has noted it yet.
///
/// What an environment has whose history cannot be read stays, and keeps nothing else.
fn forget(database: &Database, data: &DataFolder, before: Seconds, collected: &mut Collected) -> Result<(), Error> {
    let still = Standstill::bring_about(data, PATIENCE)?;
    let mut unread = Vec::new();
    for environment in database.read(environments::all)? {
        match push::learn_history(database, data, &environment, &still) {
            Err(error @ Error::Repository(_)) => {
                tracing::error!(environment = environment.path(), error = error.chain(), "its model files stay");
                collected.unread.push((environment.path(), error.chain()));
                unread.push(environment.id);
            }
            outcome => outcome?,
        }
    }
    // Who sends such a file at the moment puts it in its place before or after this, not between row and file.
    let _placing = Lock::exclusive(&data.blobs_lock())?;
    let removed = database.write(|transaction| {
        let now = clock::now();
        blobs::mark(transaction, now)?;
        let held = blobs::of_environments(transaction, &unread)?;
        let (mut due, _) = blobs::unused(transaction, before)?;
        due.retain(|blob| !held.contains(&blob.sha256));
        for blob in &due {
            blobs::remove(transaction, &blob.sha256)?;
            let detail = format!("{} bytes", blob.size);
            audit::record(transaction, now, "hub", "blob.remove", &format!("sha256:{}", blob.sha256), &detail)?;
        }
        blobs::unlink(transaction, before, &unread)?;
        Ok(due)
    })?;
    drop(still);
    for blob in &removed {
        if let Ok(sha256) = Sha256::parse(&blob.sha256) {
            file::remove(&data.blob(&sha256))?;
        }
    }
    collected.files = removed;
    Ok(())
}

/// Removes uploads that were given up, and files that a crash left without a row.
fn sweep(database: &Database, data: &DataFolder) -> Result<usize, Error> {
    let mut removed = 0;
    let cutoff = clock::now() - i64::try_from(DAY.as_secs()).unwrap_or(0);
    for upload in database.read(|connection| blobs::old_uploads(connection, cutoff))? {
        let path = data.uploads().join(&upload);
        if !path.exists() || is_old(&path) {
            // The row first: whoever sends the file again begins another. One that has just gone on has a younger row.
            if database.write(|transaction| blobs::give_up(transaction, &upload, cutoff))? {
                file::remove(&path)?;
                removed += 1;
            }
        }
    }
    for path in files(&data.uploads())? {
        let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_old(&path) && !database.read(|connection| blobs::is_upload(connection, &id))? {
            file::remove(&path)?;
            removed += 1;
        }
    }
    for (path, sha256) in list(data)? {
        let _placing = Lock::exclusive(&data.blobs_lock())?;
        if is_old(&path) && !database.read(|connection| blobs::exists(connection, sha256.as_str()))? {
            file::remove(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_old(path: &Path) -> bool {
    let written = path.metadata().and_then(|meta| meta.modified());
    written.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > DAY))
}

/// The files that lie where whole ones do.
fn list(data: &DataFolder) -> Result<Vec<(std::path::PathBuf, Sha256)>, Error> {
    let mut found = Vec::new();
    for shelf in entries(&data.blobs())? {
        for path in files(&shelf)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.extend(Sha256::parse(&name).ok().map(|sha256| (path, sha256)));
        }
    }
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>, Error> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_file()).collect())
}

fn entries(folder: &Path) -> Result<Vec<std::path::PathBuf>, Error> {
    let failed = |error| Error::system(format!("cannot read {}", folder.display()), error);
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
    }
}
