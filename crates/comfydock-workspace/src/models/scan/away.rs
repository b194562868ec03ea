//! Which of the files that were not found are gone, and which only cannot be reached now.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use comfydock_store::hash::Stamp;

use crate::models::index::Location;
use crate::models::roots::Root;

/// The devices on which files are found now that were on another one when they were last seen: a
/// drive that was mounted anew under another number, or files that were copied to a new drive.
pub(super) type Moved = HashSet<(u64, u64)>;

/// Whether a file that lies on another device is the one that was seen: such a drive came back.
pub(super) fn came_back(before: &Stamp, now: &Stamp) -> bool {
    before.device != now.device && before.size == now.size && before.mtime_ns == now.mtime_ns
}

/// Parts files that were not found into those that cannot be reached and those that are gone.
///
/// A file is only away when something else than itself is missing: it lies behind a link that leads
/// nowhere, below a folder that cannot be read, or below the place of a drive that is not mounted:
/// the nearest folder that is left is on another device than it was, and nothing moved there from the
/// device it was on. It need not be empty: ComfyUI ships a file in each of its folders, which shows
/// when the drive is away.
pub(super) fn part(
    root: &Root,
    unreadable: &[(String, io::Error)],
    known: &HashMap<String, Location>,
    folders: &HashMap<String, u64>,
    moved: &Moved,
) -> (Vec<String>, Vec<String>) {
    let mut standings: HashMap<String, Standing> = HashMap::new();
    known.keys().cloned().partition(|path| {
        if unreadable.iter().any(|(folder, _)| path.starts_with(folder.as_str())) {
            return true;
        }
        if leads_nowhere(&root.path().join(path)) {
            return true;
        }
        let folder = path.rfind('/').map_or("", |at| &path[..=at]);
        let standing = standings.entry(folder.to_owned()).or_insert_with(|| standing(root, folder));
        let Standing::There { path: left, device } = standing else { return true };
        // One that an earlier version saw was, but for links, on the device of its files.
        let before = folders.get(left).copied().unwrap_or(known[path].stamp.device);
        before != *device && !moved.contains(&(before, *device))
    })
}

#[derive(Debug, Clone)]
enum Standing {
    /// The nearest folder that is left, by the path below the root, with a slash behind it.
    There {
        path: String,
        device: u64,
    },
    Away,
}

/// How the nearest folder stands that is left of this one.
fn standing(root: &Root, below: &str) -> Standing {
    let mut path = below;
    loop {
        let folder = root.path().join(path);
        if leads_nowhere(&folder) {
            return Standing::Away;
        }
        if let Ok(meta) = folder.metadata() {
            return Standing::There { path: path.to_owned(), device: meta.dev() };
        }
        let Some(inside) = path.strip_suffix('/') else { return Standing::Away };
        path = inside.rfind('/').map_or("", |at| &path[..=at]);
    }
}

fn leads_nowhere(path: &Path) -> bool {
    // With a slash behind it, a link's name means what it leads to.
    let path: PathBuf = path.components().collect();
    path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) && !path.exists()
}
