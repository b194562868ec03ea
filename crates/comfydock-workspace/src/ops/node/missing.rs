//! `comfydock node missing`: node types in workflows that no pack here has, and who claims to have them.

use comfydock_core::packs::MissingPack;

use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::observe;
use crate::ops::missing_packs;
use crate::remote::registry::Registry;
use crate::workspace::Workspace;

/// Looks through ComfyUI's workflows. Nothing is added: the user sees who claims a type, and why.
///
/// # Errors
/// When the workflows, the packs or the map cannot be read.
pub fn missing(
    workspace: &Workspace,
    environment: &Environment,
    manager_map: Option<&str>,
    context: &Context<'_>,
) -> Result<Vec<MissingPack>, Error> {
    let workflows = observe::live_workflows(environment)?;
    let registry = Registry::open(workspace, context.network.offline, context.reporter)?;
    missing_packs::find(environment, &workflows, Some(&registry), manager_map, context.reporter)
}
