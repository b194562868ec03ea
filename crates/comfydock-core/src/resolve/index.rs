//! The files that are here, arranged for looking up by name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

use crate::category;

/// A model file under a root of its category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// The model's key: its quick hash, perhaps with a suffix (decision 4).
    pub key: Arc<str>,
    /// Canonical category.
    pub category: String,
    /// Path relative to the category's root, with `/`.
    pub name: String,
    /// The position of its models folder in ComfyUI's order of search; the lowest wins.
    pub root: usize,
    /// Lower-case hexadecimal SHA-256, where measured.
    pub sha256: Option<String>,
}

type Positions = Vec<usize>;

/// Files by category and name, by what their file names begin with, by key and by SHA-256.
///
/// A file that another of the same category and name hides in an earlier root is found only by key
/// or SHA-256: no name leads ComfyUI to it.
#[derive(Debug)]
pub struct Index<'files> {
    files: &'files [IndexedFile],
    exact: HashMap<(&'files str, Cow<'files, str>), usize>,
    /// By [`stem`], in the order of the roots. Every looser way to mean a file keeps its stem, so this
    /// one table serves them all, and arranging a large library stays cheap.
    stems: HashMap<String, Positions>,
    keys: HashMap<&'files str, Positions>,
    sha256: HashMap<&'files str, Positions>,
}

/// A name without its ending, if it has one of a model.
fn without_extension(name: &str) -> &str {
    if !category::wide_model_extension(name) {
        return name;
    }
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The file name of a path, composed, in lower case and without a model's ending.
fn stem(name: &str) -> String {
    let folded = composed(last_part(name)).to_lowercase();
    without_extension(&folded).to_owned()
}

fn composed(name: &str) -> Cow<'_, str> {
    if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

fn same_but_for_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    composed(one).to_lowercase() == composed(other).to_lowercase()
}

impl<'files> Index<'files> {
    /// Arranges the files, in any order.
    pub fn new(files: &'files [IndexedFile]) -> Self {
        let mut index = Self {
            files,
            exact: HashMap::with_capacity(files.len()),
            stems: HashMap::with_capacity(files.len()),
            keys: HashMap::with_capacity(files.len()),
            sha256: HashMap::new(),
        };
        let mut by_root: Positions = (0..files.len()).collect();
        by_root.sort_by_key(|&position| files[position].root);
        for position in by_root {
            index.insert(position);
        }
        index
    }

    fn insert(&mut self, position: usize) {
        let file = &self.files[position];
        self.keys.entry(&file.key).or_default().push(position);
        if let Some(sha256) = &file.sha256 {
            self.sha256.entry(sha256).or_default().push(position);
        }
        if let Entry::Vacant(free) = self.exact.entry((&file.category, composed(&file.name))) {
            free.insert(position);
            self.stems.entry(stem(&file.name)).or_default().push(position);
        }
    }

    /// The files whose names have this one's stem, in a category or in all.
    fn alike(&self, category: Option<&str>, name: &str) -> impl Iterator<Item = &'files IndexedFile> {
        let files = self.files;
        let positions = self.stems.get(&stem(name)).into_iter().flatten();
        positions
            .map(move |&position| &files[position])
            .filter(move |file| category.is_none_or(|category| file.category == category))
    }

    /// The files of this model, in the order of their roots.
    pub fn files_of(&self, key: &str) -> impl Iterator<Item = &'files IndexedFile> {
        let files = self.files;
        self.keys.get(key).into_iter().flatten().map(move |&position| &files[position])
    }

    /// Whether any file of this model is here.
    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// The file of exactly this relative name that ComfyUI would load for the category.
    pub fn file(&self, category: &str, name: &str) -> Option<&'files IndexedFile> {
        self.exact.get(&(category, composed(name))).map(|&position| &self.files[position])
    }

    /// The file whose name leads ComfyUI to this model in this category: not hidden by another model
    /// in an earlier root.
    pub fn visible(&self, key: &str, category: &str) -> Option<&'files IndexedFile> {
        self.files_of(key).find(|file| {
            file.category == category && self.file(category, &file.name).is_some_and(|winner| *winner.key == *key)
        })
    }

    pub(super) fn exact(&self, category: Option<&str>, name: &str) -> Vec<&'files str> {
        match category {
            Some(category) => self.file(category, name).map(|file| &*file.key).into_iter().collect(),
            None => keys(self.alike(None, name).filter(|file| composed(&file.name) == composed(name))),
        }
    }

    pub(super) fn case_insensitive(&self, category: Option<&str>, name: &str) -> Vec<&'files str> {
        keys(self.alike(category, name).filter(|file| same_but_for_case(&file.name, name)))
    }

    /// By file name alone: of the same case if there are such, otherwise of any.
    pub(super) fn file_name(&self, category: Option<&str>, name: &str) -> Vec<&'files str> {
        let any_case: Vec<&IndexedFile> =
            self.alike(category, name).filter(|file| same_but_for_case(last_part(&file.name), name)).collect();
        let same_case = keys(any_case.iter().copied().filter(|file| composed(last_part(&file.name)) == composed(name)));
        if same_case.is_empty() { keys(any_case) } else { same_case }
    }

    /// The files a tag can mean: its name is a path below the category, with or without an ending.
    /// `any_folder` lets the last part alone decide.
    pub(super) fn tagged(&self, category: &str, name: &str, any_folder: bool) -> Vec<&'files IndexedFile> {
        let wanted_path = without_extension(name);
        let found: Vec<&IndexedFile> = self
            .alike(Some(category), name)
            .filter(|file| any_folder || same_but_for_case(without_extension(&file.name), wanted_path))
            .collect();
        // What is written out decides: its ending, then upper and lower case.
        let wanted = last_part(name);
        let narrower: [&dyn Fn(&IndexedFile) -> bool; 2] =
            [&|file| wanted_path == name || last_part(&file.name).eq_ignore_ascii_case(wanted), &|file| {
                without_extension(&file.name).ends_with(wanted_path)
            }];
        narrower.into_iter().fold(found, |found, fits| {
            let fitting: Vec<&IndexedFile> = found.iter().copied().filter(|file| fits(file)).collect();
            if fitting.is_empty() { found } else { fitting }
        })
    }

    /// Every file a name can lead to, in a category or in all.
    pub(super) fn reachable(&self, category: Option<&str>) -> impl Iterator<Item = &'files IndexedFile> {
        let files = self.files;
        self.exact
            .iter()
            .filter(move |((of, _), _)| category.is_none_or(|wanted| *of == wanted))
            .map(move |(_, &position)| &files[position])
    }

    pub(super) fn sha256(&self, sha256: &str) -> Vec<&'files str> {
        let files = self.files;
        self.sha256.get(sha256).into_iter().flatten().map(|&position| &*files[position].key).collect()
    }
}

fn keys<'files>(files: impl IntoIterator<Item = &'files IndexedFile>) -> Vec<&'files str> {
    files.into_iter().map(|file| &*file.key).collect()
}
