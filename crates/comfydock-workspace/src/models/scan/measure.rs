//! Full hashes of files in the index (decision 3).

use comfydock_core::digest::Sha256;
use comfydock_core::plan::library::{KnownModel, Library, Place};
use comfydock_store::file;
use comfydock_store::hash;

use super::learn::tell_contradictions;
use super::parallel::{in_parallel, workers};
use crate::Error;
use crate::models::index::Index;
use crate::models::roots::{Root, Roots};
use crate::reporter::{Event, Reporter};

/// A file of the index that is to be measured in full.
#[derive(Debug, Clone)]
pub struct Unmeasured {
    /// The folder it lies in.
    pub root: Root,
    /// Path below it.
    pub relative_path: String,
    /// Bytes.
    pub size: u64,
}

impl Unmeasured {
    /// The file at a place.
    pub fn at(roots: &Roots, place: &Place, size: u64) -> Option<Self> {
        let root = roots.get(place.root)?.clone();
        let relative_path = root.below(&place.relative_path).to_owned();
        Some(Self { root, relative_path, size })
    }

    /// One file of each model that `wanted` picks.
    pub fn of(library: &Library, roots: &Roots, wanted: impl Fn(&KnownModel) -> bool) -> Vec<Self> {
        let picked = library.iter().map(|(_, model)| model).filter(|model| wanted(model));
        picked
            .filter_map(|model| {
                let place = model.places.iter().chain(&model.elsewhere).next()?;
                Self::at(roots, place, model.size)
            })
            .collect()
    }
}

/// Measures these files in full, one reader a processor, and records what they are. A single file
/// gets all processors. Returns how many were not measured: one that vanished meanwhile, is being
/// written to or cannot be read is warned about and stays what it was, and the others do not wait for
/// it. Whoever decides about it next has to look again.
///
/// # Errors
/// When the index fails; what was measured before stays recorded.
pub fn measure(index: &mut Index, files: &[Unmeasured], reporter: &dyn Reporter) -> Result<usize, Error> {
    if files.is_empty() {
        return Ok(0);
    }
    let mut skipped = 0;
    let label = "Hashing".to_owned();
    reporter.report(Event::BytesStart { label: label.clone(), total: Some(files.iter().map(|file| file.size).sum()) });
    let alone = files.len() < workers();
    let outcome = in_parallel(
        files,
        |file| {
            let path = file.root.path().join(&file.relative_path);
            let progress = |count| reporter.report(Event::Bytes { label: label.clone(), count });
            let full = if alone { hash::full_side_by_side(&path, progress) } else { hash::full(&path, progress) };
            full.and_then(|full| Ok((full, hash::quick(&path)?)))
        },
        |file, result| {
            let measured = result.and_then(|(full, (quick, after))| {
                if full.1 == after {
                    return Ok((full, quick));
                }
                let changing = std::io::Error::other("it is being written to; try again when that has ended");
                Err(file::Error::at("hash", &file.root.path().join(&file.relative_path))(changing))
            });
            match measured {
                Ok(((digests, stamp), quick)) => {
                    index.measured(&file.root, &file.relative_path, &quick, &digests, &stamp)?;
                }
                Err(error) => {
                    skipped += 1;
                    reporter.warn(format!("{error}: {}; it is not measured", error.source));
                }
            }
            Ok(())
        },
    );
    reporter.report(Event::BytesEnd { label });
    tell_contradictions(index, reporter)?;
    outcome.map(|()| skipped)
}

/// A measured file that was hashed again.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The file.
    pub file: Unmeasured,
    /// What it was measured as.
    pub expected: Sha256,
    /// What it is now, or why it could not be read.
    pub found: Result<Sha256, String>,
}

impl Verdict {
    /// Whether the file is what it was.
    pub fn holds(&self) -> bool {
        self.found.as_ref() == Ok(&self.expected)
    }
}

/// Hashes measured files again. One that is not what it was becomes the model it is: nothing goes on
/// believing the old hash.
///
/// # Errors
/// When the index fails.
pub fn verify(
    index: &mut Index,
    files: &[(Unmeasured, Sha256)],
    reporter: &dyn Reporter,
) -> Result<Vec<Verdict>, Error> {
    let label = "Verifying".to_owned();
    let total = files.iter().map(|(file, _)| file.size).sum();
    reporter.report(Event::BytesStart { label: label.clone(), total: Some(total) });
    let alone = files.len() < workers();
    let mut verdicts = Vec::new();
    let outcome = in_parallel(
        files,
        |(file, _)| {
            let path = file.root.path().join(&file.relative_path);
            let progress = |count| reporter.report(Event::Bytes { label: label.clone(), count });
            let full = if alone { hash::full_side_by_side(&path, progress) } else { hash::full(&path, progress) };
            full.and_then(|full| Ok((full, hash::quick(&path)?.0)))
        },
        |(file, expected), result| {
            let found = match result {
                Ok(((digests, stamp), quick)) => {
                    // One that is what it was may have been touched, and be a candidate since.
                    index.measured(&file.root, &file.relative_path, &quick, &digests, &stamp)?;
                    Ok(digests.sha256)
                }
                Err(error) => Err(format!("{error}: {}", error.source)),
            };
            verdicts.push(Verdict { file: file.clone(), expected: expected.clone(), found });
            Ok(())
        },
    );
    reporter.report(Event::BytesEnd { label });
    outcome?;
    verdicts.sort_by(|one, other| one.file.relative_path.cmp(&other.file.relative_path));
    Ok(verdicts)
}
