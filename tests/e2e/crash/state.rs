//! What a crash may not half-change.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::tree::{self, Tree};
use crate::support::{Machine, git};

/// What is not the same each time the command succeeds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Looseness {
    /// Nothing.
    Exact,
    /// It commits, and the commit has the time in it: of the history only the files count.
    TimeOfCommit,
}

/// The environment and the workspace's settings as a crash may not half-change them. Of
/// repositories only what they say counts: HEAD, `git fsck`, and a clean work tree.
pub(super) fn state(machine: &Machine, looseness: Looseness) -> Tree {
    let inside_git = |name: &str| name.contains("/.git/") || name.ends_with("/.git");
    let passing = |name: &str| {
        name.starts_with("comfydock_cache")
            || name.starts_with("uv_cache")
            || name.starts_with("logs")
            || inside_git(name)
    };
    let workspace = machine.workspace();
    let mut state = tree::tree(&workspace, &passing);
    state.retain(|name, _| !name.starts_with("models") && !name.ends_with("/running"));
    let environment = machine.environment("studio");
    if environment.exists() {
        let mut repositories = vec![".cec".to_owned(), "ComfyUI".to_owned()];
        let packs = std::fs::read_dir(environment.join("ComfyUI/custom_nodes")).into_iter().flatten().flatten();
        repositories.extend(packs.map(|pack| format!("ComfyUI/custom_nodes/{}", pack.file_name().to_string_lossy())));
        for name in repositories {
            let folder = environment.join(&name);
            if !folder.join(".git").exists() {
                continue;
            }
            git::git(&folder, &["fsck", "--full"]);
            let head = if name == ".cec" && looseness == Looseness::TimeOfCommit { "HEAD^{tree}" } else { "HEAD" };
            state.insert(format!("{name}: HEAD"), git::git(&folder, &["rev-parse", head]));
            state.insert(format!("{name}: changes"), git::git(&folder, &["status", "--porcelain", "-uno"]));
        }
    }
    let records = |name: &&String| name.contains("/.comfydock/packs/") && name.ends_with(".json");
    for name in state.keys().filter(records).cloned().collect::<Vec<_>>() {
        let text = record(&workspace.join(&name), &environment.join("ComfyUI/custom_nodes"));
        state.insert(name, text);
    }
    let origin = environment.join(".comfydock/origin.json");
    if looseness == Looseness::TimeOfCommit && origin.is_file() {
        let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&origin).unwrap()).unwrap();
        text["imported_as"] = serde_json::Value::Null;
        state.insert("environments/studio/.comfydock/origin.json".to_owned(), text.to_string());
    }
    state.into_iter().map(|(name, what)| (without_transaction(&name), what)).collect()
}

/// What is noted of an unpacked pack, without the times, of which only matters that they are those on disk.
fn record(path: &Path, custom_nodes: &Path) -> String {
    let folder = custom_nodes.join(path.file_stem().unwrap());
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for (name, stamp) in record["files"].as_object_mut().unwrap() {
        let written = folder.join(name).metadata().map(|about| (about.mtime(), about.mtime_nsec()));
        let noted = stamp["modified"].as_i64().unwrap();
        stamp["modified"] = written.is_ok_and(|(s, ns)| s * 1_000_000_000 + ns == noted).into();
    }
    record.to_string()
}

/// The trash of a transaction has the transaction's id in its path.
fn without_transaction(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').collect();
    let is_id = |index: usize| index > 0 && parts[index - 1] == "trash" && parts[index].len() == 26;
    (0..parts.len()).map(|index| if is_id(index) { "ID" } else { parts[index] }).collect::<Vec<_>>().join("/")
}

/// What differs, by path.
pub(super) fn differences(one: &Tree, other: &Tree) -> Vec<String> {
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    names
        .into_iter()
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| format!("{name}: {:?} / {:?}", one.get(name), other.get(name)))
        .collect()
}
