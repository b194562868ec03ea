//! The one judge of every tree that comes from outside: pull, clone, and the hub's quarantine.

use std::collections::BTreeMap;

use crate::admission::Rule;
use crate::manifest::{self, Manifest};
use crate::path::TreePath;
pub use crate::violation::Violation;
use crate::workflow::Workflow;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A plain file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link.
    Link,
    /// A submodule.
    Submodule,
}

/// One file of a tree, as it arrived.
#[derive(Debug, Clone)]
pub struct TreeEntry {
    /// Its path as bytes: it may be no text at all.
    pub path: Vec<u8>,
    /// What it is.
    pub mode: Mode,
    /// Bytes, when it is a file.
    pub size: u64,
}

/// Bytes one file may have: models do not belong into an environment's history.
pub const FILE_LIMIT: u64 = 20 * 1024 * 1024;

/// Where the manifest lies in a tree.
pub const MANIFEST: &str = "pyproject.toml";
/// Where the lock of the Python packages lies in a tree.
pub const PYTHON_LOCK: &str = "uv.lock";
/// Where the version of Python is pinned in a tree.
pub const PYTHON_VERSION: &str = ".python-version";
/// The folder of the tracked workflows.
pub const WORKFLOWS: &str = "workflows/";

/// Judges names and kinds: no links, no submodules, only paths that are safe on every system.
pub fn judge_entries(entries: &[TreeEntry]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut folded: BTreeMap<String, String> = BTreeMap::new();
    for entry in entries {
        let shown = String::from_utf8_lossy(&entry.path).escape_debug().to_string();
        if matches!(entry.mode, Mode::File | Mode::Executable) && entry.size > FILE_LIMIT {
            violations.push(too_large(&shown, entry.size));
        }
        let mut refuse = |message: String, hint: Option<&str>| {
            violations.push(Violation::new(shown.clone(), message, hint));
        };
        match entry.mode {
            Mode::Link => refuse("is a symbolic link".to_owned(), Some("commit the file itself instead of a link")),
            Mode::Submodule => refuse(
                "is a submodule".to_owned(),
                Some("node packs are recorded in pyproject.toml (`comfydock node add URL`), not as submodules"),
            ),
            Mode::File | Mode::Executable => {}
        }
        let path = match std::str::from_utf8(&entry.path).map(TreePath::parse) {
            Err(_) => {
                refuse("its name is not UTF-8".to_owned(), None);
                continue;
            }
            Ok(Err(error)) => {
                refuse(error.reason().to_owned(), None);
                continue;
            }
            Ok(Ok(path)) => path,
        };
        if let Some(other) = folded.insert(path.folded(), path.as_str().to_owned()) {
            refuse(collision(&other), Some("rename one of them"));
        }
    }
    // A folder may collide with a file just as well: `a` and `A/b`.
    for (name, path) in &folded {
        let folders = name.match_indices('/').map(|(end, _)| &name[..end]);
        if let Some(other) = folders.filter_map(|folder| folded.get(folder)).next() {
            violations.push(Violation::new(path, collision(other), Some("rename one of them")));
        }
    }
    violations
}

fn collision(other: &str) -> String {
    format!("collides with `{other}` where upper and lower case are one")
}

pub(crate) fn too_large(path: &str, size: u64) -> Violation {
    let hint = "models stay out of the history: a workflow names them, and the manifest says where they can be had";
    Violation::new(path, format!("has {size} bytes; at most {FILE_LIMIT} are allowed"), Some(hint))
        .under(Rule::FileSize)
}

/// Judges the manifest's text.
///
/// # Errors
/// The one violation that keeps it from being read.
pub fn judge_manifest(text: &[u8]) -> Result<Manifest, Violation> {
    let refuse = |message: String, hint: Option<String>| Violation::new(MANIFEST, message, hint.as_deref());
    let text = std::str::from_utf8(text).map_err(|_| refuse("is not UTF-8".to_owned(), None))?;
    Manifest::parse(text).map_err(|error: manifest::Error| {
        let message = error.to_string();
        let message = message.strip_prefix("pyproject.toml: ").unwrap_or(&message).to_owned();
        refuse(message, crate::hint::Hint::hint(&error))
    })
}

/// Judges one file below `workflows/`.
///
/// # Errors
/// The violation that keeps it from being a workflow.
pub fn judge_workflow(path: &str, text: Vec<u8>) -> Result<Workflow, Violation> {
    let hint = Some("open it in ComfyUI and save it again, then commit");
    let refuse = |message: String| Violation::new(path, message, hint);
    let text = String::from_utf8(text).map_err(|_| refuse("is not UTF-8".to_owned()))?;
    Workflow::parse(text).map_err(|error| refuse(error.to_string()))
}

/// Where the tracked copy of a workflow lies.
pub fn workflow_path(name: &str) -> String {
    format!("{WORKFLOWS}{name}.json")
}

/// The workflow's name when `path` is a tracked workflow's: below `workflows/`, `.json`, not hidden.
pub fn workflow_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix(WORKFLOWS)?.strip_suffix(".json")?;
    let hidden = name.split('/').any(|segment| segment.starts_with('.') || segment.is_empty());
    (!hidden).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &[u8], mode: Mode) -> TreeEntry {
        TreeEntry { path: path.to_vec(), mode, size: 1 }
    }

    #[test]
    fn every_kind_of_bad_entry_is_named() {
        for (path, mode, reason) in [
            (&b"workflows/a.json"[..], Mode::Link, "symbolic link"),
            (b"node", Mode::Submodule, "submodule"),
            (b"a/../b", Mode::File, "`..`"),
            (b"\xff", Mode::File, "not UTF-8"),
            (b"a\\b", Mode::File, "backslash"),
        ] {
            let violations = judge_entries(&[entry(path, mode)]);
            assert_eq!(violations.len(), 1, "{violations:?}");
            assert!(violations[0].message.contains(reason), "{violations:?}");
        }
        assert!(
            judge_entries(&[entry(b"pyproject.toml", Mode::File), entry(b"workflows/A.json", Mode::File)]).is_empty()
        );
    }

    #[test]
    fn a_file_of_a_models_size_is_refused() {
        let large = TreeEntry { size: FILE_LIMIT + 1, ..entry(b"workflows/a.json", Mode::File) };
        assert!(judge_entries(&[large])[0].message.contains("20971521 bytes"));
        let fits = TreeEntry { size: FILE_LIMIT, ..entry(b"workflows/a.json", Mode::File) };
        assert!(judge_entries(&[fits]).is_empty());
    }

    #[test]
    fn names_that_differ_only_in_case_collide() {
        let violations =
            judge_entries(&[entry(b"workflows/A.json", Mode::File), entry(b"workflows/a.json", Mode::File)]);
        assert!(violations[0].message.contains("collides with `workflows/A.json`"), "{violations:?}");
        let violations =
            judge_entries(&[entry(b"Notes/a.txt", Mode::File), entry(b"notes", Mode::File), entry(b"x/y", Mode::File)]);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].to_string(), "Notes/a.txt: collides with `notes` where upper and lower case are one");
    }

    #[test]
    fn hidden_files_are_no_workflows() {
        assert_eq!(workflow_name("workflows/portraits/hero.json"), Some("portraits/hero"));
        for path in ["workflows/.index.json", "workflows/a.txt", "a.json", "workflows/.x/a.json", "workflows/.json"] {
            assert_eq!(workflow_name(path), None, "{path}");
        }
    }
}
