//! One folder that models are looked for in.

use std::path::{Path, PathBuf};

use comfydock_core::category;

/// One folder that models are looked for in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A models folder; the folders in it that are looked through by another root.
    Folder { left_out: Vec<String> },
    /// A folder of one category.
    Category(String),
    /// Hugging Face's cache of repositories.
    HuggingFace,
}

impl Root {
    /// A models folder: each folder in it is a category's.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), kind: Kind::Folder { left_out: Vec::new() } }
    }

    /// A folder whose files are all of one category.
    pub fn of_category(path: impl Into<PathBuf>, name: &str) -> Self {
        Self { path: path.into(), kind: Kind::Category(category::canonical(name).to_owned()) }
    }

    /// Hugging Face's cache. ComfyUI does not look into it; what lies there can be linked in.
    pub fn huggingface(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), kind: Kind::HuggingFace }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The category of everything in it; none for a models folder.
    pub fn category(&self) -> Option<&str> {
        match &self.kind {
            Kind::Category(category) => Some(category),
            Kind::Folder { .. } | Kind::HuggingFace => None,
        }
    }

    /// Whether ComfyUI looks into it.
    pub fn is_seen(&self) -> bool {
        self.kind != Kind::HuggingFace
    }

    /// Whether ComfyUI lists every file in it, whatever its ending: so it does with categories that
    /// only a configuration names.
    pub fn takes_all_files(&self) -> bool {
        self.category().is_some_and(|category| !category::KNOWN.contains(&category))
    }

    /// Whether a folder right below it is looked through.
    pub(crate) fn takes_folder(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Folder { left_out } => !left_out.iter().any(|left| left == name),
            Kind::Category(_) => true,
            Kind::HuggingFace => name.starts_with("models--"),
        }
    }

    /// How a [`Place`](comfydock_core::plan::library::Place) spells a file below this folder: the
    /// category first.
    pub fn place_path(&self, below: &str) -> String {
        match self.category() {
            Some(category) => format!("{category}/{below}"),
            None => below.to_owned(),
        }
    }

    /// A place's path as a path below this folder.
    pub fn below<'path>(&self, place_path: &'path str) -> &'path str {
        match (self.category(), place_path.split_once('/')) {
            (Some(_), Some((_, below))) => below,
            _ => place_path,
        }
    }

    /// Whether another folder is one that this models folder has already.
    pub(super) fn has(&self, other: &Self) -> bool {
        match (self.is_seen() && self.category().is_none(), other.category()) {
            (true, Some(_)) => self.folder_of(other).is_some(),
            _ => self.path == other.path && self.category() == other.category(),
        }
    }

    /// Leaves out the folders that are looked through by roots of their own.
    pub(super) fn leave_out(&mut self, named: &[Self]) {
        let folders: Vec<String> = named.iter().filter_map(|other| self.folder_of(other)).collect();
        if let Kind::Folder { left_out } = &mut self.kind {
            *left_out = folders;
        }
    }

    /// The folder of this models folder that another root is.
    fn folder_of(&self, other: &Self) -> Option<String> {
        let folders = category::folders(other.category()?);
        folders.into_iter().find(|folder| self.path.join(folder) == other.path).map(str::to_owned)
    }
}
