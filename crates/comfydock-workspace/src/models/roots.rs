//! The folders ComfyUI looks for models in, in its order.

use std::path::{Path, PathBuf};

use comfydock_core::category;
use comfydock_core::plan::library::Place;

use crate::Error;
use crate::environment::Environment;
use crate::workspace::Workspace;

/// One folder that models are looked for in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
    category: Option<String>,
    seen: bool,
}

impl Root {
    /// A models folder: each folder in it is a category's.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), category: None, seen: true }
    }

    /// A folder whose files are all of one category.
    pub fn of_category(path: impl Into<PathBuf>, name: &str) -> Self {
        Self { path: path.into(), category: Some(category::canonical(name).to_owned()), seen: true }
    }

    /// A folder that ComfyUI does not look into; what lies there can be linked in.
    pub fn elsewhere(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), category: None, seen: false }
    }

    /// Whether ComfyUI looks into it.
    pub fn is_seen(&self) -> bool {
        self.seen
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The category of everything in it; none for a models folder.
    pub fn category(&self) -> Option<&str> {
        self.category.as_deref()
    }

    /// Whether ComfyUI lists every file in it, whatever its ending: so it does with categories that
    /// only a configuration names.
    pub fn takes_all_files(&self) -> bool {
        self.category.as_deref().is_some_and(|category| !category::KNOWN.contains(&category))
    }

    /// How a [`Place`] spells a file below this folder: the category first.
    pub fn place_path(&self, below: &str) -> String {
        match &self.category {
            Some(category) => format!("{category}/{below}"),
            None => below.to_owned(),
        }
    }

    /// A place's path as a path below this folder.
    pub fn below<'path>(&self, place_path: &'path str) -> &'path str {
        match (&self.category, place_path.split_once('/')) {
            (Some(_), Some((_, below))) => below,
            _ => place_path,
        }
    }

    /// Whether a category's folder is one that this models folder has already.
    fn has(&self, other: &Self) -> bool {
        match (&self.category, &other.category) {
            (None, Some(wanted)) => {
                category::folders(wanted).into_iter().any(|folder| self.path.join(folder) == other.path)
            }
            _ => self == other,
        }
    }
}

/// The folders models are looked for in, in the order ComfyUI searches them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots(Vec<Root>);

impl Roots {
    /// Where ComfyUI looks: the environment's own models folder, then the workspace's. Those that are
    /// not there (a drive that is not mounted) are left out; see [`offline`].
    ///
    /// # Errors
    /// When a configuration of models folders cannot be read.
    pub fn of(workspace: &Workspace, environment: Option<&Environment>) -> Result<Self, Error> {
        let mut roots = Self::default();
        if let Some(environment) = environment {
            roots.push(Root::folder(environment.own_models()));
        }
        for folder in &workspace.settings.model_directories {
            roots.push(Root::folder(&folder.path));
        }
        roots.0.retain(|root| root.path.is_dir());
        Ok(roots)
    }

    /// Adds a folder behind the others, unless it is looked through already.
    pub fn push(&mut self, root: Root) {
        if !self.0.iter().any(|known| known.has(&root)) {
            self.0.push(root);
        }
    }

    /// The folders in order.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.0.iter()
    }

    /// The folder at a [`Place`]'s position.
    pub fn get(&self, position: usize) -> Option<&Root> {
        self.0.get(position)
    }

    /// The file of a place. The place must come from an index that was asked about these roots.
    pub fn path(&self, place: &Place) -> PathBuf {
        let root = &self.0[place.root];
        root.path.join(root.below(&place.relative_path))
    }
}

impl FromIterator<Root> for Roots {
    fn from_iter<T: IntoIterator<Item = Root>>(folders: T) -> Self {
        let mut roots = Self::default();
        folders.into_iter().for_each(|root| roots.push(root));
        roots
    }
}

/// The workspace's models folders that are not there. What lies in them is kept in the index.
pub fn offline(workspace: &Workspace) -> Vec<PathBuf> {
    let folders = workspace.settings.model_directories.iter().map(|folder| folder.path.clone());
    folders.filter(|folder| !folder.is_dir()).collect()
}
