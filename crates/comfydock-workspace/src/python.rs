//! Venv generations: built beside each other, switched by a rename (decision 17).

use std::path::{Path, PathBuf};

use comfydock_store::file;
use comfydock_store::hash::Hasher;

use crate::Error;
use crate::environment::{Current, Environment};
use crate::process::uv::Uv;
use crate::transaction::Transaction;

/// The platform's name as manifests spell it.
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The id of the generation that a lock makes on this machine: equal inputs, equal id.
pub fn generation_id(lock: &[u8], python: &str) -> String {
    let mut hasher = Hasher::default();
    for part in [lock, python.as_bytes(), platform().as_bytes(), b"pypi"] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finish().sha256.short(16).to_owned()
}

/// Builds the generation for the project in `project` (its `pyproject.toml` and `uv.lock`) unless
/// it is there, and plans the switch to it.
///
/// # Errors
/// When a package cannot be had or the disk is full; nothing has changed then.
pub fn switch(
    transaction: &mut Transaction,
    environment: &Environment,
    uv: &Uv,
    project: &Path,
    python: &str,
    id: &str,
) -> Result<(), Error> {
    let stage = transaction.stage();
    let folder = environment.generation_folder(id);
    if folder.is_dir() && !environment.has_interpreter(id) {
        transaction.discard(&folder)?;
    }
    if !environment.has_interpreter(id) {
        let venv = stage.join("venv");
        build(uv, project, &venv, python)?;
        transaction.rename(&venv, &environment.generation_folder(id))?;
    }
    let (current, link) = (stage.join("current.json"), stage.join("venv-link"));
    write_switch(&current, &link, id)?;
    transaction.rename(&current, &environment.home().join("current.json"))?;
    transaction.rename(&link, &environment.root().join(".venv"))
}

/// Builds a venv from a lock.
///
/// # Errors
/// As [`switch`].
pub fn build(uv: &Uv, project: &Path, venv: &Path, python: &str) -> Result<(), Error> {
    uv.venv(venv, python)?;
    uv.sync(project, venv)?;
    Ok(())
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

/// Removes generations that are neither in force nor the one before it. Called after a switch,
/// while ComfyUI does not run.
///
/// # Errors
/// When a folder cannot be removed.
pub fn sweep(environment: &Environment, previous: Option<&str>) -> Result<(), Error> {
    let current = environment.generation()?;
    let entries = std::fs::read_dir(environment.home().join("venvs")).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if Some(&name) != current.as_ref() && Some(name.as_str()) != previous {
            file::remove(&entry.path())?;
        }
    }
    Ok(())
}
