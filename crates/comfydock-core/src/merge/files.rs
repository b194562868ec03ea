//! Files besides workflows and manifest, and the lock.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{DocumentMut, Item};

use super::Three;
use super::question::{Desk, Side, Subject};
use crate::diff::State;
use crate::diff::manifest::json;
use crate::foreign::{MANIFEST, PYTHON_LOCK, PYTHON_VERSION};
use crate::manifest::Manifest;

type Files = BTreeMap<String, Vec<u8>>;

/// Every file but manifest and lock: from the side that changed it.
pub(super) fn merge(
    states: &Three<State<'_>>,
    merged: &Manifest,
    manifests: &Three<Manifest>,
    desk: &mut Desk<'_>,
) -> Files {
    let files = states.map(|state| state.files);
    let paths: BTreeSet<&String> = files.base.keys().chain(files.ours.keys()).chain(files.theirs.keys()).collect();
    let mut found = Files::new();
    for path in paths.into_iter().filter(|path| *path != MANIFEST && *path != PYTHON_LOCK) {
        let three = files.map(|files| files.get(path));
        let side = three.side().unwrap_or_else(|| {
            if path == PYTHON_VERSION {
                // It says what the manifest says.
                let version = &merged.environment.python_version;
                let theirs = manifests.theirs.environment.python_version == *version;
                return if theirs { Side::Theirs } else { Side::Ours };
            }
            let words = |file: Option<&Vec<u8>>| vec![if file.is_some() { "changed" } else { "removed" }.to_owned()];
            desk.ask(Subject::File { path: path.clone() }, words(three.ours), words(three.theirs))
        });
        if let Some(bytes) = three.of(side) {
            found.insert(path.clone(), bytes.clone());
        }
    }
    found
}

/// Puts the lock among the files: that of the side that alone changed it, if it belongs to the merged
/// requirements. Otherwise theirs, to start from, and true: it has to be made anew.
pub(super) fn lock(
    states: &Three<State<'_>>,
    documents: &Three<DocumentMut>,
    merged: &DocumentMut,
    files: &mut Files,
) -> bool {
    let locks = states.map(|state| state.files.get(PYTHON_LOCK));
    let side = locks.side();
    let document = if side == Some(Side::Ours) { &documents.ours } else { &documents.theirs };
    // Both may have the same lock and each its own requirements.
    let alike = locks.ours == locks.theirs;
    let belongs = asked(document) == asked(merged) || (alike && asked(&documents.theirs) == asked(merged));
    let lock = locks.of(side.unwrap_or(Side::Theirs)).or(locks.theirs).or(locks.ours);
    if let Some(lock) = lock {
        files.insert(PYTHON_LOCK.to_owned(), lock.clone());
    }
    side.is_none() || !belongs
}

/// Everything that decides what is locked.
fn asked(document: &DocumentMut) -> [serde_json::Value; 4] {
    let at = |path: &[&str]| {
        let item = path.iter().try_fold(document.as_item(), |item, key| item.as_table_like()?.get(key));
        // The order of requirements decides nothing.
        sorted(item.map_or(serde_json::Value::Null, |item: &Item| json(item)))
    };
    [
        at(&["project", "requires-python"]),
        at(&["project", "dependencies"]),
        at(&["dependency-groups"]),
        at(&["tool", "uv"]),
    ]
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(items) => {
            let mut items: Vec<serde_json::Value> = items.into_iter().map(sorted).collect();
            if items.iter().all(serde_json::Value::is_string) {
                items.sort_by_key(ToString::to_string);
            }
            items.into()
        }
        serde_json::Value::Object(members) => members.into_iter().map(|(key, value)| (key, sorted(value))).collect(),
        other => other,
    }
}
