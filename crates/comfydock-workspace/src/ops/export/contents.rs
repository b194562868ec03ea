//! What a bundle of an environment's last commit holds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use comfydock_bundle::pack::Item;
use comfydock_core::bundle::{DEV_NODES, LOCK, lock_text};
use comfydock_core::digest::CommitId;
use comfydock_core::foreign::{MANIFEST, PYTHON_LOCK, PYTHON_VERSION, workflow_path};
use comfydock_core::manifest::{Manifest, Node, NodeSource};
use comfydock_core::name::NodeName;
use comfydock_git::checkout;
use comfydock_git::objects::{Entry, Mode};
use comfydock_git::repository::SourceFile;

use crate::Error;
use crate::environment::Environment;
use crate::observe::Committed;
use crate::pack_source::PackSource;
use crate::snapshot;

/// Whether a bundle holds the source of this pack.
pub(super) fn is_dev_node(node: &Node) -> bool {
    node.source == NodeSource::Development
}

/// A development node in a bundle.
pub struct DevNode {
    /// Its folder.
    pub name: NodeName,
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that no commit of its repository has as they are; they are in the bundle as they are.
    pub modified: Vec<String>,
    /// Files that are not in the bundle, with the reason.
    pub left_out: Vec<(String, &'static str)>,
    held: Held,
}

/// Where its files are.
enum Held {
    /// In the environment's history, at the commit that the manifest records.
    History(Vec<Entry>),
    /// In its folder.
    Folder(PathBuf, Vec<SourceFile>),
}

/// What a bundle holds.
pub(super) struct Contents {
    pub(super) commit: CommitId,
    pub(super) manifest_text: String,
    pub(super) manifest: Manifest,
    pub(super) workflows: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) dev_nodes: Vec<DevNode>,
}

impl Contents {
    pub(super) fn of(environment: &Environment, committed: Committed) -> Result<Self, Error> {
        let Committed { commit, manifest_text, manifest, workflows, mut files } = committed;
        files.retain(|path, _| [PYTHON_LOCK, PYTHON_VERSION].contains(&path.as_str()));
        for needed in [PYTHON_LOCK, PYTHON_VERSION] {
            if !files.contains_key(needed) {
                return Err(Error::refused(
                    format!("the last commit has no {needed}, so nobody could build the environment from a bundle"),
                    "`comfydock repair` makes it anew; commit it, then export again",
                ));
            }
        }
        let nodes = manifest.nodes.values().filter(|node| is_dev_node(node));
        let dev_nodes = nodes.map(|node| DevNode::of(environment, node)).collect::<Result<_, _>>()?;
        Ok(Self { commit, manifest_text, manifest, workflows, files, dev_nodes })
    }

    /// Bytes of everything, before it is packed.
    pub(super) fn bytes(&self) -> u64 {
        let workflows = self.workflows.values().map(String::len);
        let own: usize = workflows.chain(self.files.values().map(Vec::len)).sum::<usize>() + self.manifest_text.len();
        own as u64 + self.dev_nodes.iter().map(|node| node.bytes).sum::<u64>()
    }

    /// Every file but the description.
    pub(super) fn items(&self, environment: &Environment) -> Result<Vec<Item<'_>>, Error> {
        let mut items = vec![
            Item::of(MANIFEST, self.manifest_text.clone().into_bytes()),
            Item::of(LOCK, lock_text(&self.manifest).into_bytes()),
        ];
        items.extend(self.files.iter().map(|(path, bytes)| Item::of(path, bytes.clone())));
        items
            .extend(self.workflows.iter().map(|(name, text)| Item::of(workflow_path(name), text.clone().into_bytes())));
        let objects = Rc::new(environment.repository()?.objects()?);
        for node in &self.dev_nodes {
            let place = |path: &str| format!("{DEV_NODES}{}/{path}", node.name);
            match &node.held {
                Held::History(entries) => items.extend(entries.iter().map(|entry| {
                    let objects = Rc::clone(&objects);
                    Item {
                        path: place(&String::from_utf8_lossy(&entry.path)),
                        executable: entry.mode == Mode::Executable,
                        read: Box::new(move || Ok(objects.blob(&entry.id)?)),
                    }
                })),
                Held::Folder(folder, files) => items.extend(files.iter().map(|file| Item {
                    path: place(&file.path),
                    executable: file.executable,
                    read: Box::new(move || Ok(std::fs::read(folder.join(&file.path))?)),
                })),
            }
        }
        Ok(items)
    }
}

impl DevNode {
    fn of(environment: &Environment, node: &Node) -> Result<Self, Error> {
        let name = node.name.clone();
        if let (true, Some(commit)) = (node.is_snapshot(), &node.commit) {
            let entries = snapshot::find(environment, name.as_str(), commit)?;
            let objects = environment.repository()?.objects()?;
            let bytes = entries.iter().try_fold(0, |sum, entry| Ok::<_, Error>(sum + objects.blob_size(&entry.id)?))?;
            let files = entries.len();
            return Ok(Self {
                name,
                files,
                bytes,
                modified: Vec::new(),
                left_out: Vec::new(),
                held: Held::History(entries),
            });
        }
        if !environment.custom_nodes().join(name.as_str()).is_dir() {
            return Err(Error::refused(
                format!("development node `{name}` is not in custom_nodes, and its source belongs into a bundle"),
                "`comfydock repair` brings it back, `comfydock node remove` takes it out of the environment",
            ));
        }
        let source = PackSource::of(environment, &name)?;
        let modified = checkout::inspect(&source.folder)?.map(|state| state.modified).unwrap_or_default();
        let (files, bytes) = (source.files.len(), source.bytes());
        let PackSource { folder, files: list, left_out } = source;
        Ok(Self { name, files, bytes, modified, left_out, held: Held::Folder(folder, list) })
    }
}
