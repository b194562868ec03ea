//! `comfydock repair`: what the manifest says and the disk lacks, brought back.

use std::collections::BTreeMap;

use comfydock_core::plan::reach::{Plan, Terms, Unchanged};

use super::change::{self, Standing};
use super::platform::{self, Added};
use super::{Context, relock};
use crate::Error;
use crate::environment::Environment;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What is to be brought back.
pub struct Draft {
    change: change::Draft,
    transaction: Transaction,
    added: Option<Added>,
}

impl Draft {
    /// What is to be done.
    pub fn plan(&self) -> &Plan {
        &self.change.route().plan
    }

    /// The whole way.
    pub fn route(&self) -> &super::reach::Route {
        self.change.route()
    }

    /// The platform that is added to those it is locked for.
    pub fn added(&self) -> Option<&Added> {
        self.added.as_ref()
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.added.is_none() && !self.plan().moves_code()
    }
}

/// Plans the way to what the manifest says: missing packs, packs and a ComfyUI that stand elsewhere, a
/// venv that is gone or damaged. Workflows are left alone. With `add_platform` an environment that is not
/// locked for this machine is locked for it too.
///
/// # Errors
/// When the user's work is in the way, and when ComfyUI runs.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    force: bool,
    rebuild: bool,
    add_platform: bool,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let standing = Standing::of(environment)?;
    let transaction = Transaction::begin(&environment.home())?;
    let (mut document, mut files) = (standing.document.clone(), standing.files.clone());
    // Requirements that were edited by hand, or whose packs came with --no-test, are in no lock yet.
    if relock::is_due(&standing.head, &document, &files) || !relock::behind(&document, &files).is_empty() {
        let how = relock::Options { test: false, hold_torch: true };
        let project = transaction.stage().join("resolution");
        relock::lock(workspace, environment, &mut document, &mut files, &project, how, context)?;
    }
    let mut target = standing.with(&document, files)?;
    let added = if add_platform {
        platform::add(workspace, environment, &mut target, &transaction.stage().join("resolution"), context)?
    } else {
        None
    };
    let terms = Terms { force_all: force, unchanged: Unchanged::Restore, ..Terms::default() };
    let mut change = change::draft(workspace, environment, standing, target, Vec::new(), &terms, &[], context)?;
    change.rebuild(rebuild);
    Ok(Draft { change, transaction, added })
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
    let Draft { change, transaction, .. } = draft;
    change::apply(workspace, environment, change, transaction, BTreeMap::new(), context)
}
