//! A machine's own build of torch in a venv that was filled from the lock (decision 76).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use comfydock_core::python_lock::Lock;
use comfydock_core::requirements::normalised;
use comfydock_core::torch::{BUILT, Backend};
use comfydock_store::file;
use comfydock_store::hash::Hasher;

use crate::Error;
use crate::machine::Machine;
use crate::process::uv::{Failure, Uv};

/// What is to be installed in place of what the lock says.
pub(super) struct Replacement<'a> {
    pub(super) backend: &'a Backend,
    pub(super) index: String,
    pub(super) lock: &'a Lock,
    /// The lock's text.
    pub(super) text: &'a [u8],
    /// The packages of the lock that are not installed from it.
    pub(super) without: &'a BTreeSet<String>,
    /// Where resolved lists are kept.
    pub(super) cache: PathBuf,
}

impl Replacement<'_> {
    /// Resolves the family at the locked versions in this backend's builds, installs it, and checks
    /// that the venv holds together. The list is kept by lock, backend and index, so that the same
    /// machine builds the same venv again, also without a network.
    pub(super) fn install(&self, uv: &Uv<'_>, venv: &Path) -> Result<(), Error> {
        let list = self.cache.join(key(self.text, self.backend, &self.index)).join("install.txt");
        if !list.is_file() {
            self.resolve(uv, venv, &list)?;
        }
        uv.install_listed(&list, venv, &self.index)?;
        self.verify(uv, venv)
    }

    fn resolve(&self, uv: &Uv<'_>, venv: &Path, list: &Path) -> Result<(), Error> {
        let folder = list.parent().unwrap_or(list);
        file::create_folder(folder)?;
        let versions = self.lock.versions();
        let tag = self.backend.tag().unwrap_or_default();
        let family = self.lock.torch_builds();
        let wanted = family.iter().filter_map(|name| {
            let version = versions.get(name)?.split('+').next()?;
            // Others may have no build of their own; then any with this version will do.
            Some(if BUILT.contains(&name.as_str()) {
                format!("{name}=={version}+{tag}")
            } else {
                format!("{name}=={version}")
            })
        });
        let locked = versions.iter().filter(|(name, _)| !family.contains(*name));
        let (replaced, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            locked.partition(|(name, _)| self.without.contains(*name));
        let lines = |pins: &BTreeMap<&String, &String>| {
            pins.iter().map(|(name, version)| format!("{name}=={version}\n")).collect::<String>()
        };
        file::write(&folder.join("wanted.txt"), format!("{}\n", wanted.collect::<Vec<_>>().join("\n")).as_bytes())?;
        file::write(&folder.join("kept.txt"), lines(&kept).as_bytes())?;
        // The lock's own versions are what uv prefers when it finds them in its output.
        file::write(&folder.join("resolved.txt"), lines(&replaced).as_bytes())?;
        uv.compile(folder, ["wanted.txt", "kept.txt", "resolved.txt"], venv, &self.index).map_err(
            |error| match error.failure() {
                Some(Failure::DependencyConflict { .. } | Failure::UnknownPackage { .. }) => self.no_build(&error),
                _ => error.into(),
            },
        )?;
        let resolved = file::read_text(&folder.join("resolved.txt"))?;
        let kept: BTreeSet<&str> = kept.keys().map(|name| name.as_str()).collect();
        Ok(file::write(list, without(&resolved, &kept).as_bytes())?)
    }

    fn no_build(&self, error: &crate::process::uv::Error) -> Error {
        let versions = self.lock.versions();
        let torch = versions.get("torch").map_or("?", String::as_str);
        Error::Refused {
            message: format!("the index {} has no `{}` build that fits the locked torch {torch}", crate::shown_url(&self.index), self.backend),
            details: error.details(),
            hint: Some(
                "choose another build of torch in .comfydock/machine.toml (`torch = \"pypi\"` is what the lock says), or lock another version of torch"
                    .to_owned(),
            ),
        }
    }

    /// Whether the venv is what it should be: whole, and with this backend's torch.
    fn verify(&self, uv: &Uv<'_>, venv: &Path) -> Result<(), Error> {
        let complaints = complaints(uv, venv, self.lock)?;
        if !complaints.is_empty() {
            return Err(Error::Refused {
                message: format!("the packages do not go together with the `{}` build of torch", self.backend),
                details: complaints,
                hint: Some("nothing was changed; another build can be chosen in .comfydock/machine.toml".to_owned()),
            });
        }
        let installed = installed_version(venv, "torch");
        let tag = self.backend.tag().unwrap_or_default();
        if installed.as_deref().and_then(|version| version.split_once('+')).is_some_and(|(_, local)| local == tag) {
            return Ok(());
        }
        Err(Error::refused(
            format!("the venv has torch {} and not the `{tag}` build", installed.as_deref().unwrap_or("nowhere")),
            format!("is {} an index of that build? Nothing was changed", crate::shown_url(&self.index)),
        ))
    }
}

/// What a resolution of torch for this lock is kept under.
fn key(lock: &[u8], backend: &Backend, index: &str) -> String {
    let mut hasher = Hasher::default();
    let (backend, places, platform) = (backend.to_string(), Uv::places().join("\n"), super::platform());
    let parts = [lock, backend.as_bytes(), index.as_bytes(), places.as_bytes(), platform.as_bytes()];
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finish().sha256.short(16).to_owned()
}

/// The folder of `comfydock_cache/backends` that a lock needs on this machine.
pub fn backend_key(lock: &[u8], machine: &Machine) -> String {
    let backend = machine.backend();
    key(lock, &backend, &machine.index(&backend))
}

/// What the packages of a venv lack of each other, a line each. What the manifest overrides is not what
/// other packages ask for, and is not meant to be.
///
/// # Errors
/// When uv fails in another way than by finding something.
pub fn complaints(uv: &Uv<'_>, venv: &Path, lock: &Lock) -> Result<Vec<String>, Error> {
    let overridden = |complaint: &String| {
        let wish = complaint.split_once("requires `").map_or("", |(_, rest)| rest);
        let name = wish.split(|character: char| !(character.is_alphanumeric() || "-_.".contains(character))).next();
        name.is_some_and(|name| lock.overridden.contains(&normalised(name)))
    };
    Ok(uv.check(venv)?.into_iter().filter(|complaint| !overridden(complaint)).collect())
}

/// A list of requirements with hashes, without some packages: each begins at the start of a line, and
/// its hashes follow indented.
fn without(list: &str, names: &BTreeSet<&str>) -> String {
    let mut kept = String::new();
    let mut keep = true;
    for line in list.lines() {
        if !line.starts_with(char::is_whitespace) {
            let name = line.split(['=', ' ', '[', ';']).next().unwrap_or(line);
            keep = !names.contains(normalised(name).as_str());
        }
        if keep {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The version of a package in a venv, by the name of its `.dist-info` folder.
fn installed_version(venv: &Path, package: &str) -> Option<String> {
    let pythons = std::fs::read_dir(venv.join("lib")).ok()?.flatten();
    let entries = pythons.flat_map(|python| std::fs::read_dir(python.path().join("site-packages"))).flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).find_map(|name| {
        let (found, version) = name.strip_suffix(".dist-info")?.split_once('-')?;
        (normalised(found) == package).then(|| version.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_packages_leave_the_list_with_their_hashes() {
        let list = "filelock==3.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nNvidia_X==12 \\\n    --hash=sha256:3\ntorch==2.9.0+cpu ; x \\\n    --hash=sha256:4\n";
        let names = BTreeSet::from(["filelock", "nvidia-x"]);
        assert_eq!(without(list, &names), "torch==2.9.0+cpu ; x \\\n    --hash=sha256:4\n");
    }
}
