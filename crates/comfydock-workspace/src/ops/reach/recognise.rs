//! Releases of the registry whose record is lost: told by their bytes.

use comfydock_core::manifest::{Manifest, NodeSource};
use comfydock_store::file;

use super::packs::{measured, release};
use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::installed::Record;
use crate::ops::Context;
use crate::packs::Store;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// Writes anew the records of packs whose folder has every file as the release has it; what lies beside
/// those is the user's. Returns the packs. A release that cannot be had proves nothing.
///
/// # Errors
/// When a folder cannot be read, or a record not written.
pub fn recognise(
    workspace: &Workspace,
    environment: &Environment,
    manifest: &Manifest,
    context: &Context<'_>,
) -> Result<Vec<String>, Error> {
    let ignored = Ignored::of(environment)?;
    let mut transaction = Transaction::begin(&environment.home())?;
    let stage = transaction.stage().join("packs");
    let mut found = Vec::new();
    for node in manifest.nodes.values().filter(|node| node.source == NodeSource::Registry) {
        let name = node.name.as_str();
        let folder = environment.custom_nodes().join(name);
        let is_plain = folder.is_dir() && !folder.is_symlink() && !folder.join(".git").exists();
        if !is_plain || ignored.has_pack(name) || Record::find(environment, name)?.is_some() {
            continue;
        }
        let (Some(id), Some(version)) = (&node.registry_id, &node.version) else { continue };
        let Ok(stored) = release(workspace, node, context) else { continue };
        let changes = Store::verify(&folder, &stored)?;
        if !changes.modified.is_empty() || !changes.missing.is_empty() {
            continue;
        }
        file::create_folder(&stage)?;
        let record = stage.join(format!("{name}.json"));
        file::write(&record, &measured(&stored, (id, version), &folder)?.text())?;
        transaction.rename(&record, &Record::place(environment, name))?;
        found.push(name.to_owned());
    }
    if !found.is_empty() {
        transaction.commit()?;
    }
    Ok(found)
}
