//! Whether what is wanted fits, all of it together.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use comfydock_store::space::Space;

use super::Wanted;
use super::part::Part;

/// What is left free on a large file system, in bytes.
const SLACK: u64 = 1024 * 1024 * 1024;

/// What is left free for everything else: less on a small file system.
fn slack(space: &Space) -> u64 {
    SLACK.min(space.total / 20)
}

/// Bytes that may still be written where this path lies, without what is left alone. None when nobody
/// can tell.
pub(super) fn left(path: &Path) -> Option<u64> {
    let space = Space::of(path).ok()?;
    Some(space.available.saturating_sub(slack(&space)))
}

/// Bytes that must still be found on the disk for this file.
fn lacking(wanted: &Wanted) -> u64 {
    if wanted.target.exists() {
        return 0;
    }
    let first = wanted.sources.first();
    let part = Part::of(&wanted.target, wanted.sha256.as_ref(), first);
    // What an earlier run kept room for counts as found, written or not.
    let found = part.path.metadata().map_or(0, |meta| (meta.blocks() * 512).max(meta.len()));
    wanted.size.unwrap_or(0).saturating_sub(found)
}

/// Goes through the files in order and says which do not fit any more, and why.
pub fn without_room<'a>(wanted: impl IntoIterator<Item = &'a Wanted>) -> BTreeMap<usize, String> {
    let mut taken: BTreeMap<u64, u64> = BTreeMap::new();
    let mut without = BTreeMap::new();
    for (position, wanted) in wanted.into_iter().enumerate() {
        let Ok(space) = Space::of(&wanted.target) else { continue };
        let needed = lacking(wanted);
        let before = taken.entry(space.device).or_default();
        let left = space.available.saturating_sub(slack(&space)).saturating_sub(*before);
        if needed == 0 || needed <= left {
            *before = before.saturating_add(needed);
            continue;
        }
        let others = if *before > 0 { format!(", {before} for models before it") } else { String::new() };
        without.insert(
            position,
            format!(
                "no room for it: {needed} bytes are needed{others}, and {} are free on the file system at `{}`, of which {} are left alone",
                space.available,
                space.mount_point.display(),
                slack(&space)
            ),
        );
    }
    without
}
