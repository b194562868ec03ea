//! The folders ComfyUI looks for models in, in its order (decision 60).

use std::path::{Path, PathBuf};

use comfydock_core::model_paths;
use comfydock_core::plan::library::Place;
use comfydock_store::file;

use self::lexical::normal;
use crate::Error;
use crate::environment::Environment;
use crate::workspace::Workspace;

pub use self::root::Root;

mod lexical;
mod root;

/// ComfyUI's own configuration of further folders, beside its `main.py`.
const OWN_CONFIGURATION: &str = "extra_model_paths.yaml";

/// Where ComfyUI saves models, and looks for them last.
const OUTPUT: [(&str, &str); 5] = [
    ("checkpoints", "checkpoints"),
    ("text_encoders", "clip"),
    ("vae", "vae"),
    ("diffusion_models", "diffusion_models"),
    ("loras", "loras"),
];

/// The folders models are looked for in, in the order ComfyUI searches them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    folders: Vec<Root>,
    absent: Vec<Root>,
    warnings: Vec<String>,
}

impl Roots {
    /// Where ComfyUI looks, and behind that the folders models can be linked in from. Folders that are
    /// not there (a drive that is not mounted) are left out; see [`offline`].
    ///
    /// # Errors
    /// When a configuration of models folders cannot be read.
    pub fn of(workspace: &Workspace, environment: Option<&Environment>) -> Result<Self, Error> {
        let mut roots = Self::seen(workspace, environment)?;
        let cache = workspace.huggingface_cache.as_ref().filter(|folder| folder.is_dir());
        roots.folders.extend(cache.map(Root::huggingface));
        Ok(roots)
    }

    /// Where ComfyUI looks: the environment's own models folder, its `extra_model_paths.yaml`, the
    /// workspace's folders and then its configurations, and what ComfyUI saves.
    ///
    /// # Errors
    /// When a configuration cannot be read.
    pub fn seen(workspace: &Workspace, environment: Option<&Environment>) -> Result<Self, Error> {
        let mut roots = Self::default();
        if let Some(environment) = environment {
            roots.push(Root::folder(environment.own_models()));
            let own = environment.comfyui().join(OWN_CONFIGURATION);
            if own.is_file() {
                roots.configured(&own)?;
            }
        }
        for folder in &workspace.settings.model_directories {
            roots.push(Root::folder(&folder.path));
        }
        for file in &workspace.settings.extra_model_paths {
            if file.is_file() {
                roots.configured(file)?;
            } else {
                roots.warnings.push(format!(
                    "`{}` is not there, so the folders it names are left out; `comfydock models forget` ends that",
                    file.display()
                ));
            }
        }
        if let Some(environment) = environment {
            let output = environment.comfyui().join("output");
            OUTPUT.iter().for_each(|(category, folder)| roots.push(Root::of_category(output.join(folder), category)));
        }
        (roots.folders, roots.absent) = roots.folders.into_iter().partition(|root| root.path().is_dir());
        roots.leave_out_twice_named();
        Ok(roots)
    }

    /// Adds the folders of an `extra_model_paths.yaml`, as ComfyUI does when it reads the file.
    ///
    /// # Errors
    /// When the file cannot be read, with its line.
    pub fn configured(&mut self, path: &Path) -> Result<(), Error> {
        let text = file::read_text(path)?;
        let configuration = model_paths::parse(&text).map_err(|error| {
            Error::refused(
                format!("`{}` cannot be read: {error}", path.display()),
                "mend it; ComfyUI does not start with it either",
            )
        })?;
        if let Some(line) = configuration.named_twice {
            self.warnings.push(format!(
                "`{}` names something twice (line {line}); the last is taken, as ComfyUI does",
                path.display()
            ));
        }
        let beside = path.parent().unwrap_or(Path::new("/"));
        let variable = |name: &str| std::env::var(name).ok();
        for group in configuration.groups {
            // An absolute path replaces what it is joined to.
            let base = group.base_path.map(|base| beside.join(model_paths::expand(&base, variable)));
            let base = base.as_deref().unwrap_or(beside);
            for (category, folder) in &group.folders {
                let root = Root::of_category(normal(&base.join(folder)), category);
                if group.is_default { self.push_first(root) } else { self.push(root) }
            }
        }
        Ok(())
    }

    fn push_first(&mut self, root: Root) {
        self.folders.retain(|known| *known != root);
        self.folders.insert(0, root);
    }

    /// A folder of a models folder that is also named by itself is looked through once, at the place
    /// where it is named by itself.
    fn leave_out_twice_named(&mut self) {
        let named: Vec<Root> = self.folders.iter().filter(|root| root.category().is_some()).cloned().collect();
        for root in &mut self.folders {
            root.leave_out(&named);
        }
    }

    /// Adds a folder behind the others, unless it is looked through already.
    pub fn push(&mut self, root: Root) {
        if !self.folders.iter().any(|known| known.has(&root)) {
            self.folders.push(root);
        }
    }

    /// Folders that are named and not there: on a drive that is not mounted, or never made.
    pub fn absent(&self) -> impl Iterator<Item = &Root> {
        self.absent.iter()
    }

    /// What is odd about the configurations they are from.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The folders in order.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.folders.iter()
    }

    /// The folder at a [`Place`]'s position.
    pub fn get(&self, position: usize) -> Option<&Root> {
        self.folders.get(position)
    }

    /// The file of a place. The place must come from an index that was asked about these roots.
    pub fn path(&self, place: &Place) -> PathBuf {
        let root = &self.folders[place.root];
        root.path().join(root.below(&place.relative_path))
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
