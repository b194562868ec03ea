//! Whether a lock is behind the manifest, and which node packs that concerns.

use std::collections::BTreeMap;

use comfydock_core::foreign;
use comfydock_core::manifest::Document;
use comfydock_core::python_lock::{Place, disagreements};
use comfydock_core::requirements::normalised;

use crate::observe::Committed;
use crate::ops::requirements;

/// Something that the manifest asks for and the lock does not have, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlocked {
    /// The dependency group, when it is asked for in one.
    pub group: Option<String>,
    /// The folder of the node pack whose group that is.
    pub pack: Option<String>,
    /// Whether the group says what the pack asks for: it came with `--no-test`. Else it was edited.
    pub untested: bool,
    /// What it is, in words.
    pub text: String,
}

impl Unlocked {
    /// How that came about, in words; nothing where nobody can tell.
    pub fn because(&self) -> Option<String> {
        let pack = self.pack.as_ref()?;
        Some(match &self.group {
            Some(group) if !self.untested => format!("group {group} of node pack {pack} was edited and not locked"),
            _ => format!("node pack {pack} came with --no-test, and its packages were never locked"),
        })
    }
}

/// What the lock among `files` lacks of what a document asks for. Without a lock nothing is known.
pub fn behind(document: &Document, files: &BTreeMap<String, Vec<u8>>) -> Vec<Unlocked> {
    files.get(foreign::PYTHON_LOCK).map_or_else(Vec::new, |lock| unlocked(document, lock))
}

pub(super) fn unlocked(document: &Document, lock: &[u8]) -> Vec<Unlocked> {
    let found = match disagreements(&document.text(), &String::from_utf8_lossy(lock)) {
        Ok(found) => found,
        Err(problem) => {
            let text = format!("{} {problem}", foreign::PYTHON_LOCK);
            return vec![Unlocked { group: None, pack: None, untested: false, text }];
        }
    };
    let nodes = document.manifest().map(|manifest| manifest.nodes).unwrap_or_default();
    let groups = document.groups();
    found
        .into_iter()
        .map(|found| {
            let text = found.to_string();
            let Place::Group(name) = found.place else {
                return Unlocked { group: None, pack: None, untested: false, text };
            };
            // As the manifest spells it, unless it is gone from there.
            let group = groups.keys().find(|group| normalised(group) == name).cloned().unwrap_or(name);
            let node = nodes.values().find(|node| node.group.as_ref() == Some(&group));
            let lines = groups.get(&group).map(Vec::as_slice).unwrap_or_default();
            let untested = node.is_some_and(|node| requirements::identity(lines) == node.requirements_sha256);
            Unlocked { group: Some(group), pack: node.map(|node| node.name.to_string()), untested, text }
        })
        .collect()
}

/// Whether a document asks otherwise for packages than the last commit does.
pub fn asks_otherwise(head: &Committed, document: &Document) -> bool {
    let committed = Document::parse(&head.manifest_text).map(|document| document.resolution_text());
    committed.is_ok_and(|committed| committed != document.resolution_text())
}

/// Whether a commit of these has to lock anew. What was committed with a lock that is behind stays so
/// until somebody asks for it (`repair`): a workflow can be saved all the same.
pub fn is_due(head: &Committed, document: &Document, files: &BTreeMap<String, Vec<u8>>) -> bool {
    if head.files.get(foreign::PYTHON_LOCK) == files.get(foreign::PYTHON_LOCK) {
        asks_otherwise(head, document)
    } else {
        !behind(document, files).is_empty()
    }
}
