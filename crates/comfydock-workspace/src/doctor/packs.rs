//! The node packs in `custom_nodes`.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use comfydock_core::comfyui_log;
use comfydock_core::manifest::{Manifest, Node};
use comfydock_core::name::NodeName;
use comfydock_core::plan::doctor::{LFS_POINTER, LFS_POINTER_LIMIT, SeenPack, duplicates};
use comfydock_store::file;
use toml_edit::DocumentMut;

use super::{Finding, some};
use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::logs;
use crate::observe::packs::{self, Packs};
use crate::workspace::Workspace;

/// What was found, and how many packs there are.
pub(super) fn examine(workspace: &Workspace, environment: &Environment) -> (Vec<Finding>, usize) {
    let found = match packs::packs(environment) {
        Ok(found) => found,
        Err(error) => return (vec![Finding::failed("packs", "the node packs", &error)], 0),
    };
    let count = found.folders.len() + found.files.len();
    let manifest = environment.manifest().ok().and_then(|document| document.manifest().ok());
    let mut findings = Vec::new();
    if let Some(manifest) = &manifest {
        match tracked(environment, manifest, &found) {
            Ok(more) => findings.extend(more),
            Err(error) => findings.push(Finding::failed("packs", "the node packs", &error)),
        }
    }
    findings.extend(twice(environment, manifest.as_ref(), &found));
    for (name, folder) in &found.folders {
        findings.extend(half_fetched(environment, name, folder.vendored));
    }
    findings.extend(failed_imports(workspace, environment, &found));
    (findings, count)
}

/// Packs of the manifest that are not there, and those that are there twice, one of them set aside.
fn tracked(environment: &Environment, manifest: &Manifest, found: &Packs) -> Result<Vec<Finding>, Error> {
    let ignored = Ignored::of(environment)?;
    let mut findings = Vec::new();
    for node in manifest.nodes.values().filter(|node| !ignored.has_pack(node.name.as_str())) {
        let name = &node.name;
        let twin = found.disabled.iter().find(|twin| is_same(twin, name));
        match (found.folders.contains_key(name.as_str()), twin) {
            (true, None) => {}
            (true, Some(twin)) => findings.push(Finding::warning(
                "pack-twin",
                format!("custom_nodes/{twin}.disabled lies beside node pack {name}"),
                format!(
                    "remove it if nothing in it is needed: `rm -r {}`",
                    packs::disabled_place(environment, twin).display()
                ),
            )),
            (false, _) => {
                let aside = twin.map(|twin| format!(" ({twin}.disabled is)")).unwrap_or_default();
                findings.push(Finding::error(
                    "pack-missing",
                    format!("node pack {name} is not in custom_nodes{aside}"),
                    format!("`comfydock repair` brings it back, `comfydock node remove {name}` gives it up"),
                ));
            }
        }
    }
    Ok(findings)
}

fn is_same(folder: &str, name: &NodeName) -> bool {
    NodeName::parse(folder).is_ok_and(|folder| folder.normalised() == name.normalised())
}

fn twice(environment: &Environment, manifest: Option<&Manifest>, found: &Packs) -> Vec<Finding> {
    let node = |folder: &str| -> Option<&Node> { manifest?.nodes.values().find(|node| node.name.as_str() == folder) };
    let folders = found.folders.iter().map(|(name, folder)| {
        let mut seen = SeenPack { folder: name.clone(), ..SeenPack::default() };
        seen.repositories.extend(folder.url.clone());
        seen.ids.extend(folder.release.as_ref().map(|release| release.id.clone()));
        if let Some(node) = node(name) {
            seen.repositories.extend(node.repository.clone());
            seen.ids.extend(node.registry_id.clone());
        }
        seen.ids.extend(declared_id(&environment.custom_nodes().join(name)));
        seen
    });
    let files = found.files.iter().map(|name| SeenPack { folder: name.clone(), ..SeenPack::default() });
    let duplicates = duplicates(&folders.chain(files).collect::<Vec<_>>());
    let finding = |duplicate: comfydock_core::plan::doctor::Duplicate| {
        let folders: Vec<&str> = duplicate.folders.iter().map(String::as_str).collect();
        let extra = folders.iter().find(|folder| node(folder).is_none()).or(folders.last()).unwrap_or(&"");
        let hint = match node(extra) {
            Some(_) => format!("keep one: `comfydock node remove {extra}`"),
            None => format!(
                "keep one: `rm -r {}`, if nothing in it is needed",
                environment.custom_nodes().join(extra).display()
            ),
        };
        let text = format!("a node pack is there twice, as {}: {}", folders.join(" and "), duplicate.why);
        Finding::error("pack-twice", text, hint)
    };
    duplicates.into_iter().map(finding).collect()
}

/// What a pack's `pyproject.toml` calls itself: its id in the registry, if it is there.
fn declared_id(folder: &Path) -> Option<String> {
    let text = file::find_text(&folder.join("pyproject.toml")).ok()??;
    let document: DocumentMut = text.parse().ok()?;
    let publisher = document.get("tool")?.get("comfy")?;
    // Only those who publish there choose the name with care.
    publisher.get("PublisherId")?.as_str().filter(|id| !id.trim().is_empty())?;
    Some(document.get("project")?.get("name")?.as_str()?.trim().to_owned())
}

/// Parts that are fetched by git in a way of their own, and were not. Where there is no git, only whoever sent
/// the pack can help.
fn half_fetched(environment: &Environment, name: &str, vendored: bool) -> Vec<Finding> {
    let folder = environment.custom_nodes().join(name);
    let mut findings = Vec::new();
    let hint = |command: String| {
        if vendored {
            "they did not travel with the environment; whoever made it has to push the pack to its own repository"
                .to_owned()
        } else {
            command
        }
    };
    let modules = file::find_text(&folder.join(".gitmodules")).ok().flatten().unwrap_or_default();
    let paths = modules.lines().filter_map(|line| line.trim().strip_prefix("path")?.trim_start().strip_prefix('='));
    let is_empty = |path: &&str| match fs::read_dir(folder.join(path)) {
        Ok(mut inside) => inside.next().is_none(),
        Err(_) => vendored,
    };
    let empty: Vec<String> = paths.map(str::trim).filter(is_empty).map(str::to_owned).collect();
    if !empty.is_empty() {
        findings.push(
            Finding::warning(
                "pack-submodules",
                format!("node pack {name} lacks its submodules"),
                hint(format!("`git -C {} submodule update --init --recursive`", folder.display())),
            )
            .with(some(empty)),
        );
    }
    let mut pointers = Vec::new();
    find_pointers(&folder, "", 0, &mut pointers);
    if !pointers.is_empty() {
        findings.push(
            Finding::warning(
                "pack-lfs",
                format!("node pack {name} has pointers of git-lfs in place of files"),
                hint(format!("install git-lfs, then `git -C {} lfs pull`", folder.display())),
            )
            .with(some(pointers)),
        );
    }
    findings
}

fn find_pointers(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(about) = entry.metadata() else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if about.is_dir() && name != ".git" && depth < 16 {
            find_pointers(&entry.path(), &format!("{path}/"), depth + 1, found);
        } else if about.is_file() && about.len() < LFS_POINTER_LIMIT && begins_as_pointer(&entry.path()) {
            found.push(path);
        }
    }
}

fn begins_as_pointer(path: &Path) -> bool {
    let mut start = [0; LFS_POINTER.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == LFS_POINTER
}

/// Packs that ComfyUI could not import when it was last started, if they are still there.
fn failed_imports(workspace: &Workspace, environment: &Environment, found: &Packs) -> Vec<Finding> {
    let path = logs::of_comfyui(workspace.root(), environment.name());
    let Ok(bytes) = fs::read(&path) else { return Vec::new() };
    let failed = comfyui_log::failed_imports(&String::from_utf8_lossy(&bytes));
    let is_here = |name: &str| found.folders.contains_key(name) || found.files.contains(name);
    let finding = |(name, reason): (String, Option<String>)| {
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        Finding::warning(
            "pack-import",
            format!("ComfyUI could not import node pack {name} when it was last started{reason}"),
            format!(
                "its own words are in `{}`; `comfydock node update {name}` may bring one that fits",
                path.display()
            ),
        )
    };
    failed.into_iter().filter(|(name, _)| is_here(name)).map(finding).collect()
}
