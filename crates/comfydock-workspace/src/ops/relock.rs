//! New requirements: lock them, build the generation that fits, plan the switch to it.

use std::collections::BTreeMap;

use comfydock_core::foreign;
use comfydock_core::manifest::Document;
use comfydock_store::file;

use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::machine::Machine;
use crate::process::uv::Uv;
use crate::python;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// Locks the document's requirements on top of the versions locked so far and plans the switch to
/// the generation that comes of it; `files` gets the new lock. The caller keeps ComfyUI from
/// starting until the transaction has ended.
///
/// # Errors
/// When the requirements contradict each other or a package cannot be had.
pub fn relock(
    workspace: &Workspace,
    environment: &Environment,
    document: &Document,
    files: &mut BTreeMap<String, Vec<u8>>,
    transaction: &mut Transaction,
    context: &Context<'_>,
) -> Result<(), Error> {
    let python_version = document
        .manifest()
        .map_err(|source| Error::Manifest { place: "the changed manifest cannot be taken".to_owned(), source })?
        .environment
        .python_version;
    let project = transaction.stage().join("project");
    file::create_folder(&project)?;
    file::write(&project.join(foreign::MANIFEST), document.text().as_bytes())?;
    if let Some(lock) = files.get(foreign::PYTHON_LOCK) {
        file::write(&project.join(foreign::PYTHON_LOCK), lock)?;
    }
    let uv = Uv::find(workspace, context.network.offline, context.reporter)?;
    context.reporter.step("Locking Python requirements");
    uv.lock(&project, &python_version, &[])?;
    let lock = file::read(&project.join(foreign::PYTHON_LOCK))?;
    let id = python::generation_id(&lock, &python_version, &Machine::load(environment)?);
    files.insert(foreign::PYTHON_LOCK.to_owned(), lock);
    if environment.generation()?.as_deref() == Some(id.as_str()) {
        return Ok(());
    }
    context.reporter.step("Installing Python packages");
    python::switch(transaction, environment, &uv, &project, &python_version, &id)
}
