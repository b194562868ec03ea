//! What is wrong with things that are each in order: packs that are there twice, packages that write
//! over each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository_url::RepositoryUrl;
use crate::wheel_record::RecordedFile;

/// How the small file begins that stands for a large one (git-lfs, version 1 of its pointers).
pub const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";
/// Such files are smaller than this many bytes.
pub const LFS_POINTER_LIMIT: u64 = 1024;

/// A pack that ComfyUI loads, as far as it tells which one it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenPack {
    /// Its folder's name.
    pub folder: String,
    /// Where it was cloned from, or what the registry or its own `pyproject.toml` says its repository is.
    pub repositories: Vec<String>,
    /// Its id in the registry, as its record, the manifest or its own `pyproject.toml` says.
    pub ids: Vec<String>,
}

/// Folders that hold one pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duplicate {
    /// The folders, in order; two or more.
    pub folders: BTreeSet<String>,
    /// What they have in common, as the end of a sentence.
    pub why: String,
}

/// Packs that lie under several folders: their nodes are loaded twice, and which are used is chance.
pub fn duplicates(packs: &[SeenPack]) -> Vec<Duplicate> {
    let mut groups: BTreeMap<(u8, String), BTreeSet<&str>> = BTreeMap::new();
    let mut note = |kind, key: String, folder| {
        groups.entry((kind, key)).or_default().insert(folder);
    };
    for pack in packs {
        for repository in pack.repositories.iter().filter_map(|text| RepositoryUrl::parse(text).ok()) {
            note(0, repository.key().to_owned(), pack.folder.as_str());
        }
        for id in pack.ids.iter().filter(|id| !id.is_empty()) {
            note(1, id.to_lowercase(), pack.folder.as_str());
        }
        note(2, normalised(&pack.folder), pack.folder.as_str());
    }
    let mut found: Vec<Duplicate> = Vec::new();
    // The surest reason comes first, and the same folders are told once.
    for ((kind, key), folders) in groups.into_iter().filter(|(_, folders)| folders.len() > 1) {
        let folders: BTreeSet<String> = folders.into_iter().map(str::to_owned).collect();
        if found.iter().any(|known| folders.is_subset(&known.folders)) {
            continue;
        }
        let why = match kind {
            0 => format!("both are {key}"),
            1 => format!("both are `{key}` of the registry"),
            _ => "their names differ in spelling only".to_owned(),
        };
        found.push(Duplicate { folders, why });
    }
    found.sort();
    found
}

/// One name for all spellings of a folder; a loose file's ending does not count.
fn normalised(name: &str) -> String {
    name.trim_end_matches(".py").to_lowercase().replace(['_', '.'], "-")
}

/// Packages that put different files to one place: whichever was installed last is what there is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap {
    /// The packages, in order; two or more.
    pub packages: BTreeSet<String>,
    /// The files, in order.
    pub files: BTreeSet<String>,
}

/// Folders at the top of `site-packages` that many packages fill by mistake and nobody imports.
const PASTIMES: [&str; 6] = ["test", "tests", "doc", "docs", "examples", "benchmarks"];

/// Finds packages that write over each other. Files that are equal in all of them do no harm.
pub fn overlaps(records: &BTreeMap<&str, &[RecordedFile]>) -> Vec<Overlap> {
    let mut owners: BTreeMap<&str, Vec<(&str, &RecordedFile)>> = BTreeMap::new();
    for (package, files) in records {
        for file in files.iter().filter(|file| !file.is_passing() && matters(&file.path)) {
            owners.entry(&file.path).or_default().push((package, file));
        }
    }
    let mut found: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
    for (path, owners) in owners {
        let packages: BTreeSet<String> = owners.iter().map(|(package, _)| (*package).to_owned()).collect();
        let first = owners[0].1;
        let equal = first.sha256.is_some() && owners.iter().all(|(_, file)| file.sha256 == first.sha256);
        if packages.len() > 1 && !equal {
            found.entry(packages).or_default().insert(path.to_owned());
        }
    }
    found.into_iter().map(|(packages, files)| Overlap { packages, files }).collect()
}

/// Whether anybody would miss the file: not a licence or a note at the top.
fn matters(path: &str) -> bool {
    match path.split_once('/') {
        Some((top, _)) => !PASTIMES.contains(&top),
        None => [".py", ".so", ".pyd", ".pth"].iter().any(|ending| path.ends_with(ending)),
    }
}
