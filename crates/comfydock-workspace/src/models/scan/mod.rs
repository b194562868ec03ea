//! Bringing the index up to date: a stat for every file, samples of those that are new.

use std::collections::HashMap;

use comfydock_core::digest::{QUICK_HASH_SAMPLE, QuickHash};
use comfydock_store::hash::{self, Stamp};

use self::learn::Heard;
pub(crate) use self::parallel::in_parallel;
use self::walk::{Found, fault, walk};
use crate::Error;
use crate::models::index::{Index, Location};
use crate::models::roots::{Root, Roots};
use crate::reporter::{Event, Reporter};

pub(crate) use self::learn::tell_contradictions;
pub use self::measure::{Unmeasured, Verdict, measure, verify};

mod away;
mod learn;
mod measure;
mod parallel;
mod walk;

/// Rows written at once: a scan that is interrupted keeps what it sampled.
const BATCH: usize = 500;

/// What a scan found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scan {
    /// Model files there are.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were new or had changed.
    pub measured: usize,
    /// Files that are gone.
    pub gone: usize,
    /// Files that cannot be reached now: on a drive that is not there, or not readable.
    pub offline: usize,
}

/// Samples the new and changed files below these folders and forgets those that are gone.
///
/// # Errors
/// When the index fails. Files and folders that cannot be read are warned about, and what is known
/// of them is kept.
pub fn scan(index: &mut Index, roots: &Roots, reporter: &dyn Reporter) -> Result<Scan, Error> {
    let mut outcome = Scan::default();
    let mut heard = Vec::new();
    roots.warnings().iter().for_each(|warning| reporter.warn(warning.clone()));
    // A configuration may name folders that were never made. The workspace's own, which are, are told
    // of where they are asked for.
    for root in roots.absent().filter(|root| root.category().is_some()) {
        let files = index.remembered(root)?;
        if files > 0 {
            reporter.warn(format!(
                "the models folder `{}` is not there; what is known of its files ({files}) is kept as offline",
                root.path().display()
            ));
        }
    }
    for root in roots.iter() {
        let (found, locations) = Folder { index, root, reporter, outcome: &mut outcome }.scan()?;
        heard.push(Heard { root, found, locations });
    }
    learn::learn(index, heard, reporter)?;
    if outcome.measured + outcome.gone > 0 {
        index.forget_unplaced()?;
    }
    Ok(outcome)
}

/// One folder that is looked through.
struct Folder<'a> {
    index: &'a mut Index,
    root: &'a Root,
    reporter: &'a dyn Reporter,
    outcome: &'a mut Scan,
}

impl Folder<'_> {
    /// What lies there, and what the index remembers of it if that did not change.
    fn scan(&mut self) -> Result<(Found, Option<HashMap<String, Location>>), Error> {
        let mut known = self.index.locations(self.root)?;
        let found = walk(self.root);
        let mut fresh = Vec::new();
        let mut undated = Vec::new();
        let mut back = Vec::new();
        // What is known of a file that cannot be sampled is kept, but not offered.
        let mut before = HashMap::new();
        let mut moved = away::Moved::new();
        let mut left_out = Vec::new();
        let mut same = HashMap::with_capacity(known.len());
        for (path, stamp) in &found.files {
            let location = known.remove_entry(path);
            if location.is_none()
                && let Some(reason) = fault(self.root, path)
            {
                left_out.push((path.as_str(), reason));
                continue;
            }
            self.outcome.files += 1;
            self.outcome.bytes += stamp.size;
            let Some((key, location)) = location else {
                fresh.push((path.as_str(), stamp.size));
                continue;
            };
            if away::came_back(&location.stamp, stamp) {
                moved.insert((location.stamp.device, stamp.device));
            }
            if location.stamp == *stamp {
                if location.offline {
                    back.push(path.clone());
                }
            } else if location.undated && location.is(stamp) {
                undated.push((path.clone(), *stamp));
            } else {
                fresh.push((path.as_str(), stamp.size));
                before.insert(path.as_str(), location);
                continue;
            }
            same.insert(key, location);
        }
        self.say(&found);
        self.say_left_out(&left_out, found.files.len());
        if !undated.is_empty() {
            self.index.date(self.root, &undated)?;
        }
        if !back.is_empty() {
            self.index.mark(self.root, &back, false)?;
        }
        self.sample(&fresh, &before)?;
        let locations = (fresh.is_empty() && known.is_empty()).then_some(same);
        self.part_with(&found, known, &moved)?;
        Ok((found, locations))
    }

    /// Samples files and records them.
    fn sample(&mut self, fresh: &[(&str, u64)], before: &HashMap<&str, Location>) -> Result<(), Error> {
        if fresh.is_empty() {
            return Ok(());
        }
        let label = format!("Indexing {}", self.root.path().display());
        let total = Some(fresh.iter().map(|(_, size)| sampled_bytes(*size)).sum());
        self.reporter.report(Event::BytesStart { label: label.clone(), total });
        let (root, reporter) = (self.root, self.reporter);
        let mut batch: Vec<(String, QuickHash, Stamp)> = Vec::new();
        let mut unread = Vec::new();
        in_parallel(
            fresh,
            |(path, size)| {
                let sampled = hash::quick(&root.path().join(path));
                reporter.report(Event::Bytes { label: label.clone(), count: sampled_bytes(*size) });
                sampled
            },
            |(path, size), sampled| {
                match sampled {
                    Ok((quick, stamp)) => {
                        batch.push(((*path).to_owned(), quick, stamp));
                        self.outcome.measured += 1;
                    }
                    Err(error) => {
                        self.outcome.files -= 1;
                        self.outcome.bytes -= size;
                        // It went while it was read: the next scan finds it gone.
                        if error.source.kind() != std::io::ErrorKind::NotFound {
                            reporter.warn(format!("{error}: {}", error.source));
                        }
                        if before.get(path).is_some_and(|location| !location.offline) {
                            unread.push((*path).to_owned());
                        }
                    }
                }
                if batch.len() == BATCH {
                    self.index.update(root, &std::mem::take(&mut batch), &[])?;
                }
                Ok(())
            },
        )?;
        if !batch.is_empty() {
            self.index.update(root, &batch, &[])?;
        }
        if !unread.is_empty() {
            self.outcome.offline += unread.len();
            self.index.mark(root, &unread, true)?;
        }
        reporter.report(Event::BytesEnd { label });
        Ok(())
    }

    /// Forgets the files that are gone, and keeps those that only cannot be reached.
    fn part_with(&mut self, found: &Found, known: HashMap<String, Location>, moved: &away::Moved) -> Result<(), Error> {
        let folders = self.index.folders(self.root)?;
        let (away, gone) = away::part(self.root, &found.unreadable, &known, &folders, moved);
        self.outcome.gone += gone.len();
        self.outcome.offline += away.len();
        if !gone.is_empty() {
            self.index.update(self.root, &[], &gone)?;
        }
        self.note_folders(&found.folders, folders, &away)?;
        let newly: Vec<String> = away.into_iter().filter(|path| !known[path].offline).collect();
        if !newly.is_empty() {
            self.index.mark(self.root, &newly, true)?;
        }
        Ok(())
    }

    /// Remembers which devices the folders are on. One below which something is away stands as it was
    /// when that was there.
    fn note_folders(
        &mut self,
        found: &[(String, u64)],
        mut known: HashMap<String, u64>,
        away: &[String],
    ) -> Result<(), Error> {
        let is_whole = |folder: &str| !away.iter().any(|path| path.starts_with(folder));
        let mut changed = Vec::new();
        for (path, device) in found {
            let before = known.remove(path);
            if before != Some(*device) && (before.is_none() || is_whole(path)) {
                changed.push((path.as_str(), *device));
            }
        }
        let gone: Vec<&str> = known.keys().map(String::as_str).filter(|path| is_whole(path)).collect();
        if changed.is_empty() && gone.is_empty() { Ok(()) } else { self.index.put_folders(self.root, &changed, &gone) }
    }

    /// Tells of files that a node may load and no manifest can name. Files beside the folders of the
    /// categories are told of when they are all there is: then the folder is not what it was taken for.
    fn say_left_out(&self, left_out: &[(&str, &str)], files: usize) {
        let beside = |path: &str| !path.contains('/') && self.root.category().is_none();
        let all_beside = left_out.len() == files && left_out.iter().all(|(path, _)| beside(path));
        let told: Vec<&(&str, &str)> = left_out.iter().filter(|(path, _)| all_beside || !beside(path)).collect();
        let Some((first, reason)) = told.first() else { return };
        if !self.root.is_seen() {
            return;
        }
        self.reporter.warn(format!(
            "`{}`: {} left out, because a manifest that travels cannot name what is called so: `{}`: {reason}",
            self.root.path().display(),
            match told.len() {
                1 => "a model file is".to_owned(),
                count => format!("{count} model files are"),
            },
            first.escape_debug(),
        ));
    }

    fn say(&self, found: &Found) {
        for (folder, error) in &found.unreadable {
            let folder = self.root.path().join(folder);
            self.reporter
                .warn(format!("cannot read folder `{}`: {error}; what is known of it is kept", folder.display()));
        }
        if let Some(first) = found.nameless.first() {
            self.reporter.warn(format!(
                "{} in `{}` has a name that is no UTF-8 text, so no workflow can name it: `{}`",
                match found.nameless.len() {
                    1 => "a model file".to_owned(),
                    count => format!("each of {count} model files"),
                },
                self.root.path().display(),
                first.to_string_lossy().escape_debug()
            ));
        }
    }
}

/// Bytes that the quick hash of a file of this size reads.
fn sampled_bytes(size: u64) -> u64 {
    size.min(3 * QUICK_HASH_SAMPLE)
}
