//! `comfydock repair`: what the manifest says and the disk lacks, brought back.

use std::collections::BTreeMap;

use comfydock_core::plan::reach::{Plan, Terms, Unchanged};

use super::change::{self, Standing};
use super::platform::{self, Added};
use super::reach::recognise;
use super::{Context, relock};
use crate::Error;
use crate::doctor::venv;
use crate::environment::Environment;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What is to be brought back.
pub struct Draft {
    change: change::Draft,
    transaction: Transaction,
    added: Option<Added>,
    recognised: Vec<String>,
}

impl Draft {
    /// What is to be done.
    pub fn plan(&self) -> &Plan {
        &self.change.route().plan
    }

    /// Packs whose record was lost, and is there again: their folders are as they came.
    pub fn recognised(&self) -> &[String] {
        &self.recognised
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
    // Said of the disk, not done to it: with it the plan tells the user's files from the pack's.
    let recognised = recognise(workspace, environment, &standing.manifest, context)?;
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
    change.rebuild(rebuild || is_damaged(environment, context)?);
    Ok(Draft { change, transaction, added, recognised })
}

/// Whether packages in force lack files or have others: a venv whose Python starts may be half a venv.
fn is_damaged(environment: &Environment, context: &Context<'_>) -> Result<bool, Error> {
    let Some(id) = environment.generation()? else { return Ok(false) };
    // One that cannot be looked through is none.
    let Ok(damaged) = venv::damage(&environment.generation_folder(&id)) else { return Ok(true) };
    for damage in &damaged {
        context.reporter.note(format!("package {} {} is damaged", damage.package, damage.version));
    }
    Ok(!damaged.is_empty())
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
