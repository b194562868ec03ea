//! Venv generations: built beside each other, switched by a rename (decisions 17 and 76).

mod backend;

pub use backend::{backend_key, complaints};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use comfydock_core::foreign;
use comfydock_core::manifest::Manifest;
use comfydock_core::python_lock::Lock;
use comfydock_core::torch::Backend;
use comfydock_store::file;
use comfydock_store::hash::Hasher;

use crate::Error;
use crate::environment::{Current, Environment};
use crate::machine::Machine;
use crate::process::uv::Uv;
use crate::transaction::Transaction;

/// The platform's name as manifests spell it.
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The id of the generation that a lock makes on this machine: equal inputs, equal id.
pub fn generation_id(lock: &[u8], python: &str, machine: &Machine) -> String {
    let mut hasher = Hasher::default();
    let backend = machine.backend();
    let (platform, name) = (platform(), backend.to_string());
    let index = if backend == Backend::Pypi { None } else { Some(machine.index(&backend)) };
    let parts = [lock, python.as_bytes(), platform.as_bytes(), name.as_bytes()];
    for part in parts.into_iter().chain(index.as_ref().map(String::as_bytes)) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finish().sha256.short(16).to_owned()
}

/// Builds the generation for the project in `project` (its `pyproject.toml` and `uv.lock`) unless
/// it is there, and plans the switch to it. With `anew` it is built although it is there. The one in
/// force is kept, older ones go. Called while ComfyUI does not run.
///
/// # Errors
/// When a package cannot be had or the disk is full; nothing has changed then.
pub fn switch(
    transaction: &mut Transaction,
    environment: &Environment,
    uv: &Uv<'_>,
    project: &Path,
    python: &str,
    id: &str,
    anew: bool,
) -> Result<(), Error> {
    let stage = transaction.stage();
    let folder = environment.generation_folder(id);
    let build_it = anew || !environment.has_interpreter(id);
    if folder.is_dir() && build_it {
        transaction.discard(&folder)?;
    }
    if build_it {
        let venv = stage.join("venv");
        build(uv, project, &venv, python, &Machine::load(environment)?)?;
        transaction.rename(&venv, &environment.generation_folder(id))?;
    }
    discard_others(transaction, environment, id)?;
    let (current, link) = (stage.join("current.json"), stage.join("venv-link"));
    write_switch(&current, &link, id)?;
    transaction.rename(&current, &environment.home().join("current.json"))?;
    transaction.rename(&link, &environment.root().join(".venv"))
}

/// Builds a venv from a lock, with this machine's build of torch in place of the locked one.
///
/// # Errors
/// As [`switch`], and when the lock does not cover this platform.
pub fn build(uv: &Uv<'_>, project: &Path, venv: &Path, python: &str, machine: &Machine) -> Result<(), Error> {
    covers_platform(project)?;
    let text = file::read(&project.join(foreign::PYTHON_LOCK))?;
    let lock = Lock::parse(&String::from_utf8_lossy(&text))
        .map_err(|message| Error::refused(message, "lock the packages again; nothing was changed"))?;
    uv.venv(venv, python)?;
    let builds = lock.without_wheel(&machine.accepted_builds, python, &platform());
    let backend = machine.backend();
    if backend == Backend::Pypi || lock.torch_builds().is_empty() {
        return Ok(uv.sync(project, venv, &BTreeSet::new(), &builds)?);
    }
    let without = lock.torch_only();
    uv.sync(project, venv, &without, &builds)?;
    let replacement = backend::Replacement {
        backend: &backend,
        index: machine.index(&backend),
        lock: &lock,
        text: &text,
        without: &without,
        cache: uv.cache("backends"),
    };
    replacement.install(uv, venv)
}

/// A lock covers the platforms its manifest names; on others uv would fail with a word about markers.
fn covers_platform(project: &Path) -> Result<(), Error> {
    let text = file::read_text(&project.join(foreign::MANIFEST))?;
    let manifest = Manifest::parse(&text).map_err(Error::of_manifest("the manifest cannot be taken"))?;
    if covers(&manifest) { Ok(()) } else { Err(not_covered(&manifest)) }
}

/// Whether the lock of a manifest covers this machine.
pub fn covers(manifest: &Manifest) -> bool {
    let platforms = &manifest.environment.platforms;
    platforms.is_empty() || platforms.contains(&platform())
}

/// Why packages are not installed on this machine, and what helps.
pub fn not_covered(manifest: &Manifest) -> Error {
    Error::refused(
        format!(
            "the environment's packages are locked for {}, and this machine is {}",
            manifest.environment.platforms.join(", "),
            platform()
        ),
        "--add-platform (of `clone`, `pull`, `repair` and `rollback`) adds this one and locks the packages for it too, at the versions that are locked; \
         nothing was changed",
    )
}

/// Writes what says which generation is in force, and the link for people.
///
/// # Errors
/// When they cannot be written.
pub fn write_switch(current: &Path, link: &Path, id: &str) -> Result<(), Error> {
    let text = serde_json::to_vec(&Current { generation: id.to_owned() }).unwrap_or_default();
    file::write(current, &text)?;
    let target = PathBuf::from(".comfydock/venvs").join(id);
    std::os::unix::fs::symlink(&target, link).map_err(file::Error::at("link", link))?;
    Ok(())
}

/// Plans that generations go which are neither the one that comes nor the one in force until then.
/// They go as a whole, by the transaction: a folder that a crash left half removed would pass for a
/// generation as long as its interpreter is there. Where the one in force stays, the others do too.
fn discard_others(transaction: &mut Transaction, environment: &Environment, coming: &str) -> Result<(), Error> {
    let in_force = environment.generation()?;
    if in_force.as_deref() == Some(coming) {
        return Ok(());
    }
    let entries = std::fs::read_dir(environment.home().join("venvs")).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != coming && Some(&name) != in_force.as_ref() {
            transaction.discard(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_for_other_platforms_is_refused_before_uv_is_asked() {
        let project = tempfile::tempdir().unwrap();
        let here = platform();
        for (platforms, covered) in [
            (vec![], true),
            (vec![here.as_str()], true),
            (vec!["plan9-mips", here.as_str()], true),
            (vec!["plan9-mips"], false),
        ] {
            let text = format!(
                "[tool.comfydock]\nschema_version = 1\n[tool.comfydock.environment]\ncomfyui_version = \"x\"\ncomfyui_commit = \"{}\"\n\
                 comfyui_url = \"https://x.org\"\npython_version = \"3.11\"\nplatforms = {platforms:?}\n",
                "0".repeat(40)
            );
            std::fs::write(project.path().join(foreign::MANIFEST), text).unwrap();
            let outcome = covers_platform(project.path());
            assert_eq!(outcome.is_ok(), covered, "{platforms:?}");
            if let Err(error) = outcome {
                assert!(
                    error.to_string().contains("locked for plan9-mips") && error.to_string().contains(&here),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn a_generation_is_its_lock_python_and_build() {
        let machine = |torch: &str, index: Option<&str>| Machine {
            torch: torch.parse().unwrap(),
            torch_index: index.map(str::to_owned),
            ..Machine::default()
        };
        let ids: std::collections::BTreeSet<String> = [
            generation_id(b"lock", "3.11", &machine("cpu", None)),
            generation_id(b"lock", "3.11", &machine("cpu", Some("https://mirror.example"))),
            generation_id(b"lock", "3.11", &machine("cu128", None)),
            generation_id(b"lock", "3.12", &machine("cpu", None)),
            generation_id(b"other", "3.11", &machine("cpu", None)),
            generation_id(b"lock", "3.11", &Machine::default()),
        ]
        .into();
        assert_eq!(ids.len(), 6);
        // To say what is so anyway changes nothing, nor does an index that is not used.
        let plain = generation_id(b"lock", "3.11", &Machine::default());
        assert_eq!(generation_id(b"lock", "3.11", &machine("pypi", Some("https://mirror.example"))), plain);
    }
}
