//! `comfydock rollback`: an older state brought back, all of it or nothing, as changes that are not
//! committed (decision 28).

use std::collections::BTreeMap;

use comfydock_core::digest::CommitId;
use comfydock_core::foreign;
use comfydock_core::manifest::NodeSource;
use comfydock_core::plan::models::{Action, ModelStep};
use comfydock_core::plan::reach::{Terms, Unchanged};
use comfydock_git::program::without_credentials;
use comfydock_git::repository::NewFile;

use super::change::{self, Standing};
use super::platform::{self, Added};
use super::reach::models_of;
use super::version::{self, Version};
use super::{Context, author, fetch_models, seconds_now};
use crate::Error;
use crate::environment::Environment;
use crate::observe;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// Where states are kept that a rollback writes over.
pub const BACKUPS: &str = "refs/comfydock/backup/";

/// A rollback, planned.
pub struct Draft {
    change: change::Draft,
    version: Version,
    loses: bool,
    added: Option<Added>,
}

impl Draft {
    /// What is to be done.
    pub fn route(&self) -> &super::reach::Route {
        self.change.route()
    }

    /// The platform that is added to those the version is locked for.
    pub fn added(&self) -> Option<&Added> {
        self.added.as_ref()
    }

    /// What is brought back.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Whether something that was not committed is written over.
    pub fn loses(&self) -> bool {
        self.loses
    }

    /// Whether everything is as it was.
    pub fn is_empty(&self) -> bool {
        let route = self.change.route();
        let standing = self.change.standing();
        standing.has_manifest()
            && !route.plan.moves_code()
            && route.plan.workflows.is_empty()
            && standing.document.text() == route.target.manifest_text
            && standing.files == route.target.files_besides_manifest()
    }
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was brought back.
    pub version: Version,
    /// Whether that is the last commit.
    pub is_last: bool,
    /// What changed.
    pub plan: comfydock_core::plan::reach::Plan,
    /// Where files of the user's went that were in the way.
    pub kept: Vec<std::path::PathBuf>,
    /// The commit that keeps what was not committed.
    pub backup: Option<CommitId>,
    /// Packs that are worked on here: their source is not the history's.
    pub development: Vec<String>,
    /// Models of the state that are not on this machine.
    pub missing: Vec<String>,
}

/// Plans the way back; without a target to the last commit. With `add_platform` a version that is not locked
/// for this machine is locked for it too.
///
/// # Errors
/// When there is no such version, a pack has changes that are nowhere else, or ComfyUI runs.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    target: Option<&str>,
    force: bool,
    add_platform: bool,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    // Whoever broke the manifest wants it back more than anybody.
    let standing = Standing::or_committed(environment)?;
    let repository = environment.repository()?;
    let version = version::resolve(&repository, target.unwrap_or("HEAD"))?;
    let mut wanted = observe::committed(&repository.objects()?, &version.commit, &format!("version {version}"))?;
    wanted.commit = standing.head.commit.clone();
    let added = if add_platform {
        // It is dropped at once: what was locked is in memory.
        let scratch = Transaction::begin(&environment.home())?;
        platform::add(workspace, environment, &mut wanted, &scratch.stage().join("resolution"), context)?
    } else {
        None
    };
    let models = local(models_of(workspace, Some(environment), &wanted, None, context)?);
    let unchanged = Unchanged::Restore;
    let terms = Terms { force_all: force, overwrite_workflows: true, unchanged, ..Terms::default() };
    let loses = differs(&standing);
    let own = is_own(environment, &standing.head.commit, &version)?;
    let mut change = change::draft(workspace, environment, standing, wanted, models, &terms, &[], context)?;
    let origins = change.forget_new_origins();
    if !own && !origins.is_empty() {
        return Err(Error::Refused {
            message: format!(
                "{version} is no version of this environment, and its code comes from places that nobody here agreed to"
            ),
            details: origins.into_iter().map(|origin| without_credentials(&origin)).collect(),
            hint: Some("`comfydock pull` brings what others made, and asks".to_owned()),
        });
    }
    Ok(Draft { change, version, loses, added })
}

/// Whether a version is this environment's: in its history, or kept by a rollback. What was only fetched
/// may name places of code that nobody agreed to (decision 20).
fn is_own(environment: &Environment, head: &CommitId, version: &Version) -> Result<bool, Error> {
    let repository = environment.repository()?;
    let backup = format!("{BACKUPS}{}", version.commit.short(12));
    Ok(version.number.is_some()
        || repository.find_ref(&backup)?.as_ref() == Some(&version.commit)
        || repository.ahead_behind(head, &version.commit)?.1 == 0)
}

/// A rollback asks no network for models: what is here is used, the rest is said.
fn local(mut models: Vec<ModelStep>) -> Vec<ModelStep> {
    models.iter_mut().for_each(|step| step.sources.clear());
    models
}

/// Whether there is anything that no commit holds.
fn differs(standing: &Standing) -> bool {
    let head = &standing.head;
    let same_workflows = head.workflows.len() == standing.live.len()
        && standing.live.iter().all(|(name, text)| observe::same(head.workflows.get(name), Some(text)));
    !same_workflows || standing.document.text() != head.manifest_text || standing.files != head.files_besides_manifest()
}

/// Applies a rollback as one transaction. What was not committed is kept in a commit of its own first.
///
/// # Errors
/// When something cannot be had; nothing has changed then.
pub fn apply(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let Draft { change, version, loses, .. } = draft;
    let backup = if loses { Some(keep(environment, change.standing(), context)?) } else { None };
    let target = &change.route().target;
    let is_last = version.commit == change.standing().head.commit;
    let development = |node: &&comfydock_core::manifest::Node| node.source == NodeSource::Development;
    let development = target.manifest.nodes.values().filter(development).map(|node| node.name.to_string()).collect();
    let (links, missing): (Vec<ModelStep>, Vec<ModelStep>) = change
        .route()
        .models
        .iter()
        .cloned()
        .partition(|step| matches!(step.action, Action::Here | Action::Link { .. }));
    let mut transaction = Transaction::begin(&environment.home())?;
    let mut kept = Vec::new();
    let manifest = environment.cec().join(foreign::MANIFEST);
    if !change.standing().has_manifest() && manifest.symlink_metadata().is_ok() {
        kept.push(transaction.retire(&manifest)?);
    }
    let outcome = change::apply(workspace, environment, change, transaction, BTreeMap::new(), context)?;
    fetch_models::fetch(workspace, Some(environment), links, None, context)?;
    Ok(Outcome {
        version,
        is_last,
        plan: outcome.plan,
        kept: kept.into_iter().chain(outcome.kept).collect(),
        backup,
        development,
        missing: missing.into_iter().map(|step| step.name).collect(),
    })
}

/// Keeps what lies there in a commit beside the branch.
fn keep(environment: &Environment, standing: &Standing, context: &Context<'_>) -> Result<CommitId, Error> {
    let mut files: BTreeMap<String, Vec<u8>> = standing.files.clone();
    files.insert(foreign::MANIFEST.to_owned(), standing.document.text().into_bytes());
    for (name, text) in &standing.live {
        files.insert(foreign::workflow_path(name), text.clone().into_bytes());
    }
    let files: Vec<NewFile> = files.into_iter().map(|(path, bytes)| NewFile { path, bytes }).collect();
    let repository = environment.repository()?;
    let message = "What was not committed before a rollback";
    let commit =
        repository.write_commit(&files, Some(&standing.head.commit), message, &author(context), seconds_now())?;
    let reference = format!("{BACKUPS}{}", commit.short(12));
    if repository.find_ref(&reference)?.is_none() {
        repository.update_ref(&reference, None, &commit, "rollback")?;
    }
    Ok(commit)
}
