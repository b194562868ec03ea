//! What stands in the way of a node pack that is to be added: looked for before anything is fetched.

use std::collections::{BTreeMap, BTreeSet};

use super::reach::Folder;
use crate::digest::CommitId;
use crate::manifest::{Node, NodeSource};
use crate::name::NodeName;
use crate::repository_url;

/// Something in the way, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    /// The manifest has the pack as it is wanted, and it is there.
    Tracked {
        /// Its folder.
        name: String,
    },
    /// The manifest has the pack, from another place or under another name.
    TrackedOtherwise {
        /// Its folder.
        name: String,
        /// Where that one is from.
        from: String,
    },
    /// A folder without a repository.
    Directory {
        /// Its name.
        folder: String,
    },
    /// A git repository without a remote.
    LocalRepository {
        /// Its folder.
        folder: String,
        /// Where it stands.
        commit: Option<CommitId>,
    },
    /// A clone of the same repository.
    SameRepository {
        /// Its folder, which may have another name.
        folder: String,
        /// Where it stands.
        commit: Option<CommitId>,
    },
    /// A clone of another repository.
    OtherRepository {
        /// Its folder.
        folder: String,
        /// Where it was cloned from.
        url: String,
        /// Where it stands.
        commit: Option<CommitId>,
    },
}

impl Clash {
    /// The folder in `custom_nodes` that it is about.
    pub fn folder(&self) -> &str {
        match self {
            Self::Tracked { name } | Self::TrackedOtherwise { name, .. } => name,
            Self::Directory { folder }
            | Self::LocalRepository { folder, .. }
            | Self::SameRepository { folder, .. }
            | Self::OtherRepository { folder, .. } => folder,
        }
    }

    /// Whether `--force` gets past it.
    pub fn yields_to_force(&self) -> bool {
        !matches!(self, Self::Tracked { .. } | Self::TrackedOtherwise { .. })
    }

    /// What can be done about it; `wanted` is the folder the pack would get.
    pub fn remedy(&self, wanted: &str) -> String {
        let folder = self.folder();
        match self {
            Self::Tracked { .. } => {
                format!("there is nothing to do; `comfydock node update {folder}` looks for a newer version")
            }
            Self::TrackedOtherwise { .. } => format!("`comfydock node remove {folder}` first, if the other is meant"),
            Self::Directory { .. } | Self::LocalRepository { .. } => {
                format!(
                    "`comfydock node add {folder} --dev` tracks it as it is; --force replaces it and keeps a copy in the environment's trash"
                )
            }
            Self::SameRepository { .. } if folder == wanted => {
                format!(
                    "`comfydock node add {folder} --dev` tracks the clone you have, `comfydock commit` takes it over at its commit; --force replaces it"
                )
            }
            Self::SameRepository { .. } => format!(
                "ComfyUI would load both; `comfydock node add {folder} --dev` tracks the clone you have; --force takes it away and keeps a copy in the environment's trash"
            ),
            Self::OtherRepository { .. } => {
                format!(
                    "rename custom_nodes/{folder} if you want both; --force replaces it and keeps a copy in the environment's trash"
                )
            }
        }
    }
}

/// What is in `custom_nodes` and in the manifest.
pub struct There<'a> {
    /// Folders that ComfyUI loads.
    pub folders: &'a BTreeMap<String, Folder>,
    /// Single files that it loads.
    pub files: &'a BTreeSet<String>,
    /// The packs of the manifest.
    pub nodes: &'a BTreeMap<String, Node>,
}

/// Looks for what is in the way of a pack. `exact` says that a certain version was asked for: then a
/// pack that is tracked at another one is changed and in nobody's way.
pub fn clashes(there: &There<'_>, wanted: &Node, exact: bool) -> Vec<Clash> {
    let mut found = Vec::new();
    let key = wanted.name.normalised();
    for (other, node) in there.nodes {
        let same_origin = same_origin(node, wanted);
        if *other != key && !same_origin {
            continue;
        }
        let is_there = there.folders.contains_key(node.name.as_str());
        if !same_origin || *other != key {
            let from = node.registry_id.clone().or_else(|| node.repository.clone());
            let from = from.unwrap_or_else(|| "this machine".to_owned());
            found.push(Clash::TrackedOtherwise { name: node.name.to_string(), from });
        } else if is_there && (!exact || stands_as(node, wanted)) {
            found.push(Clash::Tracked { name: node.name.to_string() });
        }
    }
    if !found.is_empty() {
        return found;
    }
    let tracked: BTreeSet<&str> = there.nodes.values().map(|node| node.name.as_str()).collect();
    for (name, folder) in there.folders.iter().filter(|(name, _)| !tracked.contains(name.as_str())) {
        let same_repository = match (&folder.url, &wanted.repository) {
            (Some(one), Some(other)) => repository_url::equivalent(one, other),
            _ => false,
        };
        let same_name = NodeName::parse(name).map_or(*name == wanted.name.as_str(), |name| name.normalised() == key);
        if !same_name && !same_repository {
            continue;
        }
        let (folder_name, commit) = (name.clone(), folder.commit.clone());
        found.push(match &folder.url {
            Some(_) if same_repository => Clash::SameRepository { folder: folder_name, commit },
            Some(url) => Clash::OtherRepository { folder: folder_name, url: url.clone(), commit },
            None if folder.commit.is_some() => Clash::LocalRepository { folder: folder_name, commit },
            None => Clash::Directory { folder: folder_name },
        });
    }
    let file = format!("{}.py", wanted.name);
    if there.files.contains(&file) {
        found.push(Clash::Directory { folder: file });
    }
    found
}

/// Whether two packs come from one place.
pub fn same_origin(one: &Node, other: &Node) -> bool {
    let id = |node: &Node| node.registry_id.as_ref().map(|id| id.to_lowercase());
    if let (Some(one), Some(other)) = (id(one), id(other)) {
        return one == other;
    }
    match (&one.repository, &other.repository) {
        // A release of the registry and a clone of its repository would load everything twice.
        (Some(one), Some(other)) => repository_url::equivalent(one, other),
        _ => false,
    }
}

fn stands_as(node: &Node, wanted: &Node) -> bool {
    match wanted.source {
        NodeSource::Registry => node.source == NodeSource::Registry && node.version == wanted.version,
        NodeSource::Git => node.source == NodeSource::Git && (wanted.commit.is_none() || node.commit == wanted.commit),
        NodeSource::Development => node.source == NodeSource::Development,
    }
}
