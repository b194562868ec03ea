//! What packs and ComfyUI say of themselves in files.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item};

/// The list of a pack's own files that ComfyUI-Manager writes into what it has from the registry.
pub const TRACKING: &str = ".tracking";

/// The id and version in a pack's `pyproject.toml`, as the registry knows it.
pub fn registry_pack(pyproject: &str) -> Option<(String, Option<String>)> {
    let document: DocumentMut = pyproject.trim_start_matches('\u{feff}').parse().ok()?;
    let project = document.get("project").and_then(Item::as_table_like)?;
    let word = |key: &str| project.get(key)?.as_str();
    // Case of an id means nothing; Manager lowers it.
    let id = word("name")?.trim().to_ascii_lowercase();
    (!id.is_empty()).then(|| (id, word("version").and_then(release_version)))
}

/// The paths that a `.tracking` lists.
pub fn tracked(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(|line| line.trim().replace('\\', "/"));
    lines.filter(|line| !line.is_empty() && !line.ends_with('/')).collect()
}

/// A version of the registry: three numbers, missing ones being nought; none for `nightly`,
/// `unknown` or a commit.
pub fn release_version(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let numbers: Vec<u64> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match numbers.as_slice() {
        [major] => Some(format!("{major}.0.0")),
        [major, minor] => Some(format!("{major}.{minor}.0")),
        [major, minor, patch] => Some(format!("{major}.{minor}.{patch}")),
        _ => None,
    }
}

/// What a file name in `custom_nodes` (or its `.disabled`) means: the pack's name, and whether it is
/// disabled. `inside` says that the name stands in `custom_nodes/.disabled`.
pub fn pack_name(name: &str, inside: bool) -> (String, bool) {
    if inside {
        // Manager writes `id@1_2_3` or `id@nightly`.
        let stem = name.rsplit_once('@').map_or(name, |(stem, _)| stem);
        return (stem.strip_suffix(".disabled").unwrap_or(stem).to_owned(), true);
    }
    match name.strip_suffix(".disabled") {
        // `x.1.disabled` is what a second one is called.
        Some(stem) => {
            let plain = stem.rsplit_once('.').filter(|(_, last)| last.len() < 3 && last.parse::<u8>().is_ok());
            (plain.map_or(stem, |(plain, _)| plain).to_owned(), true)
        }
        None => (name.to_owned(), false),
    }
}

/// The version that a name in `custom_nodes/.disabled` carries behind its `@`.
pub fn disabled_version(name: &str) -> Option<String> {
    let (_, version) = name.rsplit_once('@')?;
    release_version(&version.replace('_', "."))
}

/// `__version__` of ComfyUI's `comfyui_version.py`. The file is read, not run.
pub fn comfyui_version(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("__version__"))?;
    let value = line.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let version = value[1..].split(quote).next()?.trim();
    (!version.is_empty()).then(|| version.to_owned())
}

/// `[project].version` of a `pyproject.toml`: where older releases of ComfyUI say theirs.
pub fn project_version(pyproject: &str) -> Option<String> {
    let document: DocumentMut = pyproject.parse().ok()?;
    Some(document.get("project")?.get("version")?.as_str()?.trim().to_owned()).filter(|version| !version.is_empty())
}

/// Whether a Python file asks where it lies, or has files beside it, so that it must not move.
pub fn knows_its_place(source: &str) -> bool {
    ["__file__", "WEB_DIRECTORY", "__path__", "importlib.resources", "inspect.getfile"]
        .iter()
        .any(|word| source.contains(word))
}
