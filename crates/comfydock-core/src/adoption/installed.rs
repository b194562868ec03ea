//! Python packages as they lie in `site-packages`: `NAME-VERSION.dist-info` with `METADATA`,
//! `direct_url.json` (PEP 610) and `INSTALLER`. Nothing is imported or started.

use std::collections::BTreeMap;

use serde_json::Value;
use toml_edit::{DocumentMut, Item};

use super::found::{Left, Package, PackageOrigin};
use crate::requirements::normalised;

/// What lies in one `.dist-info`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// `METADATA`.
    pub metadata: Option<&'a [u8]>,
    /// `direct_url.json`.
    pub direct_url: Option<&'a [u8]>,
    /// `INSTALLER`.
    pub installer: Option<&'a [u8]>,
}

/// The package of a folder; none when the folder is no package's.
pub fn package(folder: &str, files: Files<'_>) -> Option<Package> {
    let stem = folder.strip_suffix(".dist-info").or_else(|| folder.strip_suffix(".egg-info"))?;
    let mut parts = stem.split('-');
    let (mut name, mut version) = (parts.next().map(str::to_owned), parts.next().map(str::to_owned));
    // The folder's name is escaped; what the file says is exact.
    for line in files.metadata.map(String::from_utf8_lossy).unwrap_or_default().lines() {
        match line.split_once(':') {
            Some(("Name", said)) => name = Some(said.trim().to_owned()),
            Some(("Version", said)) => version = Some(said.trim().to_owned()),
            // The description follows after an empty line.
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let name = normalised(&name?);
    let installer = files.installer.map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    let origin = files.direct_url.and_then(origin).unwrap_or(PackageOrigin::Index);
    (!name.is_empty()).then_some(Package {
        name,
        version,
        origin,
        installer: installer.filter(|text| !text.is_empty()),
    })
}

/// What `direct_url.json` says.
fn origin(bytes: &[u8]) -> Option<PackageOrigin> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let url = value.get("url")?.as_str()?;
    let editable = value.get("dir_info").and_then(|info| info.get("editable")).and_then(Value::as_bool) == Some(true);
    if editable {
        return Some(PackageOrigin::Editable(url.to_owned()));
    }
    let vcs = value.get("vcs_info");
    let word = |key: &str| vcs?.get(key)?.as_str();
    Some(PackageOrigin::Url(match (word("vcs"), word("commit_id")) {
        (Some(vcs), Some(commit)) => format!("{vcs}+{url}@{commit}"),
        _ => url.to_owned(),
    }))
}

/// The packages of a `uv.lock`, its own project left out. They are what was to be installed.
pub fn locked(text: &str) -> Vec<Package> {
    let Ok(document) = text.parse::<DocumentMut>() else { return Vec::new() };
    let packages = document.get("package").and_then(Item::as_array_of_tables);
    let package = |table: &toml_edit::Table| {
        let name = table.get("name")?.as_str()?;
        let version = table.get("version").and_then(Item::as_str).map(str::to_owned);
        let source = table.get("source").and_then(Item::as_table_like);
        let at = |key: &str| source?.get(key)?.as_str().map(str::to_owned);
        let elsewhere = at("url").or_else(|| at("git")).or_else(|| at("path")).or_else(|| at("directory"));
        let origin = match (elsewhere, at("editable"), at("virtual")) {
            (_, _, Some(_)) => return None,
            (Some(url), ..) => PackageOrigin::Url(url),
            (None, Some(folder), _) => PackageOrigin::Editable(folder),
            (None, None, None) => PackageOrigin::Index,
        };
        Some(Package { name: normalised(name), version, origin, installer: None })
    };
    packages.into_iter().flatten().filter_map(package).collect()
}

/// Each package once, sorted. One that is there in two versions is broken and is left out.
pub fn once(packages: Vec<Package>) -> (Vec<Package>, Vec<Left>) {
    let mut by_name: BTreeMap<String, Vec<Package>> = BTreeMap::new();
    for package in packages {
        let known = by_name.entry(package.name.clone()).or_default();
        if !known.iter().any(|one| one.version == package.version && one.origin == package.origin) {
            known.push(package);
        }
    }
    let (mut found, mut left) = (Vec::new(), Vec::new());
    for (name, mut several) in by_name {
        match several.pop() {
            Some(one) if several.is_empty() => found.push(one),
            last => {
                let versions: Vec<String> = several.into_iter().chain(last).filter_map(|one| one.version).collect();
                let reason = format!("it is installed in several versions: {}", versions.join(", "));
                left.push(Left::new(format!("the version of Python package `{name}`"), reason));
            }
        }
    }
    (found, left)
}
