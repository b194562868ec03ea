//! A folder as it is: names, kinds, modes, bytes, links.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What lies below a folder, by its path.
pub(crate) type Tree = BTreeMap<String, String>;

/// Reads a folder. Paths that `skip` names are left out, with all below them.
pub(crate) fn tree(folder: &Path, skip: &dyn Fn(&str) -> bool) -> Tree {
    let mut found = Tree::new();
    visit(folder, folder, skip, &mut found);
    found
}

/// A machine as far as it matters: without caches and logs, what a fetch may add (objects, and the
/// note of where the remote stands), and the empty files that locks are held on.
pub(crate) fn of_machine(root: &Path) -> Tree {
    let passing = |name: &str| {
        let cache = ["workspace/comfydock_cache", "workspace/logs", "workspace/uv_cache", "home/.cache", "home/.local"];
        let inside = name.split_once("/.cec/.git/").map(|(_, rest)| rest);
        let fetched = ["objects", "refs/remotes", "logs/refs/remotes"];
        cache.iter().any(|folder| name.starts_with(folder))
            || inside.is_some_and(|rest| fetched.iter().any(|folder| rest.starts_with(folder)))
    };
    let mut tree = tree(root, &passing);
    let used: Vec<String> = tree.keys().cloned().collect();
    let is_empty = |name: &str| !used.iter().any(|other| other.starts_with(&format!("{name}/")));
    tree.retain(|name, _| !(name.ends_with("/.comfydock/lock") || name.ends_with("/txn") && is_empty(name)));
    tree
}

fn visit(root: &Path, folder: &Path, skip: &dyn Fn(&str) -> bool, found: &mut Tree) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if skip(&name) {
            continue;
        }
        let about = path.symlink_metadata().unwrap();
        let mode = about.permissions().mode() & 0o7777;
        let what = if about.is_symlink() {
            format!("link {}", std::fs::read_link(&path).unwrap().display())
        } else if about.is_dir() {
            visit(root, &path, skip, found);
            format!("folder {mode:o}")
        } else if about.is_file() {
            format!("file {mode:o} {}", super::sha256_of(&path))
        } else {
            format!("other {mode:o}")
        };
        found.insert(name, what);
    }
}

/// Holds that two trees are the same and names what is not.
#[track_caller]
pub(crate) fn assert_same(before: &Tree, after: &Tree, when: &str) {
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let other: Vec<_> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| format!("{name}: {:?} -> {:?}", before.get(name), after.get(name)))
        .collect();
    let shown = &other[..other.len().min(20)];
    assert!(other.is_empty(), "{when}:\n{} paths differ:\n{}", other.len(), shown.join("\n"));
}

/// The files below a folder that contain this text.
pub(crate) fn files_with(folder: &Path, text: &str) -> Vec<std::path::PathBuf> {
    let contains = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let found = tree(folder, &|_| false).into_iter().filter(|(_, what)| what.starts_with("file"));
    found.map(|(name, _)| folder.join(name)).filter(contains).collect()
}
