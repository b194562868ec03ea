//! Packs that are worked on here: never replaced, never taken away, and described by what their folder
//! is (decision 24).

use std::path::PathBuf;

use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::name::NodeName;
use comfydock_git::checkout;
use comfydock_git::program::without_credentials;

use crate::Error;
use crate::environment::Environment;
use crate::installed::Record;
use crate::observe::packs::disabled_place;

/// Where a development pack lies: under its name, or set aside.
pub(super) fn place(environment: &Environment, node: &Node) -> PathBuf {
    let folder = environment.custom_nodes().join(node.name.as_str());
    if folder.is_dir() { folder } else { disabled_place(environment, node.name.as_str()) }
}

/// What the manifest says of a folder that is worked on: its repository and commit, if it has a remote.
///
/// # Errors
/// When git fails on it.
pub fn described(environment: &Environment, name: &NodeName) -> Result<Node, Error> {
    let node = Node::new(name.clone(), NodeSource::Development);
    let folder = place(environment, &node);
    let at = match checkout::inspect(&folder)? {
        Some(state) => state.url.zip(state.commit),
        // A copy is what it was sent as until it is worked on: no git would carry that work elsewhere.
        None => Record::find(environment, name.as_str())?
            .map(|record| record.look(&folder))
            .filter(|look| look.modified.is_empty())
            .and_then(|look| look.url.zip(look.commit)),
    };
    let Some((url, commit)) = at else { return Ok(node) };
    Ok(Node { repository: Some(without_credentials(&url)), commit: Some(commit), ..node })
}
