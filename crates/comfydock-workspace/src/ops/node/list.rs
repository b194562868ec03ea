//! `comfydock node list`: the packs of the environment, and what is on the disk.

use comfydock_core::manifest::{Node, NodeSource};

use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::observe::packs::{self, Packs};

/// How a pack of the manifest stands on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As the manifest says.
    There,
    /// With changed files.
    Modified,
    /// At another version or commit than the manifest says.
    Moved,
    /// Not at all.
    Missing,
    /// Left alone by `.comfydock_ignore`.
    Ignored,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::There => "installed",
            Self::Modified => "modified",
            Self::Moved => "moved",
            Self::Missing => "missing",
            Self::Ignored => "ignored",
        }
    }
}

/// A pack and how it stands.
#[derive(Debug, Clone)]
pub struct Listed {
    /// As the manifest records it.
    pub node: Node,
    /// On the disk.
    pub state: State,
    /// Whether its folder is a copy that travelled with the environment: its repository did not have the commit.
    pub vendored: bool,
}

/// Lists the packs of the manifest, and the names in `custom_nodes` that it does not have.
///
/// # Errors
/// When something cannot be read.
pub fn list(environment: &Environment) -> Result<(Vec<Listed>, Vec<String>), Error> {
    let manifest = environment.manifest()?.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
    let ignored = Ignored::of(environment)?;
    let Packs { folders, files, .. } = packs::packs(environment)?;
    let state = |node: &Node| match folders.get(node.name.as_str()) {
        _ if ignored.has_pack(node.name.as_str()) => State::Ignored,
        None => State::Missing,
        Some(folder) if !folder.is(node) => State::Moved,
        Some(folder) if !folder.modified.is_empty() && node.source != NodeSource::Development => State::Modified,
        Some(_) => State::There,
    };
    let vendored = |node: &Node| folders.get(node.name.as_str()).is_some_and(|folder| folder.vendored);
    let listed = manifest.nodes.values();
    let listed =
        listed.map(|node| Listed { node: node.clone(), state: state(node), vendored: vendored(node) }).collect();
    let tracked = |name: &String| manifest.nodes.values().any(|node| node.name.as_str() == name);
    let others = folders.into_keys().chain(files).filter(|name| !tracked(name) && !ignored.has_pack(name)).collect();
    Ok((listed, others))
}
