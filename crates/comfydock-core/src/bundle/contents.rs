//! Which files a bundle may hold, and what each is.

use std::collections::BTreeSet;

use super::{ENTRY_LIMIT, FileFact, TOTAL_LIMIT};
use crate::foreign::{MANIFEST, PYTHON_LOCK, PYTHON_VERSION, TreeEntry, judge_entries, workflow_name};
use crate::name::NodeName;
use crate::violation::Violation;

/// Where the description of a bundle lies in its archive; in a registry it is the artifact's config.
pub const DESCRIPTION: &str = "manifest.json";
/// Where the flat list of models and node packs lies, made from the manifest for programs that read no more.
pub const LOCK: &str = "comfydock.lock";
/// The folder with the source of development nodes.
pub const DEV_NODES: &str = "dev_nodes/";
/// What a bundle cannot be without.
pub const REQUIRED: [&str; 4] = [MANIFEST, PYTHON_LOCK, PYTHON_VERSION, LOCK];

/// What a file of a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<'a> {
    /// The description of the others.
    Description,
    /// One of [`REQUIRED`].
    Environment,
    /// A tracked workflow, by its name.
    Workflow(&'a str),
    /// A file of a development node: the node's folder, and the path inside.
    DevNode(&'a str, &'a str),
}

/// What the file at this path is; none when nothing of this name belongs into a bundle.
pub fn part(path: &str) -> Option<Part<'_>> {
    if path == DESCRIPTION {
        return Some(Part::Description);
    }
    if REQUIRED.contains(&path) {
        return Some(Part::Environment);
    }
    if let Some(name) = workflow_name(path) {
        return Some(Part::Workflow(name));
    }
    let (node, inside) = path.strip_prefix(DEV_NODES)?.split_once('/')?;
    (!inside.is_empty() && NodeName::parse(node).is_ok()).then_some(Part::DevNode(node, inside))
}

/// Judges the names, kinds and sizes of a bundle's files, before any of them is believed.
pub fn judge(entries: &[TreeEntry]) -> Vec<Violation> {
    let mut violations = judge_entries(entries);
    let named: BTreeSet<&[u8]> = entries.iter().map(|entry| entry.path.as_slice()).collect();
    if entries.len() > ENTRY_LIMIT {
        let message = format!("has {} files; at most {ENTRY_LIMIT} are allowed", entries.len());
        violations.push(Violation::new("the bundle", message, None));
    }
    let total: u64 = entries.iter().map(|entry| entry.size).fold(0, u64::saturating_add);
    if total > TOTAL_LIMIT {
        let message = format!("holds {total} bytes; at most {TOTAL_LIMIT} are allowed");
        violations.push(Violation::new("the bundle", message, None));
    }
    for entry in entries {
        let Ok(path) = std::str::from_utf8(&entry.path) else { continue };
        if part(path).is_none() {
            violations.push(Violation::new(path.escape_debug().to_string(), "does not belong into a bundle", None));
        }
    }
    for required in REQUIRED {
        if !named.contains(required.as_bytes()) {
            violations.push(Violation::new(required, "is missing: this is no whole bundle", None));
        }
    }
    violations
}

/// What the content digest is the SHA-256 of: a line `path NUL size NUL sha256 LF` for every file but the
/// description, in the order of the paths' bytes.
pub fn content_lines(files: &[FileFact]) -> Vec<u8> {
    let mut sorted: Vec<&FileFact> = files.iter().filter(|file| file.path != DESCRIPTION).collect();
    sorted.sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
    let mut lines = Vec::new();
    for file in sorted {
        lines.extend_from_slice(file.path.as_bytes());
        lines.extend_from_slice(format!("\0{}\0{}\n", file.size, file.sha256).as_bytes());
    }
    lines
}
