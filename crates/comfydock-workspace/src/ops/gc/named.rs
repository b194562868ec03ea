//! What any version of any environment names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use comfydock_core::foreign;
use comfydock_core::manifest::Manifest;
use comfydock_core::name::EnvironmentName;
use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_git::bare;
use comfydock_git::objects::{Objects, TreeItem};
use comfydock_git::repository::Repository;
use comfydock_store::file;

use super::entries;
use crate::Error;
use crate::environment::Environment;
use crate::machine::Machine;
use crate::python;
use crate::workspace::Workspace;

/// More commits than any history has.
const LIMIT: usize = comfydock_git::objects::WALK_LIMIT;

/// What is named.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Repositories of ComfyUI and of node packs.
    pub(super) repositories: BTreeSet<String>,
    /// Versions of packs of the registry.
    pub(super) packs: BTreeSet<(String, String)>,
    /// The keys of what builds of torch resolved to.
    pub(super) backends: BTreeSet<String>,
}

impl Named {
    /// Reads every version of every environment, of those in the trash too: they may come back.
    ///
    /// # Errors
    /// The environment that cannot be read, and why. Then nothing is known to be unused.
    pub(super) fn of(workspace: &Workspace) -> Result<Self, (PathBuf, Error)> {
        let mut named = Self::default();
        let alive = entries(&workspace.root().join("environments")).map(|(path, _)| path);
        let trash = entries(&workspace.home().join("trash"));
        let deleted = trash.flat_map(|(id, _)| entries(&id).flat_map(|(step, _)| entries(&step)).collect::<Vec<_>>());
        for root in alive.chain(deleted.map(|(path, _)| path)).filter(|root| root.join(".cec").is_dir()) {
            named.add(&root).map_err(|error| (root.clone(), error))?;
        }
        Ok(named)
    }

    fn add(&mut self, root: &Path) -> Result<(), Error> {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let environment = Environment::at(EnvironmentName::parse(&name)?, root.to_owned());
        let machine = Machine::load(&environment)?;
        let cec = environment.cec();
        // What lies there and is not committed yet.
        for (file, take) in
            [(foreign::MANIFEST, Self::manifest as fn(&mut Self, &str, &Machine)), (foreign::PYTHON_LOCK, Self::lock)]
        {
            if let Some(text) = file::find_text(&cec.join(file))? {
                take(self, &text, &machine);
            }
        }
        let repository = Repository::open(&cec)?;
        let objects = repository.objects()?;
        let references =
            bare::list_references(&cec.join(".git")).map_err(|error| Error::refused(error.to_string(), ""))?;
        let tips: Vec<String> = references.into_values().collect();
        let mut seen = BTreeSet::new();
        for commit in objects.new_commits(&tips, &[], LIMIT)? {
            for (file, id) in files(&objects, &commit)? {
                if seen.insert(id.clone()) {
                    let bytes = objects.blob(&id)?;
                    let text = String::from_utf8_lossy(&bytes);
                    match file {
                        foreign::MANIFEST => self.manifest(&text, &machine),
                        _ => self.lock(&text, &machine),
                    }
                }
            }
        }
        Ok(())
    }

    /// A manifest that cannot be read names nothing that could be installed from it.
    fn manifest(&mut self, text: &str, _: &Machine) {
        let Ok(manifest) = Manifest::parse(text) else { return };
        self.repositories.insert(manifest.environment.comfyui_url);
        for node in manifest.nodes.into_values() {
            self.repositories.extend(node.repository);
            let id = node.registry_id.and_then(|id| RegistryId::parse(&id).ok());
            let version = node.version.and_then(|version| Version::parse(&version));
            self.packs.extend(id.zip(version).map(|(id, version)| (id.key(), version.to_string())));
        }
    }

    fn lock(&mut self, text: &str, machine: &Machine) {
        self.backends.insert(python::backend_key(text.as_bytes(), machine));
    }
}

/// The manifest and the lock of a commit, as the ids of their blobs.
fn files(objects: &Objects, commit: &str) -> Result<BTreeMap<&'static str, String>, Error> {
    let tree = objects.commit(commit)?.tree;
    let mut found = BTreeMap::new();
    for item in objects.folder(&tree, 0)? {
        let TreeItem::File { name, id } = item else { continue };
        if let Some(file) = [foreign::MANIFEST, foreign::PYTHON_LOCK].into_iter().find(|file| name == file.as_bytes()) {
            found.insert(file, id);
        }
    }
    Ok(found)
}
