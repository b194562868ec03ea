//! What the next command does about a transaction that did not end.

use std::fs;
use std::path::{Path, PathBuf};

use comfydock_store::file::{self, Error as FileError};
use comfydock_store::lock::Lock;

use super::journal::Journal;
use super::{DONE, JOURNAL, SIDE_STAGES, folder};
use crate::Error;

/// Ends every transaction below `home` whose process is gone: undone when it was being prepared,
/// carried on when it had committed. Returns how many there were.
///
/// # Errors
/// When a journal cannot be read or a step not be taken.
pub fn recover(home: &Path) -> Result<usize, Error> {
    let Ok(entries) = fs::read_dir(folder(home)) else { return Ok(0) };
    let mut count = 0;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (id, is_lock) = name.strip_suffix(".lock").map_or((name.as_str(), false), |id| (id, true));
        let lock_path = folder(home).join(format!("{id}.lock"));
        if is_lock && folder(home).join(id).exists() {
            continue;
        }
        let Some(_lock) = Lock::try_exclusive(&lock_path)? else { continue };
        let root = folder(home).join(id);
        if root.join(DONE).exists() {
            sweep(home, id, &side_stages(&root))?;
        } else if let Some(text) = file::find_text(&root.join(JOURNAL))? {
            let journal: Journal = serde_json::from_str(&text)
                .map_err(std::io::Error::other)
                .map_err(FileError::at("read", &root.join(JOURNAL)))?;
            journal.break_locks()?;
            finish(home, id, &journal)?;
            count += 1;
        } else if root.exists() {
            undo(home, id)?;
            count += 1;
        } else {
            file::remove(&lock_path)?;
        }
    }
    Ok(count)
}

/// Takes every step that is left, then sweeps.
pub(super) fn finish(home: &Path, id: &str, journal: &Journal) -> Result<Vec<PathBuf>, Error> {
    journal.take_the_rest()?;
    let kept = journal.keep_changed()?;
    let root = folder(home).join(id);
    // The steps must be on disk before the journal that could repeat them goes, on every disk.
    for place in std::iter::once(&root).chain(&journal.side_stages) {
        super::sync(place)?;
    }
    fs::rename(root.join(JOURNAL), root.join(DONE)).map_err(FileError::at("close", &root))?;
    sweep(home, id, &journal.side_stages)?;
    Ok(kept)
}

/// Removes everything that was prepared.
pub(super) fn undo(home: &Path, id: &str) -> Result<(), Error> {
    let root = folder(home).join(id);
    // A journal whose writing failed at the last moment must not be found over an empty stage.
    file::remove(&root.join(JOURNAL))?;
    sweep(home, id, &side_stages(&root))
}

fn side_stages(root: &Path) -> Vec<PathBuf> {
    file::find_text(&root.join(SIDE_STAGES))
        .ok()
        .flatten()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Removes the transaction's folders, its marker last, so that a crash while sweeping is only
/// more sweeping.
fn sweep(home: &Path, id: &str, side_stages: &[PathBuf]) -> Result<(), Error> {
    let root = folder(home).join(id);
    for side in side_stages {
        file::remove(side)?;
    }
    for part in ["stage", "trash"] {
        file::remove(&root.join(part))?;
    }
    file::remove(&root)?;
    file::remove(&folder(home).join(format!("{id}.lock")))?;
    Ok(())
}
