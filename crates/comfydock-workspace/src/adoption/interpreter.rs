//! An installation's Python and the packages installed for it, read from names and texts.

use std::path::{Path, PathBuf};

use comfydock_core::adoption::installed::{self, Files};
use comfydock_core::adoption::{Found, Left, Package, python};
use comfydock_core::plan::commit::plural;

use super::{entries, place};
use crate::Error;

/// Reads the version of Python and the packages below `prefix`.
///
/// # Errors
/// When a folder cannot be read.
pub fn look(prefix: &Path, found: &mut Found) -> Result<(), Error> {
    found.python = version(prefix);
    let mut packages = Vec::new();
    for folder in place::packages_folders(prefix) {
        packages.extend(of_folder(&folder)?);
    }
    // A virtual environment may see the packages of the Python it was made from, behind its own.
    for folder in base_of(prefix).iter().flat_map(|base| place::packages_folders(base)) {
        let more = of_folder(&folder)?;
        packages.extend(
            more.into_iter().filter(|one| !packages.iter().any(|known| known.name == one.name)).collect::<Vec<_>>(),
        );
    }
    let (packages, broken) = installed::once(packages);
    found.packages = packages;
    found.left.extend(broken);
    let of_conda: Vec<&str> = found
        .packages
        .iter()
        .filter(|package| package.installer.as_deref() == Some("conda"))
        .map(|package| package.name.as_str())
        .collect();
    if !of_conda.is_empty() {
        found.left.push(Left::new(
            format!("{} that conda built", plural(of_conda.len(), "package")),
            "the same versions are had from the package index, in its own builds",
        ));
    }
    Ok(())
}

fn version(prefix: &Path) -> Option<String> {
    let venv = std::fs::read_to_string(prefix.join("pyvenv.cfg")).ok();
    let named = || {
        let folders = place::packages_folders(prefix);
        folders.iter().find_map(|folder| python::of_library_folder(folder.parent()?.file_name()?.to_str()?))
    };
    let embedded = || {
        let names: Vec<String> = entries(prefix).ok()?.into_iter().map(|(name, _)| name).collect();
        python::of_embedded(names.iter().map(String::as_str))
    };
    venv.and_then(|text| python::of_venv(&text)).or_else(named).or_else(embedded)
}

/// The Python that a virtual environment was made from, when it sees that one's packages.
fn base_of(prefix: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(prefix.join("pyvenv.cfg")).ok()?;
    let value = |wanted: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(key, _)| key.trim() == wanted).map(|(_, value)| value.trim().to_owned()).next()
    };
    if !value("include-system-site-packages")?.eq_ignore_ascii_case("true") {
        return None;
    }
    let home = PathBuf::from(value("home")?);
    home.parent().map(Path::to_owned)
}

fn of_folder(folder: &Path) -> Result<Vec<Package>, Error> {
    let mut packages = Vec::new();
    for (name, path) in entries(folder)? {
        if !(name.ends_with(".dist-info") || name.ends_with(".egg-info")) {
            continue;
        }
        let read = |file: &str| std::fs::read(path.join(file)).ok();
        let (metadata, direct_url, installer) =
            (read("METADATA").or_else(|| read("PKG-INFO")), read("direct_url.json"), read("INSTALLER"));
        let files =
            Files { metadata: metadata.as_deref(), direct_url: direct_url.as_deref(), installer: installer.as_deref() };
        packages.extend(installed::package(&name, files));
    }
    Ok(packages)
}
