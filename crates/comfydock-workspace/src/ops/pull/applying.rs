//! A pull as one transaction.

use std::collections::BTreeSet;

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfydock_core::digest::CommitId;
use comfydock_core::foreign;
use comfydock_git::repository::NewFile;

use super::Draft;
use super::merging::{MergeCommit, Merging};
use super::uncommitted::Seen;
use crate::Error;
use crate::environment::Environment;
use crate::observe::Committed;
use crate::ops::commit::exchange_files;
use crate::ops::fetch_models::Report;
use crate::ops::reach::{Apply, MissingNode, Route};
use crate::ops::{Context, elsewhere};
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What a pull came to.
pub struct Outcome {
    /// The models.
    pub models: Vec<Report>,
    /// Where files of the user's went that were in the way.
    pub kept: Vec<PathBuf>,
    /// Node packs that could not be had; `comfydock repair` tries again.
    pub missing_nodes: Vec<MissingNode>,
    /// N of `vN` now.
    pub version: usize,
}

/// Applies a pull: one transaction for everything but the models, which come one by one.
///
/// # Errors
/// When something cannot be had or ComfyUI runs; nothing has changed then.
pub fn apply(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let Draft { base, route, location, merging, added, seen, _lock: lock, .. } = draft;
    let _lease = if route.plan.moves_code() {
        Some(environment.keep_from_running("ComfyUI, node packs and packages")?)
    } else {
        None
    };
    let (mut transaction, merge) = match merging.map(Merging::parted) {
        Some((transaction, merge)) => (transaction, Some(merge)),
        None => (Transaction::begin(&environment.home())?, None),
    };
    let (mut kept, missing_nodes) =
        code_and_workflows(workspace, environment, &mut transaction, &route, &seen, context)?;
    let changes = merge.is_some() || added.is_some() || route.target.commit != base.commit;
    let commit = if changes {
        tracked(environment, &mut transaction, &base, &route.target, merge.as_ref(), context)?
    } else {
        base.commit
    };
    seen.still(environment, &route.plan)?;
    kept.extend(transaction.commit()?);
    drop(lock);
    let models = elsewhere::fetch(workspace, Some(environment), route.models, location.hub.as_ref(), context)?;
    let version = environment.repository()?.versions(&commit, 1)?.first().map_or(0, |version| version.number);
    Ok(Outcome { models, kept, missing_nodes, version })
}

fn code_and_workflows(
    workspace: &Workspace,
    environment: &Environment,
    transaction: &mut Transaction,
    route: &Route,
    seen: &Seen,
    context: &Context<'_>,
) -> Result<(Vec<PathBuf>, Vec<MissingNode>), Error> {
    let mut apply = Apply {
        workspace,
        environment,
        transaction,
        fresh: false,
        context,
        seen: &seen.live,
        staged: BTreeMap::new(),
        without: &BTreeSet::new(),
        rebuild: false,
        missing: Some(Vec::new()),
        kept: Vec::new(),
    };
    apply.code_and_workflows(route)?;
    Ok((apply.kept, apply.missing.unwrap_or_default()))
}

/// Plans what makes `.cec` show the target and the branch stand at it. Returns the commit.
fn tracked(
    environment: &Environment,
    transaction: &mut Transaction,
    base: &Committed,
    target: &Committed,
    merge: Option<&MergeCommit>,
    context: &Context<'_>,
) -> Result<CommitId, Error> {
    let path = |name: &String| foreign::workflow_path(name);
    // A file the user changed and the pull does not stays as it is.
    let mut files: Vec<NewFile> = target
        .files
        .iter()
        .filter(|(path, bytes)| base.files.get(*path) != Some(*bytes))
        .map(|(path, bytes)| NewFile { path: path.clone(), bytes: bytes.clone() })
        .collect();
    let workflows = target.workflows.iter();
    files.extend(workflows.map(|(name, text)| NewFile { path: path(name), bytes: text.clone().into_bytes() }));
    let gone = base.files.keys().filter(|path| !target.files.contains_key(*path)).cloned();
    let gone_workflows = base.workflows.keys().filter(|name| !target.workflows.contains_key(*name)).map(path);
    exchange_files(environment, transaction, gone.chain(gone_workflows), &files)?;
    let (commit, why) = match merge {
        Some(merge) => (merge.write(environment, &base.commit, target, context)?, merge.reason()),
        None => (target.commit.clone(), "pull".to_owned()),
    };
    // Only the manifest may have changed: a branch that is there already would say that all is done.
    if commit != base.commit {
        transaction.move_ref(&environment.cec(), Some(&base.commit), &commit, &why);
    }
    Ok(commit)
}
