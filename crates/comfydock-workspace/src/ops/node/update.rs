//! `comfydock node update`: the newest release, the newest commit of the branch that was asked for, or,
//! for a pack that is worked on, its requirements read again.

use comfydock_core::digest::CommitId;
use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::plan::group::{GroupStep, plan_group};
use comfydock_core::repository_url::RepositoryUrl;

use super::add::{clone_of, release};
use super::develop::{described, place};
use super::{Context, Options, Outcome, find, put_in, registry_id};
use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::ops::change::Standing;
use crate::ops::requirements;
use crate::workspace::Workspace;

/// Updates the named packs, or all of them. What is at its newest is left out of the outcome.
///
/// # Errors
/// When a pack has changes that are nowhere else, cannot be had, or its requirements contradict others;
/// nothing has changed then.
pub fn update(
    workspace: &Workspace,
    environment: &Environment,
    given: &[String],
    options: Options,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let standing = Standing::of(environment)?;
    let wanted: Vec<Node> = if given.is_empty() {
        // What is left alone or has no folder to read is no reason not to update the others.
        let ignored = Ignored::of(environment)?;
        let is_there = |node: &&Node| node.source != NodeSource::Development || place(environment, node).is_dir();
        let nodes = standing.manifest.nodes.values().filter(|node| !ignored.has_pack(node.name.as_str()));
        nodes.filter(is_there).cloned().collect()
    } else {
        given.iter().map(|text| find(&standing.manifest, text).cloned()).collect::<Result<_, _>>()?
    };
    let mut nodes = Vec::new();
    for node in wanted {
        let newest = newest(workspace, environment, &node, context)?;
        // The requirements of what is worked on may have changed although the commit did not, and those
        // in the manifest may have been edited.
        let edited = !given.is_empty() && is_edited(environment, &standing, &node);
        if newest != node || node.source == NodeSource::Development || edited {
            nodes.push(newest);
        }
    }
    if nodes.is_empty() {
        return Ok(Outcome::default());
    }
    put_in(workspace, environment, standing, nodes, &[], options, context)
}

/// Whether a pack's group says something else than the pack's folder does.
fn is_edited(environment: &Environment, standing: &Standing, node: &Node) -> bool {
    let asked = requirements::of_folder(&environment.custom_nodes().join(node.name.as_str())).lines;
    let group = standing.document.groups().remove(&node.name.group());
    let step = plan_group(Some(node), group.as_deref(), &asked, requirements::identity(&asked).as_ref());
    step == GroupStep::Keep { edited: true }
}

fn newest(workspace: &Workspace, environment: &Environment, node: &Node, context: &Context<'_>) -> Result<Node, Error> {
    match node.source {
        NodeSource::Registry => release(workspace, &registry_id(node)?, None, node.clone(), true, context),
        NodeSource::Git => {
            // A commit that was asked for by its hash has nothing newer.
            let reference = node.requested_ref.as_deref();
            if reference.is_some_and(|reference| CommitId::parse(reference).is_ok()) {
                return Ok(node.clone());
            }
            let url = node.repository.as_deref().unwrap_or_default();
            let url = RepositoryUrl::parse(url).map_err(|error| {
                Error::refused(format!("node pack `{}`: {error}", node.name), "add it anew by its URL")
            })?;
            let newest = clone_of(workspace, &url, reference, node.clone(), context)?;
            // One that was taken over says no branch; where it stands at the newest, nothing changes.
            Ok(if newest.commit == node.commit { node.clone() } else { newest })
        }
        NodeSource::Development if !place(environment, node).is_dir() => Err(Error::refused(
            format!("node pack `{}` is worked on, and custom_nodes/{} is not there", node.name, node.name),
            format!("put its folder back, or `comfydock node remove {}`", node.name),
        )),
        NodeSource::Development => Ok(Node { group: node.group.clone(), ..described(environment, &node.name)? }),
    }
}
