//! `comfydock pull`: what was pushed elsewhere, brought here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfydock_core::foreign;
use comfydock_core::name::RemoteName;
use comfydock_core::plan::models::ModelStep;
use comfydock_core::plan::reach::{Plan, Terms};
use comfydock_git::remote;
use comfydock_git::repository::NewFile;
use comfydock_store::lock::Lock;

use super::Context;
use super::change::{refuse_changed, saved_meanwhile};
use super::commit::put_files;
use super::elsewhere;
use super::fetch_models::Report;
use super::reach::{Apply, Route, Start, models_of, way};
use super::remotes::{self, Location};
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::remote::retry::patiently;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What a pull would do.
pub struct Draft {
    base: Committed,
    route: Route,
    location: Location,
    commits: usize,
    /// ComfyUI's workflows and the manifest as they were when this was planned.
    seen: Seen,
    _lock: Lock,
}

/// What a plan was made on.
struct Seen {
    live: BTreeMap<String, String>,
    manifest: String,
}

impl Draft {
    /// What is to be done.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// What is to be done for each model, for a look-up to add to.
    pub fn models_mut(&mut self) -> &mut [ModelStep] {
        &mut self.route.models
    }

    /// How many commits come.
    pub fn commits(&self) -> usize {
        self.commits
    }

    /// Whether the remote has nothing new and everything is in place.
    pub fn is_empty(&self) -> bool {
        let kept =
            |step: &comfydock_core::plan::reach::WorkflowStep| *step == comfydock_core::plan::reach::WorkflowStep::Keep;
        self.commits == 0 && !self.route.plan.moves_code() && self.route.plan.workflows.values().all(kept)
    }
}

/// Fetches and plans; changes nothing but the note of where the remote stands.
///
/// # Errors
/// When the remote cannot be reached, histories diverged, or the user's work is in the way.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    name: Option<&RemoteName>,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let lock = environment.lock()?;
    let origin = remotes::find(environment, name)?;
    let location = remotes::at_url(&origin.url, &context.network)?;
    let shown = comfydock_git::program::without_credentials(&origin.url);
    context.reporter.step(format!("Fetching from {shown}"));
    let credential = location.credential();
    let tip = patiently(context.reporter, || remote::fetch(&environment.cec(), &origin, credential.as_ref()))
        .map_err(|error| remotes::explain(error, &location))?
        .ok_or_else(|| Error::refused(format!("{shown} has no branch `main`"), "push something to it first"))?;
    let repository = environment.repository()?;
    let base = observe::head(environment)?;
    let (ahead, behind) = repository.ahead_behind(&base.commit, &tip)?;
    if ahead > 0 && behind > 0 {
        return Err(Error::refused(
            format!(
                "histories have diverged: {ahead} here that {} lacks, {behind} there that are missing here",
                origin.name
            ),
            "nothing was changed. Merging diverged histories is not built yet: push from one side only, or clone the other side under another name",
        ));
    }
    let mut target = if behind > 0 { observe::committed(&repository.objects()?, &tip, &shown)? } else { base.clone() };
    let document = environment.manifest()?;
    if behind > 0 && document.text() != base.manifest_text && target.manifest_text != base.manifest_text {
        return Err(Error::refused(
            "the manifest has changes that are not committed, and it changed there too",
            "run `comfydock commit` or undo them in .cec/pyproject.toml; nothing was changed",
        ));
    }
    keep_uncommitted_packages(environment, &document.text(), &base, &mut target);
    let seen = Seen { live: observe::live_workflows(environment)?, manifest: document.text() };
    let start = Start { manifest: &base.manifest, tracked: &base.workflows, live: &seen.live };
    let mut plan = way(workspace, environment, &start, &target, &Terms::default(), &[], context)?;
    plan.conflicts.extend(changed_on_both_sides(environment, &base, &target));
    if !plan.conflicts.is_empty() {
        return Err(Error::Refused {
            message: "pulling would lose work of yours; nothing was changed".to_owned(),
            details: plan.conflicts,
            hint: Some(
                "save a copy under another name and undo the change here, or commit it and push from here instead"
                    .to_owned(),
            ),
        });
    }
    if plan.moves_code() {
        // Said before the question is asked, and made sure of when the pull is applied.
        drop(environment.keep_from_running("ComfyUI, node packs and packages")?);
    }
    let models = models_of(workspace, Some(environment), &target, location.hub.as_ref(), context)?;
    Ok(Draft { base, route: Route { target, plan, models }, location, commits: behind, seen, _lock: lock })
}

/// What was added here and not committed (`node add`) counts, where the other side changed nothing:
/// packages are built from it.
fn keep_uncommitted_packages(environment: &Environment, manifest: &str, base: &Committed, target: &mut Committed) {
    if target.manifest_text == base.manifest_text {
        manifest.clone_into(&mut target.manifest_text);
    }
    if target.files.get(foreign::PYTHON_LOCK) == base.files.get(foreign::PYTHON_LOCK)
        && let Ok(lock) = std::fs::read(environment.cec().join(foreign::PYTHON_LOCK))
    {
        target.files.insert(foreign::PYTHON_LOCK.to_owned(), lock);
    }
}

/// Files of `.cec` besides manifest and workflows that were changed here and there.
fn changed_on_both_sides(environment: &Environment, base: &Committed, target: &Committed) -> Vec<String> {
    let there = |path: &String| target.files.get(path) != base.files.get(path);
    let here = |path: &String| {
        let now = std::fs::read(environment.cec().join(path)).ok();
        now.as_ref() != base.files.get(path) && now.as_ref() != target.files.get(path)
    };
    let paths = base.files.keys().chain(target.files.keys().filter(|path| !base.files.contains_key(*path)));
    paths
        .filter(|path| *path != foreign::MANIFEST && there(path) && here(path))
        .map(|path| format!(".cec/{path} was changed here and there"))
        .collect()
}

/// What a pull came to.
pub struct Outcome {
    /// The models.
    pub models: Vec<Report>,
    /// Where files of the user's went that were in the way.
    pub kept: Vec<PathBuf>,
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
    let Draft { base, route, location, seen, _lock: lock, .. } = draft;
    let _lease = if route.plan.moves_code() {
        Some(environment.keep_from_running("ComfyUI, node packs and packages")?)
    } else {
        None
    };
    let mut transaction = Transaction::begin(&environment.home())?;
    let mut kept = prepare(workspace, environment, &mut transaction, &base, &route, &seen, context)?;
    still_as_seen(environment, &route.plan, &seen)?;
    kept.extend(transaction.commit()?);
    drop(lock);
    let models = elsewhere::fetch(workspace, Some(environment), route.models, location.hub.as_ref(), context)?;
    let version =
        environment.repository()?.versions(&route.target.commit, 1)?.first().map_or(0, |version| version.number);
    Ok(Outcome { models, kept, version })
}

fn still_as_seen(environment: &Environment, plan: &Plan, seen: &Seen) -> Result<(), Error> {
    let mut changed = saved_meanwhile(environment, plan, &seen.live)?;
    if environment.manifest()?.text() != seen.manifest {
        changed.push(".cec/pyproject.toml".to_owned());
    }
    refuse_changed(changed)
}

fn prepare(
    workspace: &Workspace,
    environment: &Environment,
    transaction: &mut Transaction,
    base: &Committed,
    route: &Route,
    seen: &Seen,
    context: &Context<'_>,
) -> Result<Vec<PathBuf>, Error> {
    let mut apply = Apply {
        workspace,
        environment,
        transaction,
        fresh: false,
        context,
        seen: &seen.live,
        staged: BTreeMap::new(),
        rebuild: false,
        kept: Vec::new(),
    };
    apply.code_and_workflows(route)?;
    let kept = apply.kept;
    let target = &route.target;
    if target.commit == base.commit {
        return Ok(kept);
    }
    // A file the user changed and the pull does not stays as it is.
    let mut files: Vec<NewFile> = target
        .files
        .iter()
        .filter(|(path, bytes)| base.files.get(*path) != Some(*bytes))
        .map(|(path, bytes)| NewFile { path: path.clone(), bytes: bytes.clone() })
        .collect();
    files.extend(
        target
            .workflows
            .iter()
            .map(|(name, text)| NewFile { path: format!("workflows/{name}.json"), bytes: text.clone().into_bytes() }),
    );
    let gone = base.files.keys().filter(|path| !target.files.contains_key(*path)).cloned();
    let gone_workflows = base
        .workflows
        .keys()
        .filter(|name| !target.workflows.contains_key(*name))
        .map(|name| format!("workflows/{name}.json"));
    for path in gone.chain(gone_workflows) {
        let place = environment.cec().join(path);
        if place.symlink_metadata().is_ok() {
            transaction.discard(&place)?;
        }
    }
    // After what goes: a file may make room for a folder of its name.
    put_files(environment, transaction, &files)?;
    transaction.move_ref(&environment.cec(), Some(&base.commit), &target.commit, "pull");
    Ok(kept)
}
