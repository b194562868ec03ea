//! Which node packs the workflows of an environment need and that are not here.
//!
//! Nothing is installed from this: what is found are claims, shown with what speaks for them.

use std::collections::BTreeMap;
use std::path::Path;

use comfydock_core::manifest::Manifest;
use comfydock_core::pack_identifier::RegistryId;
use comfydock_core::packs::{
    Claim, Evidence, Installed, Knowledge, ManagerMap, MissingPack, Pack, missing, node_types, used_types,
};
use comfydock_core::repository_url::RepositoryUrl;
use comfydock_store::file;

use crate::Error;
use crate::environment::Environment;
use crate::observe::packs;
use crate::packs::TRACKING;
use crate::remote::registry::Registry;
use crate::reporter::Reporter;

/// Files of a pack that are read for the types they declare, and bytes of each, at most.
const FILES: usize = 4000;
const BYTES: u64 = 4 * 1024 * 1024;
/// Folders in folders that are looked into.
const DEPTH: usize = 8;

/// Finds the packs that are missing.
///
/// `workflows` are texts by name; one that cannot be read is said to `reporter` and left out. With a
/// registry it is asked about types that nothing else explains, which tells it their names. `manager_map` is a
/// file or a URL; the URL needs the registry's client.
///
/// # Errors
/// When the packs that are here cannot be looked at, or the map cannot be read. That the registry gives no answer
/// is said and is no error.
pub fn find(
    environment: &Environment,
    workflows: &BTreeMap<String, String>,
    registry: Option<&Registry<'_>>,
    manager_map: Option<&str>,
    reporter: &dyn Reporter,
) -> Result<Vec<MissingPack>, Error> {
    let mut used = BTreeMap::new();
    for (name, text) in workflows {
        match comfydock_core::workflow::Workflow::parse_any(text.clone()) {
            Ok(workflow) => {
                used.insert(name.clone(), used_types(&workflow));
            }
            Err(error) => reporter.warn(format!("workflows/{name}.json is left out: {error}")),
        }
    }
    let map = manager_map.map(|given| read_map(given, registry)).transpose()?;
    for skipped in map.iter().flat_map(|map| &map.skipped) {
        reporter.note(format!("an entry of ComfyUI-Manager's map is left out: {skipped}"));
    }
    let manifest = environment.manifest()?.manifest().ok();
    let installed = installed(environment, manifest.as_ref())?;
    let knowledge = Knowledge { installed: &installed, chosen: BTreeMap::new(), manager_map: map.as_ref() };
    let mut asking = registry;
    Ok(missing(&used, &knowledge, |node_type| {
        let Some(registry) = asking else { return Vec::new() };
        match registry.owner_of(node_type) {
            Ok(owner) => {
                let claim = |id| Claim { pack: Pack::Registry(id), version: None, evidence: Evidence::Registry };
                owner.map(|node| claim(node.id)).into_iter().collect()
            }
            Err(error) => {
                reporter.warn(format!("the Comfy registry is not asked any further: {error}"));
                asking = None;
                Vec::new()
            }
        }
    }))
}

fn read_map(given: &str, registry: Option<&Registry<'_>>) -> Result<ManagerMap, Error> {
    if given.contains("://") {
        return match registry {
            Some(registry) => Ok(registry.manager_map(given)?),
            None => Err(Error::refused("ComfyUI-Manager's map is at a URL", "download it and give the file's path")),
        };
    }
    let text = file::read_text(Path::new(given))?;
    ManagerMap::parse(&text).map_err(|error| {
        let hint = "it is the file `extension-node-map.json` of ComfyUI-Manager";
        Error::refused(format!("`{given}` cannot be taken: {error}"), hint)
    })
}

/// The packs in `custom_nodes`: what they declare, and where they are from.
///
/// # Errors
/// When the folder cannot be read.
pub fn installed(environment: &Environment, manifest: Option<&Manifest>) -> Result<Vec<Installed>, Error> {
    let folder = environment.custom_nodes();
    let mut found: Vec<Installed> = packs::packs(environment)?
        .folders
        .into_iter()
        .map(|(name, state)| {
            let path = folder.join(&name);
            let recorded = manifest.and_then(|manifest| {
                manifest.nodes.values().find(|node| node.name.as_str().eq_ignore_ascii_case(&name))
            });
            let url = state.url.or_else(|| recorded?.repository.clone());
            let mut pack = Installed {
                registry_id: recorded
                    .and_then(|node| RegistryId::parse(node.registry_id.as_deref()?).ok())
                    .or_else(|| registry_id(&path)),
                repository: url.and_then(|url| RepositoryUrl::parse(&url).ok()),
                name,
                node_types: Vec::new(),
            };
            let mut left = FILES;
            declared(&path, DEPTH, &mut left, &mut pack.node_types);
            pack
        })
        .collect();
    // A pack may be a single file.
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".py") && entry.path().is_file() {
            found.push(Installed { node_types: types_of(&entry.path()), name, ..Installed::default() });
        }
    }
    Ok(found)
}

/// The id in the registry: of a pack that came from there, its project's name; of a clone, what
/// ComfyUI-Manager noted.
fn registry_id(pack: &Path) -> Option<RegistryId> {
    let noted = std::fs::read_to_string(pack.join(".git/.cnr-id")).ok();
    let id = noted.or_else(|| {
        pack.join(TRACKING).is_file().then_some(())?;
        let text = std::fs::read_to_string(pack.join("pyproject.toml")).ok()?;
        let document: toml_edit::DocumentMut = text.parse().ok()?;
        Some(document.get("project")?.get("name")?.as_str()?.to_owned())
    });
    // Without a project file the folder's name is the id, since that is what the folder is called by.
    let folder = || pack.join(TRACKING).is_file().then(|| pack.file_name()?.to_str().map(str::to_owned)).flatten();
    RegistryId::parse(id.or_else(folder)?.trim()).ok()
}

fn declared(folder: &Path, depth: usize, left: &mut usize, types: &mut Vec<String>) {
    let mut entries: Vec<std::fs::DirEntry> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            let of_others =
                name.starts_with('.') || matches!(name.as_str(), "__pycache__" | "node_modules" | "site-packages");
            if depth > 0 && !of_others {
                declared(&entry.path(), depth - 1, left, types);
            }
        } else if kind.is_file() && name.ends_with(".py") && *left > 0 {
            *left -= 1;
            types.extend(types_of(&entry.path()));
        }
    }
}

/// What a Python file declares; nothing if it cannot be read.
fn types_of(path: &Path) -> Vec<String> {
    let small = path.metadata().is_ok_and(|meta| meta.len() <= BYTES);
    let bytes = if small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    node_types(&String::from_utf8_lossy(&bytes))
}
