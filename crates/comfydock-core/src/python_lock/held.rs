//! Which packages a lock holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// Absent where the version is found out when it is built.
    version: Option<String>,
    #[serde(default)]
    source: Source,
}

/// One of them says where the package comes from.
#[derive(Deserialize, Default)]
struct Source {
    r#virtual: Option<String>,
    editable: Option<String>,
    directory: Option<String>,
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
}

/// The packages of a lock with their versions, the environment itself left out. A package may have
/// several versions, for different platforms. What comes from one place and not from an index has
/// that place with its version.
///
/// # Errors
/// When it is no TOML, or no lock.
pub fn packages(lock: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let lock: Lock =
        toml_edit::de::from_str(lock).map_err(|error| format!("uv.lock: {}", error.to_string().trim_end()))?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Package { name, version, source } in lock.package {
        let here = [&source.r#virtual, &source.editable, &source.directory];
        if here.into_iter().flatten().any(|path| path == ".") {
            continue;
        }
        let place = [source.git, source.url, source.path, source.directory, source.editable, source.r#virtual];
        let version = match (version, place.into_iter().flatten().next()) {
            (Some(version), None) => version,
            (Some(version), Some(place)) => format!("{version} of {place}"),
            (None, place) => place.unwrap_or_default(),
        };
        found.entry(name).or_default().insert(version);
    }
    Ok(found)
}
