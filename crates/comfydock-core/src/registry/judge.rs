//! Whether a pack may be installed.

use super::{NodeStatus, NodeVersionStatus};

/// What is thought of installing a version of a pack. Reasons are clauses: "it …".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Ok,
    /// It may be installed, and the user is told this.
    Warn(String),
    /// It is not installed.
    Refuse(String),
}

/// Judges what the registry says of a pack, of one of its versions, and whether that is deprecated.
///
/// The registry's own answer to a request for installing does not look at the status.
pub fn judge(node: &NodeStatus, version: &NodeVersionStatus, deprecated: bool) -> Verdict {
    let refuse = |reason: &str| Verdict::Refuse(reason.to_owned());
    match (node, version) {
        (NodeStatus::Banned, _) => return refuse("the registry has banned it"),
        (_, NodeVersionStatus::Banned) => return refuse("the registry has banned this version"),
        (NodeStatus::Deleted, _) => return refuse("its publisher has deleted it from the registry"),
        (_, NodeVersionStatus::Deleted) => return refuse("its publisher has deleted this version from the registry"),
        _ => {}
    }
    let mut reasons = Vec::new();
    match version {
        NodeVersionStatus::Flagged => reasons.push("the registry's scan found something in this version".to_owned()),
        NodeVersionStatus::Pending => reasons.push("the registry has not scanned this version yet".to_owned()),
        NodeVersionStatus::Other(word) => reasons.push(unknown(word)),
        _ => {}
    }
    if let NodeStatus::Other(word) = node {
        reasons.push(unknown(word));
    }
    if deprecated {
        reasons.push("its publisher has marked this version as deprecated".to_owned());
    }
    if reasons.is_empty() { Verdict::Ok } else { Verdict::Warn(reasons.join("; ")) }
}

fn unknown(word: &str) -> String {
    let word: String = word.escape_debug().take(60).collect();
    format!("the registry calls it `{word}`, which this comfydock does not know")
}
