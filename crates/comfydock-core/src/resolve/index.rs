//! The files that are here, arranged for looking up by name.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

use crate::category;

/// A model file under a root of its category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// The model's key: its quick hash, perhaps with a suffix (decision 4).
    pub key: String,
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

/// Files by category and name, by file name, by key and by SHA-256.
///
/// A file that another of the same category and name hides in an earlier root is found only by key
/// or SHA-256: no name leads ComfyUI to it.
#[derive(Debug)]
pub struct Index<'files> {
    files: &'files [IndexedFile],
    exact: HashMap<(&'files str, String), usize>,
    exact_anywhere: HashMap<String, Positions>,
    folded: HashMap<(&'files str, String), Positions>,
    folded_anywhere: HashMap<String, Positions>,
    file_name: HashMap<(&'files str, String), Positions>,
    file_name_anywhere: HashMap<String, Positions>,
    /// By category and relative name without its ending, in lower case.
    stem: HashMap<(&'files str, String), Positions>,
    /// The same by the last part alone.
    last_stem: HashMap<(&'files str, String), Positions>,
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

impl<'files> Index<'files> {
    /// Arranges the files, in any order.
    pub fn new(files: &'files [IndexedFile]) -> Self {
        let mut index = Self {
            files,
            exact: HashMap::with_capacity(files.len()),
            exact_anywhere: HashMap::new(),
            folded: HashMap::new(),
            folded_anywhere: HashMap::new(),
            file_name: HashMap::new(),
            file_name_anywhere: HashMap::new(),
            stem: HashMap::new(),
            last_stem: HashMap::new(),
            keys: HashMap::new(),
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
        let category = file.category.as_str();
        self.keys.entry(&file.key).or_default().push(position);
        if let Some(sha256) = &file.sha256 {
            self.sha256.entry(sha256).or_default().push(position);
        }
        let name: String = file.name.nfc().collect();
        if self.exact.contains_key(&(category, name.clone())) {
            return;
        }
        let folded = name.to_lowercase();
        let file_name = folded.rsplit('/').next().unwrap_or_default().to_owned();
        let (stem, last_stem) = (without_extension(&folded).to_owned(), without_extension(&file_name).to_owned());
        self.stem.entry((category, stem)).or_default().push(position);
        self.last_stem.entry((category, last_stem)).or_default().push(position);
        self.exact.insert((category, name.clone()), position);
        self.exact_anywhere.entry(name).or_default().push(position);
        self.folded.entry((category, folded.clone())).or_default().push(position);
        self.folded_anywhere.entry(folded).or_default().push(position);
        self.file_name.entry((category, file_name.clone())).or_default().push(position);
        self.file_name_anywhere.entry(file_name).or_default().push(position);
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
        let name: String = name.nfc().collect();
        self.exact.get(&(category, name)).map(|&position| &self.files[position])
    }

    /// The file whose name leads ComfyUI to this model in this category: not hidden by another model
    /// in an earlier root.
    pub fn visible(&self, key: &str, category: &str) -> Option<&'files IndexedFile> {
        self.files_of(key).find(|file| {
            file.category == category && self.file(category, &file.name).is_some_and(|winner| winner.key == key)
        })
    }

    fn keys_at(&self, positions: Option<&Positions>) -> Vec<&'files str> {
        let files = self.files;
        positions.into_iter().flatten().map(|&position| files[position].key.as_str()).collect()
    }

    pub(super) fn exact(&self, category: Option<&str>, name: &str) -> Vec<&'files str> {
        match category {
            Some(category) => self.file(category, name).map(|file| file.key.as_str()).into_iter().collect(),
            None => self.keys_at(self.exact_anywhere.get(name)),
        }
    }

    pub(super) fn case_insensitive(&self, category: Option<&str>, name: &str) -> Vec<&'files str> {
        let name = name.to_lowercase();
        self.keys_at(match category {
            Some(category) => self.folded.get(&(category, name)),
            None => self.folded_anywhere.get(&name),
        })
    }

    /// By file name alone: of the same case if there are such, otherwise of any.
    pub(super) fn file_name(&self, category: Option<&str>, name: &str) -> Vec<&'files str> {
        let folded = name.to_lowercase();
        let positions = match category {
            Some(category) => self.file_name.get(&(category, folded)),
            None => self.file_name_anywhere.get(&folded),
        };
        let all = positions.into_iter().flatten().map(|&position| &self.files[position]);
        let file_name =
            |file: &IndexedFile| file.name.rsplit('/').next().is_some_and(|last| last.nfc().eq(name.chars()));
        let same_case: Vec<&str> = all.filter(|file| file_name(file)).map(|file| file.key.as_str()).collect();
        if same_case.is_empty() { self.keys_at(positions) } else { same_case }
    }

    /// The files a tag can mean: its name is a path below the category, with or without an ending.
    /// `any_folder` lets the last part alone decide.
    pub(super) fn tagged(&self, category: &str, name: &str, any_folder: bool) -> Vec<&'files IndexedFile> {
        let folded = name.to_lowercase();
        let stem = without_extension(&folded);
        let positions = if any_folder {
            self.last_stem.get(&(category, stem.rsplit('/').next().unwrap_or_default().to_owned()))
        } else {
            self.stem.get(&(category, stem.to_owned()))
        };
        let found: Vec<&IndexedFile> = positions.into_iter().flatten().map(|&position| &self.files[position]).collect();
        // What is written out decides: its ending, then upper and lower case.
        let (wanted, wanted_stem) = (name.rsplit('/').next().unwrap_or(name), without_extension(name));
        let narrower: [&dyn Fn(&IndexedFile) -> bool; 2] = [
            &|file| {
                wanted_stem == name
                    || file.name.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(wanted))
            },
            &|file| without_extension(&file.name).ends_with(wanted_stem),
        ];
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
        self.keys_at(self.sha256.get(sha256))
    }
}
