//! `comfydock node remove`: a pack goes from the disk, the manifest, the lock and the venv at once. One
//! that is worked on is set aside.

use comfydock_core::manifest::Node;

use super::{Context, Options, Outcome, find, left_alone, locked, terms};
use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::ops::change::{self, Standing};
use crate::ops::relock;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// Removes packs: all of them or none.
///
/// # Errors
/// When there is no such pack, or it has changes that are nowhere else; nothing has changed then.
pub fn remove(
    workspace: &Workspace,
    environment: &Environment,
    given: &[String],
    options: Options,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let standing = Standing::of(environment)?;
    let mut document = standing.document.clone();
    let mut nodes: Vec<Node> = Vec::new();
    let ignored = Ignored::of(environment)?;
    // Said before anything is locked; the plan says it again where it matters.
    drop(environment.keep_from_running("node packs")?);
    for text in given {
        let node = find(&standing.manifest, text)?;
        if nodes.contains(node) {
            continue;
        }
        if ignored.has_pack(node.name.as_str()) {
            return Err(left_alone(node));
        }
        document.remove_node(node);
        nodes.push(node.clone());
    }
    let transaction = Transaction::begin(&environment.home())?;
    let had_packages = nodes.iter().any(|node| node.group.is_some());
    let (files, relocked) =
        locked(workspace, environment, &standing, &mut document, &transaction, had_packages, options, context)
            .map_err(relock::without_no_test)?;
    let target = standing.with(&document, files)?;
    let terms = terms(&nodes, options);
    let draft = change::draft(workspace, environment, standing, target, Vec::new(), &terms, &[], context)?;
    let outcome = change::apply(workspace, environment, draft, transaction, Default::default(), context)?;
    Ok(Outcome { nodes, plan: outcome.plan, kept: outcome.kept, behind: relocked.behind, ..Outcome::default() })
}
