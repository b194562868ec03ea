//! New requirements: lock them, build the generation that fits, plan the switch to it (decision 75).

mod advice;
mod behind;
mod families;
mod resolver;

use std::collections::BTreeMap;
use std::path::Path;

use comfydock_core::foreign;
use comfydock_core::manifest::Document;
use comfydock_store::file;
use comfydock_store::lock::Lock;

pub use advice::without_no_test;
pub use behind::{Unlocked, asks_otherwise, behind, is_due};
pub use resolver::Resolver;

use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::machine::Machine;
use crate::process::uv::Uv;
use crate::python;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// How requirements are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether it is a failure when they cannot be locked. Without, they are recorded in the manifest,
    /// the lock stays as it was, and what is missing is said.
    pub test: bool,
    /// Whether torch stays at its version. A new ComfyUI may bring another; a node pack may not.
    pub hold_torch: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { test: true, hold_torch: true }
    }
}

/// What came of locking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relocked {
    /// Whether the lock is behind the manifest, because the requirements could not be locked.
    pub behind: bool,
}

/// Locks the document's requirements as [`lock`] does and plans the switch to the generation that comes
/// of it. The lease that comes back keeps ComfyUI from starting on packages that are about to be replaced.
///
/// # Errors
/// As [`lock`], and when ComfyUI runs on other packages.
pub fn relock(
    workspace: &Workspace,
    environment: &Environment,
    document: &mut Document,
    files: &mut BTreeMap<String, Vec<u8>>,
    transaction: &mut Transaction,
    options: Options,
    context: &Context<'_>,
) -> Result<(Relocked, Option<Lock>), Error> {
    let project = transaction.stage().join("project");
    let relocked = lock(workspace, environment, document, files, &project, options, context)?;
    let Some(text) = files.get(foreign::PYTHON_LOCK).filter(|_| !relocked.behind) else { return Ok((relocked, None)) };
    let uv = Uv::find(workspace, context.network.offline, context.reporter)?;
    let python_version = python_version(document)?;
    file::create_folder(&project)?;
    file::write(&project.join(foreign::MANIFEST), document.text().as_bytes())?;
    file::write(&project.join(foreign::PYTHON_LOCK), text)?;
    let id = python::generation_id(text, &python_version, &Machine::load(environment)?);
    if environment.generation()?.as_deref() == Some(id.as_str()) {
        return Ok((relocked, None));
    }
    let lease = environment.keep_from_running("its Python packages")?;
    context.reporter.step("Installing Python packages");
    python::switch(transaction, environment, &uv, &project, &python_version, &id, false)?;
    Ok((relocked, Some(lease)))
}

/// Locks the document's requirements on top of the versions locked so far and nothing more: `files` gets
/// the new lock, and whoever plans the way to it builds what it says. `project` is a folder to work in.
/// The document may change: what packs say of torch is left aside, and which OpenCV is installed is settled.
///
/// # Errors
/// When the requirements contradict each other or a package cannot be had; the document is as it was.
/// Without `test` only when the manifest cannot be taken or the disk fails.
pub fn lock(
    workspace: &Workspace,
    environment: &Environment,
    document: &mut Document,
    files: &mut BTreeMap<String, Vec<u8>>,
    project: &Path,
    options: Options,
    context: &Context<'_>,
) -> Result<Relocked, Error> {
    let uv = Uv::find(workspace, context.network.offline, context.reporter)?;
    let machine = Machine::load(environment)?;
    let python_version = python_version(document)?;
    let resolver = Resolver {
        uv: &uv,
        folder: project,
        python: &python_version,
        accepted: &machine.accepted_builds,
        reporter: context.reporter,
    };
    context.reporter.step("Locking Python requirements");
    let old = files.get(foreign::PYTHON_LOCK).cloned();
    let asked = document.clone();
    let lock = match resolver.resolve(document, old.as_deref(), options.hold_torch) {
        Ok(lock) => lock,
        Err(failure) if !options.test => {
            *document = asked;
            context.reporter.warn(format!(
                "the requirements are recorded, but their packages are not installed; the lock stays as it was: {}",
                failure.error
            ));
            return Ok(Relocked { behind: true });
        }
        Err(failure) => {
            let error = advice::explain(&resolver, environment, document, failure);
            *document = asked;
            return Err(error);
        }
    };
    files.insert(foreign::PYTHON_LOCK.to_owned(), lock);
    Ok(Relocked { behind: false })
}

fn python_version(document: &Document) -> Result<String, Error> {
    let manifest = document.manifest().map_err(Error::of_manifest("the changed manifest cannot be taken"))?;
    Ok(manifest.environment.python_version)
}
