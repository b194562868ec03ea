//! Bringing the index up to date: a stat for every file, samples of those that are new.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use comfydock_core::category;
use comfydock_core::path::ModelPath;
use comfydock_core::plan::library::{KnownModel, Library};
use comfydock_store::file;
use comfydock_store::hash::{self, Stamp};

use crate::Error;
use crate::models::index::Index;
use crate::reporter::{Event, Reporter};

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Model files there are.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were new or had changed.
    pub measured: usize,
    /// Files that are gone.
    pub gone: usize,
}

/// Samples the new and changed files below these folders and forgets those that are gone.
///
/// # Errors
/// When the index fails. Files that cannot be read are warned about and left out.
pub fn scan(index: &mut Index, roots: &[PathBuf], reporter: &dyn Reporter) -> Result<Scan, Error> {
    let mut outcome = Scan::default();
    for root in roots {
        scan_folder(index, root, reporter, &mut outcome)?;
    }
    Ok(outcome)
}

fn scan_folder(index: &mut Index, root: &Path, reporter: &dyn Reporter, outcome: &mut Scan) -> Result<(), Error> {
    let mut known = index.locations(root)?;
    let mut fresh = Vec::new();
    let mut found = Vec::new();
    walk(root, "", &mut HashSet::new(), &mut found, 0);
    for (path, stamp) in found {
        outcome.files += 1;
        outcome.bytes += stamp.size;
        if known.remove(&path).is_none_or(|location| location.stamp != stamp) {
            fresh.push((path, stamp.size));
        }
    }
    let gone: Vec<String> = known.into_keys().collect();
    outcome.gone += gone.len();
    let label = format!("Indexing {}", root.display());
    if !fresh.is_empty() {
        reporter.report(Event::BytesStart {
            label: label.clone(),
            total: Some(fresh.iter().map(|(_, size)| (*size).min(hash_bytes())).sum()),
        });
    }
    // Rows are written in batches: a scan that is interrupted keeps what it measured.
    let mut batch = Vec::new();
    in_parallel(
        &fresh,
        |(path, size)| {
            let sampled = hash::quick(&root.join(path));
            reporter.report(Event::Bytes { label: label.clone(), count: (*size).min(hash_bytes()) });
            sampled
        },
        |(path, _), sampled| {
            match sampled {
                Ok((quick, stamp)) => {
                    batch.push((path.clone(), quick, stamp));
                    outcome.measured += 1;
                }
                Err(error) => reporter.warn(format!("{error}: {}", error.source)),
            }
            if batch.len() == 500 {
                index.update(root, &std::mem::take(&mut batch), &[])?;
            }
            Ok(())
        },
    )?;
    if !batch.is_empty() || !gone.is_empty() {
        index.update(root, &batch, &gone)?;
    }
    reporter.report(Event::BytesEnd { label });
    Ok(())
}

fn hash_bytes() -> u64 {
    3 * comfydock_core::digest::QUICK_HASH_SAMPLE
}

/// Collects model files with their paths below the root. Links are followed, as ComfyUI does; a
/// folder is entered once, so that a link to a folder above ends.
fn walk(
    folder: &Path,
    prefix: &str,
    entered: &mut HashSet<(u64, u64)>,
    found: &mut Vec<(String, Stamp)>,
    depth: usize,
) {
    let Ok(meta) = folder.metadata() else { return };
    if depth > 32 || !entered.insert((meta.dev(), meta.ino())) {
        return;
    }
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()) {
            walk(&entry.path(), &path, entered, found, depth + 1);
        } else if category::wide_model_extension(name) && ModelPath::parse(&path).is_ok() {
            let meta = if kind.is_symlink() { entry.path().metadata().ok() } else { entry.metadata().ok() };
            if let Some(meta) = meta.filter(std::fs::Metadata::is_file) {
                found.push((path, Stamp::of(&meta)));
            }
        }
    }
}

/// Does `work` on every item, one reader a processor, and hands each result to `take` on this
/// thread, in the order they come.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), Error>,
) -> Result<(), Error> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4).min(items.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((item, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (item, result) in receiver {
            take(item, result)?;
        }
        Ok(())
    })
}

/// A file of the index that is to be measured in full.
#[derive(Debug, Clone)]
pub struct Unmeasured {
    /// The models folder.
    pub root: PathBuf,
    /// Path below it.
    pub relative_path: String,
    /// Bytes.
    pub size: u64,
}

impl Unmeasured {
    /// One file of each model that `wanted` picks.
    pub fn of(library: &Library, roots: &[PathBuf], wanted: impl Fn(&KnownModel) -> bool) -> Vec<Self> {
        let picked = library.iter().filter(|(_, model)| wanted(model));
        picked
            .filter_map(|(_, model)| {
                let place = model.places.first()?;
                let (root, relative_path) = (roots.get(place.root)?.clone(), place.relative_path.clone());
                Some(Self { root, relative_path, size: model.size })
            })
            .collect()
    }
}

/// Measures these files in full, one reader a processor, and records what they are.
///
/// # Errors
/// When a file cannot be read or the index fails; what was measured before stays recorded.
pub fn measure(index: &mut Index, files: &[Unmeasured], reporter: &dyn Reporter) -> Result<(), Error> {
    let label = "Hashing".to_owned();
    reporter.report(Event::BytesStart { label: label.clone(), total: Some(files.iter().map(|file| file.size).sum()) });
    let outcome = in_parallel(
        files,
        |file| {
            let path = file.root.join(&file.relative_path);
            hash::full(&path, |count| reporter.report(Event::Bytes { label: label.clone(), count }))
                .and_then(|full| Ok((full, hash::quick(&path)?)))
        },
        |file, result| {
            let ((digests, stamp), (quick, after)) = result?;
            if stamp != after {
                let changing = std::io::Error::other("it is being written to; try again when that has ended");
                return Err(Error::File(file::Error::at("hash", &file.root.join(&file.relative_path))(changing)));
            }
            index.measured(&file.root, &file.relative_path, &quick, &digests, &stamp)?;
            Ok(())
        },
    );
    reporter.report(Event::BytesEnd { label });
    outcome
}

/// The folders models are looked for in, in the order ComfyUI searches: its own first. Those that
/// are not there (a drive that is not mounted) are left out; see [`offline`].
pub fn roots(
    workspace: &crate::workspace::Workspace,
    environment: Option<&crate::environment::Environment>,
) -> Vec<PathBuf> {
    let own = environment.map(crate::environment::Environment::own_models);
    let shared = workspace.settings.model_directories.iter().map(|folder| folder.path.clone());
    own.into_iter().chain(shared).filter(|folder| folder.is_dir()).collect()
}

/// The workspace's models folders that are not there. What lies in them is kept in the index.
pub fn offline(workspace: &crate::workspace::Workspace) -> Vec<PathBuf> {
    let folders = workspace.settings.model_directories.iter().map(|folder| folder.path.clone());
    folders.filter(|folder| !folder.is_dir()).collect()
}
