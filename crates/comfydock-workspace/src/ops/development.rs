//! Packs that are worked on here, as the next commit records them: with a remote by its URL and commit,
//! without one by a snapshot of their source (decision 24).

use comfydock_core::manifest::{Document, Manifest, Node, NodeSource};

use super::node::described;
use crate::Error;
use crate::environment::Environment;
use crate::snapshot;

/// The packs of a manifest whose source is worked on and lies here.
fn worked_on<'a>(environment: &Environment, manifest: &'a Manifest) -> impl Iterator<Item = &'a Node> {
    let folder = environment.custom_nodes();
    let nodes = manifest.nodes.values().filter(|node| node.source == NodeSource::Development);
    nodes.filter(move |node| folder.join(node.name.as_str()).is_dir())
}

/// Writes into the manifest what the packs are now, and says whether that changed it. Nothing else is written.
///
/// # Errors
/// When git fails on a pack, or a file of one cannot be read.
pub fn refresh(environment: &Environment, document: &mut Document, manifest: &Manifest) -> Result<bool, Error> {
    let mut changed = false;
    for node in worked_on(environment, manifest) {
        let mut now = described(environment, &node.name)?;
        now.group.clone_from(&node.group);
        now.requirements_sha256.clone_from(&node.requirements_sha256);
        now.install_script_sha256.clone_from(&node.install_script_sha256);
        if now.is_snapshot() {
            now.commit = Some(snapshot::look(environment, &node.name)?.commit);
        }
        if now != *node {
            document.set_node(&now);
            changed = true;
        }
    }
    Ok(changed)
}

/// Puts the source of packs without a remote into the history. Returns the files that are not in it, by
/// pack, with the reason.
///
/// # Errors
/// When a file cannot be read or written.
pub fn keep(environment: &Environment, manifest: &Manifest) -> Result<Vec<(String, String, &'static str)>, Error> {
    let mut left_out = Vec::new();
    for node in worked_on(environment, manifest).filter(|node| node.is_snapshot()) {
        let snapshot = snapshot::take(environment, &node.name)?;
        left_out.extend(snapshot.left_out.into_iter().map(|(path, why)| (node.name.to_string(), path, why)));
    }
    Ok(left_out)
}

/// The references that hold the source of a manifest's packs.
pub fn references(manifest: &Manifest) -> Vec<String> {
    let nodes = manifest.nodes.values().filter(|node| node.is_snapshot());
    nodes.filter_map(|node| Some(snapshot::reference(&node.name, node.commit.as_ref()?))).collect()
}
