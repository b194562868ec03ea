//! Which of the files that were not found are gone, and which only cannot be reached now.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::models::index::Location;
use crate::models::roots::Root;

/// Parts files that were not found into those that cannot be reached and those that are gone.
///
/// A file is only away when something else than itself is missing: it lies behind a link that leads
/// nowhere, below a folder that cannot be read, or below the place of a drive that is not mounted,
/// which is an empty folder on another device than the file was on.
pub(super) fn part(
    root: &Root,
    unreadable: &[(String, io::Error)],
    known: &HashMap<String, Location>,
) -> (Vec<String>, Vec<String>) {
    let mut folders: HashMap<String, Standing> = HashMap::new();
    known.keys().cloned().partition(|path| {
        if unreadable.iter().any(|(folder, _)| path.starts_with(folder.as_str())) {
            return true;
        }
        if leads_nowhere(&root.path().join(path)) {
            return true;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let standing = folders.entry(folder.to_owned()).or_insert_with(|| standing(root.path(), folder));
        match standing {
            Standing::Away => true,
            Standing::Empty { device } => *device != known[path].stamp.device,
            Standing::There => false,
        }
    })
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    There,
    Empty { device: u64 },
    Away,
}

/// How the nearest folder stands that is left of this one.
fn standing(root: &Path, below: &str) -> Standing {
    let full = root.join(below);
    for folder in full.ancestors().take_while(|folder| folder.starts_with(root)) {
        if leads_nowhere(folder) {
            return Standing::Away;
        }
        let Ok(meta) = folder.metadata() else { continue };
        let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        return if empty { Standing::Empty { device: meta.dev() } } else { Standing::There };
    }
    Standing::Away
}

fn leads_nowhere(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) && !path.exists()
}
