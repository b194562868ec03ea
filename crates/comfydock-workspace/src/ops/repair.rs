//! `comfydock repair`: what the manifest says and the disk lacks, brought back.

use std::collections::BTreeMap;

use comfydock_core::plan::reach::{Plan, Terms, Unchanged};

use super::change::{self, Standing};
use super::{Context, relock};
use crate::Error;
use crate::environment::Environment;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What is to be brought back.
pub struct Draft(change::Draft, Transaction);

impl Draft {
    /// What is to be done.
    pub fn plan(&self) -> &Plan {
        &self.0.route().plan
    }

    /// The whole way.
    pub fn route(&self) -> &super::reach::Route {
        self.0.route()
    }
}

/// Plans the way to what the manifest says: missing packs, packs and a ComfyUI that stand elsewhere, a
/// venv that is gone or damaged. Workflows are left alone.
///
/// # Errors
/// When the user's work is in the way, and when ComfyUI runs.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    force: bool,
    rebuild: bool,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let standing = Standing::of(environment)?;
    let transaction = Transaction::begin(&environment.home())?;
    let (mut document, mut files) = (standing.document.clone(), standing.files.clone());
    // Requirements that were edited by hand since the last commit are in no lock yet.
    if standing.asks_otherwise() {
        let how = relock::Options { test: false, hold_torch: true };
        let project = transaction.stage().join("resolution");
        relock::lock(workspace, environment, &mut document, &mut files, &project, how, context)?;
    }
    let target = standing.with(&document, files)?;
    let terms = Terms { force_all: force, unchanged: Unchanged::Restore, ..Terms::default() };
    let mut draft = change::draft(workspace, environment, standing, target, Vec::new(), &terms, &[], context)?;
    draft.rebuild(rebuild);
    Ok(Draft(draft, transaction))
}

/// Applies it as one transaction.
///
/// # Errors
/// When something cannot be had; nothing has changed then.
pub fn apply(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    context: &Context<'_>,
) -> Result<change::Outcome, Error> {
    let Draft(draft, transaction) = draft;
    change::apply(workspace, environment, draft, transaction, BTreeMap::new(), context)
}
