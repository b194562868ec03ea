//! Snapshots of ComfyUI-Manager, JSON or YAML.
//!
//! Source of the form: snapshots that Manager 3 writes to `user/default/ComfyUI-Manager/snapshots`; the YAML form,
//! which `cm-cli save-snapshot --output FILE.yaml` writes, has everything below `custom_nodes`, ComfyUI's commit and the
//! packages too.

use serde_json::{Map, Value};

use super::found::ComfyUi;
use super::found::{Found, GitClone, Left, Origin, Pack, Package, PackageOrigin, Release, SingleFile, folder_of};
use super::{Error, marks, yaml};
use crate::digest::CommitId;
use crate::repository_url::equivalent;
use crate::requirements::normalised;

const EXPECTED: &str = "snapshot of ComfyUI-Manager";

/// Reads a snapshot.
///
/// # Errors
/// When it is neither JSON nor YAML, or has nothing that a snapshot has.
pub fn parse(bytes: &[u8]) -> Result<Found, Error> {
    let value = yaml::read(bytes)?;
    let fault = |reason: &str| Error::Form { expected: EXPECTED, reason: reason.to_owned() };
    let map = value.as_object().ok_or_else(|| fault("it must be a map"))?;
    let known = ["comfyui", "git_custom_nodes", "cnr_custom_nodes", "file_custom_nodes", "custom_nodes"];
    if !known.iter().any(|name| map.contains_key(*name)) {
        return Err(fault("it has none of `comfyui`, `git_custom_nodes` and `cnr_custom_nodes`"));
    }
    Ok(read(map))
}

/// What a snapshot tells. Entries that cannot be read are named and do not cost the rest.
pub(super) fn read(map: &Map<String, Value>) -> Found {
    let mut found = Found::default();
    let nested = map.get("custom_nodes").and_then(Value::as_object);
    let part = |name: &str| nested.and_then(|nested| nested.get(name)).or_else(|| map.get(name));
    let commit = part("comfyui").and_then(Value::as_str).and_then(|text| CommitId::parse(text.trim()).ok());
    if commit.is_none() {
        // Null when ComfyUI was no git checkout.
        found.left.push(Left::new("ComfyUI's commit", "the snapshot does not say it"));
    }
    found.comfyui = ComfyUi { commit, ..ComfyUi::default() };
    for (url, about) in entries(part("git_custom_nodes")) {
        git(url, about, &mut found);
    }
    for (id, version) in entries(part("cnr_custom_nodes")) {
        registry(id, version, &mut found);
    }
    for about in part("file_custom_nodes").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = about.get("filename").and_then(Value::as_str) else { continue };
        let disabled = is_true(about.get("disabled"));
        let name = name.strip_suffix(".disabled").unwrap_or(name).to_owned();
        found.files.push(SingleFile { name, disabled, place: None, knows_its_place: false });
    }
    found.packages = entries(part("pips")).filter_map(|(text, at)| package(text, at.as_str())).collect();
    found
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool).unwrap_or(false)
}

/// A pack by its URL. The same repository with `.git` and without is one pack.
pub(super) fn git(url: &str, about: &Value, found: &mut Found) {
    let url = without_login(url.trim());
    let hash = about.get("hash").or_else(|| about.get("commit_hash")).and_then(Value::as_str).unwrap_or_default();
    let Some(name) = folder_of(&url) else {
        found.left.push(Left::new(format!("node pack `{url}`"), "its URL names no repository"));
        return;
    };
    let twin = found.packs.iter().find(|pack| pack.name.eq_ignore_ascii_case(name)).map(|pack| &pack.origin);
    if let Some(Origin::Git(twin)) = twin
        && twin.url.as_deref().is_some_and(|known| known == url || equivalent(known, &url))
    {
        if twin.commit.as_ref().map(CommitId::as_str) != Some(hash.trim()) {
            found.left.push(Left::new(format!("node pack `{url}`"), "the snapshot names it twice, at two commits"));
        }
        return;
    }
    let clone = GitClone { url: Some(url.clone()), commit: CommitId::parse(hash.trim()).ok(), ..GitClone::default() };
    found.packs.push(Pack::told(name, Origin::Git(clone), is_true(about.get("disabled"))));
}

/// The address without what logs somebody in: snapshots are passed on, and so are manifests.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        // Over ssh the user is part of the address; only a password is a secret.
        Some((user, host)) if scheme.ends_with("ssh") => {
            format!("{}@{host}", user.split(':').next().unwrap_or_default())
        }
        Some((_, host)) => host.to_owned(),
        None => authority.to_owned(),
    };
    format!("{scheme}://{host}{path}")
}

/// A pack by its id. Whether it was disabled is not written down.
fn registry(id: &str, version: &Value, found: &mut Found) {
    let said = match version {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let version = marks::release_version(&said);
    if version.is_none() {
        found.left.push(Left::new(format!("the version of node pack `{id}`"), format!("`{said}` is no released one")));
    }
    let release = Release { id: id.to_owned(), version, ..Release::default() };
    found.packs.push(Pack::told(id, Origin::Registry(release), false));
}

/// A line of `pip freeze`; `at` is the address of what came from elsewhere than an index.
fn package(line: &str, at: Option<&str>) -> Option<Package> {
    let line = line.trim();
    let at = at.map(str::trim).filter(|at| !at.is_empty());
    if let Some(editable) = line.strip_prefix("-e ") {
        let name = editable.split("#egg=").nth(1).or_else(|| folder_of(editable))?;
        let name = name.split(['&', '@']).next().unwrap_or(name);
        return Some(made(name, None, PackageOrigin::Editable(editable.trim().to_owned())));
    }
    if let Some((name, url)) = line.split_once(" @ ") {
        return Some(made(name, None, PackageOrigin::Url(url.trim().to_owned())));
    }
    match (line.split_once("=="), at) {
        (Some((name, version)), None) => Some(made(name, Some(version), PackageOrigin::Index)),
        (Some((name, version)), Some(url)) => Some(made(name, Some(version), PackageOrigin::Url(url.to_owned()))),
        (None, Some(url)) => Some(made(line, None, PackageOrigin::Url(url.to_owned()))),
        (None, None) => None,
    }
}

fn made(name: &str, version: Option<&str>, origin: PackageOrigin) -> Package {
    let version = version.map(|version| version.trim().to_owned());
    Package { name: normalised(name), version, origin, installer: None }
}
