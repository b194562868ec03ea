//! `comfydock commit`: a snapshot of workflows, nodes and the models they need.

use std::collections::{BTreeMap, BTreeSet};

use comfydock_core::foreign;
use comfydock_core::manifest::{Document, EnvironmentFacts, Manifest};
use comfydock_core::plan::commit::{self, Change, Open, Plan};
use comfydock_core::plan::library::Library;
use comfydock_core::plan::misnamed::Misnamed;
use comfydock_git::repository::NewFile;
use comfydock_store::file;

use super::adopt::{self, Adoption};
use super::relock::{self, Unlocked};
use super::seen::Seen;
use super::{Context, author, change, development, seconds_now};
use crate::Error;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Unmeasured};
use crate::observe::{self, Committed};
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// How to commit.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The message; without one it says what changed.
    pub message: Option<String>,
    /// Commit although models are unresolved.
    pub allow_issues: bool,
    /// Commit although what is asked of Python cannot be locked.
    pub no_test: bool,
}

/// Everything a commit would do.
pub struct Draft {
    head: Committed,
    plan: Plan,
    adoption: Adoption,
    files: Vec<Unmeasured>,
    others: Vec<String>,
    worktree: BTreeMap<String, Vec<u8>>,
    library: Library,
    /// The text of the manifest in `.cec`.
    text: Option<String>,
}

/// What was committed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// N of `vN`.
    pub version: usize,
    /// The commit.
    pub commit: comfydock_core::digest::CommitId,
    /// The message's first line.
    pub summary: String,
    /// What became of each workflow.
    pub changes: BTreeMap<String, Change>,
    /// Node packs that were taken over.
    pub adopted: Vec<String>,
    /// Models that are not settled.
    pub open: Vec<Open>,
    /// What the lock lacks of what the manifest asks for.
    pub unlocked: Vec<Unlocked>,
}

impl Draft {
    /// Files that are referred to and have no full hash yet (decision 3).
    pub fn unmeasured(&self) -> &[Unmeasured] {
        &self.files
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.plan.changes.is_empty()
            && self.adoption.is_empty()
            && self.others.is_empty()
            && self.plan.manifest.text() == self.head.manifest_text
    }

    /// What became of each workflow.
    pub fn changes(&self) -> &BTreeMap<String, Change> {
        &self.plan.changes
    }

    /// Models that are not settled.
    pub fn open(&self) -> &[Open] {
        &self.plan.open
    }

    /// Models that are here and that ComfyUI does not find under the workflows' names.
    pub fn misnamed(&self) -> &[Misnamed] {
        &self.plan.misnamed
    }

    /// What changed besides workflows, in words.
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Node packs to take over, and folders nobody tracks.
    pub fn adoption(&self) -> &Adoption {
        &self.adoption
    }

    /// The last commit.
    pub fn head(&self) -> &Committed {
        &self.head
    }

    /// The tracked files besides workflows and manifest, as they lie there.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.worktree
    }

    /// The models of this machine.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The manifest as it would be committed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Looks at everything and plans the commit; writes nothing but the model index.
///
/// # Errors
/// When something cannot be read: a workflow, the manifest, the history.
pub fn draft(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Result<Draft, Error> {
    let text = environment.manifest_text()?;
    let mut seen = Seen::of(workspace, environment, context)?;
    if development::refresh(environment, &mut seen.document, &seen.manifest)? {
        seen.manifest = seen.document.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
    }
    let plan = commit::plan_commit(&seen.observed())?;
    let Seen { head, manifest, library, .. } = seen;
    let adoption = adopt::find(environment, &manifest)?;
    let files = unmeasured(workspace, environment, &plan, &library)?;
    let worktree = observe::files_of(environment, &head)?;
    let others = other_changes(&head, &manifest, &plan.manifest, &worktree);
    Ok(Draft { head, plan, adoption, files, others, worktree, library, text })
}

fn unmeasured(
    workspace: &Workspace,
    environment: &Environment,
    plan: &Plan,
    library: &Library,
) -> Result<Vec<Unmeasured>, Error> {
    let wanted: BTreeSet<i64> = plan.unmeasured.iter().map(|(row, _)| *row).collect();
    let roots = Roots::of(workspace, Some(environment))?;
    Ok(Unmeasured::of(library, &roots, |model| wanted.contains(&model.id)))
}

fn other_changes(
    head: &Committed,
    manifest: &Manifest,
    document: &Document,
    worktree: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let mut changes = Vec::new();
    for (key, node) in &manifest.nodes {
        match head.manifest.nodes.get(key) {
            None => changes.push(format!("Add node pack {}", node.name)),
            Some(before) if before != node => changes.push(format!("Change node pack {}", node.name)),
            Some(_) => {}
        }
    }
    for (key, node) in &head.manifest.nodes {
        if !manifest.nodes.contains_key(key) {
            changes.push(format!("Remove node pack {}", node.name));
        }
    }
    let (before, now) = (&head.manifest.environment, &manifest.environment);
    for (word, these, others) in
        [("Add", &now.platforms, &before.platforms), ("Remove", &before.platforms, &now.platforms)]
    {
        let only = these.iter().filter(|platform| !others.contains(platform));
        changes.extend(only.map(|platform| format!("{word} platform {platform}")));
    }
    if *before != (EnvironmentFacts { platforms: before.platforms.clone(), ..now.clone() }) {
        changes.push(format!("ComfyUI {}", manifest.environment.comfyui_version));
    }
    let lock = |files: &BTreeMap<String, Vec<u8>>| files.get(foreign::PYTHON_LOCK).cloned();
    if lock(&head.files) != lock(worktree) && changes.is_empty() {
        changes.push("Change Python packages".to_owned());
    }
    // Requirements that were edited by hand show in no pack.
    if changes.is_empty() && relock::asks_otherwise(head, document) {
        changes.push("Change Python requirements".to_owned());
    }
    let own: Vec<&String> = worktree
        .iter()
        .filter(|(path, bytes)| *path != foreign::PYTHON_LOCK && head.files.get(*path) != Some(*bytes))
        .map(|(path, _)| path)
        .collect();
    changes.extend(own.into_iter().map(|path| format!("Change {path}")));
    changes
}

/// Measures what the draft refers to and has no full hash, then plans again.
///
/// # Errors
/// When a file cannot be read.
pub fn measure(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    if draft.files.is_empty() {
        return Ok(draft);
    }
    let mut index = Index::open(workspace)?;
    scan::measure(&mut index, &draft.files, context.reporter)?;
    self::draft(workspace, environment, context)
}

/// Commits a draft.
///
/// # Errors
/// When models are unresolved and that was not allowed, or there is nothing to commit.
pub fn commit(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    options: &Options,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let _lock = environment.lock()?;
    let stopping: Vec<String> = commit::stops(&draft.plan.open).map(describe).collect();
    if !stopping.is_empty() && !options.allow_issues {
        return Err(Error::Refused {
            message: format!("{} in workflows cannot be found here", commit::plural(stopping.len(), "model")),
            details: stopping,
            hint: Some(resolve_hint(&draft.plan.open)),
        });
    }
    for warning in &draft.plan.warnings {
        context.reporter.warn(warning.clone());
    }
    for misnamed in &draft.plan.misnamed {
        let says = describe_misnamed(misnamed);
        let hint = format!("`comfydock workflow resolve {}` mends it", misnamed.workflow);
        context.reporter.warn(format!("{}: {says}; {hint}", misnamed.workflow));
    }
    let mut draft = draft;
    let mut transaction = Transaction::begin(&environment.home())?;
    let (adopted, asks_more) = adopt::apply(environment, &mut draft.plan.manifest, &draft.adoption, context);
    let Draft { head, plan, worktree, .. } = &mut draft;
    let lease = if asks_more || relock::is_due(head, &plan.manifest, worktree) {
        let how = relock::Options { test: !options.no_test, hold_torch: true };
        relock::relock(workspace, environment, &mut plan.manifest, worktree, &mut transaction, how, context)?.1
    } else {
        None
    };
    // That may take minutes, and what was edited meanwhile must not be written over.
    change::refuse_changed(change::edited_meanwhile(environment, draft.text.as_ref())?.into_iter().collect())?;
    let unlocked = relock::behind(&draft.plan.manifest, &draft.worktree);
    let others: Vec<String> =
        draft.others.iter().cloned().chain(adopted.iter().map(|name| format!("Add node pack {name}"))).collect();
    let message = options.message.clone().unwrap_or_else(|| commit::message(&draft.plan.changes, &others));
    let manifest = draft.plan.manifest.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
    for (pack, path, why) in development::keep(environment, &manifest)? {
        context.reporter.warn(format!("node pack {pack}: {path} does not travel: {why}"));
    }
    let files = tree(&draft);
    let repository = environment.repository()?;
    let commit_id =
        repository.write_commit(&files, Some(&draft.head.commit), &message, &author(context), seconds_now())?;
    write_worktree(environment, &mut transaction, &draft, &files)?;
    transaction.move_ref(
        &environment.cec(),
        Some(&draft.head.commit),
        &commit_id,
        message.lines().next().unwrap_or_default(),
    );
    transaction.commit()?;
    drop(lease);
    learn_sources(workspace, &draft, &manifest)?;
    let version = repository.versions(&commit_id, 1)?.first().map_or(1, |version| version.number);
    Ok(Outcome {
        version,
        commit: commit_id,
        summary: message.lines().next().unwrap_or_default().to_owned(),
        changes: draft.plan.changes,
        adopted,
        open: draft.plan.open,
        unlocked,
    })
}

fn resolve_hint(open: &[Open]) -> String {
    let first = commit::stops(open).next().map_or("NAME", |open| open.workflow.as_str());
    format!("settle them with `comfydock workflow resolve {first}`, or commit anyway with --allow-issues")
}

/// The index learns where the workflows say models can be had.
fn learn_sources(workspace: &Workspace, draft: &Draft, manifest: &Manifest) -> Result<(), Error> {
    let mut index = Index::open(workspace)?;
    for (key, model) in &manifest.models {
        for row in draft.library.rows(key) {
            for source in model.sources.iter().filter(|source| !row.sources.contains(source)) {
                index.add_source(row.id, source, "workflow")?;
            }
        }
    }
    Ok(())
}

/// An unsettled mention in words.
pub fn describe(open: &Open) -> String {
    let what = match open.candidates.len() {
        0 => "no file found",
        1 => "the file of this name is not the one its author used (by SHA-256)",
        _ => "several different files could be meant",
    };
    format!("{}: `{}` at {}: {what}", open.workflow, open.value, open.node)
}

/// Why ComfyUI does not find a model that is here, in words.
pub fn describe_misnamed(misnamed: &Misnamed) -> String {
    let Misnamed { value, node, .. } = misnamed;
    match &misnamed.name {
        Some(name) => format!("ComfyUI here does not find `{value}` at {node}: it has that model as `{name}`"),
        None => format!("ComfyUI here does not find `{value}` at {node}: it does not look where that model lies"),
    }
}

/// The files of the commit: the plan's on top of the last commit's.
fn tree(draft: &Draft) -> Vec<NewFile> {
    let mut files: BTreeMap<String, Vec<u8>> = draft.worktree.clone();
    files.insert(foreign::MANIFEST.to_owned(), draft.plan.manifest.text().into_bytes());
    for (name, text) in &draft.head.workflows {
        files.insert(foreign::workflow_path(name), text.clone().into_bytes());
    }
    for (name, text) in &draft.plan.workflows {
        let path = foreign::workflow_path(name);
        match text {
            Some(text) => files.insert(path, text.clone().into_bytes()),
            None => files.remove(&path),
        };
    }
    files.into_iter().map(|(path, bytes)| NewFile { path, bytes }).collect()
}

/// Plans the renames that make `.cec` show the commit.
fn write_worktree(
    environment: &Environment,
    transaction: &mut Transaction,
    draft: &Draft,
    files: &[NewFile],
) -> Result<(), Error> {
    let removed = draft.plan.workflows.iter().filter(|(_, text)| text.is_none());
    let gone = removed.map(|(name, _)| foreign::workflow_path(name));
    exchange_files(environment, transaction, gone, files)
}

/// Takes files of `.cec` away and stages those that differ from what lies there.
///
/// # Errors
/// When they cannot be written.
pub fn exchange_files(
    environment: &Environment,
    transaction: &mut Transaction,
    gone: impl IntoIterator<Item = String>,
    files: &[NewFile],
) -> Result<(), Error> {
    for path in gone {
        let place = environment.cec().join(path);
        if place.symlink_metadata().is_ok() {
            transaction.discard(&place)?;
        }
    }
    // After what goes: a file may make room for a folder of its name.
    put_files(environment, transaction, files)
}

/// Stages files of `.cec` that differ from what lies there.
///
/// # Errors
/// When they cannot be written.
pub fn put_files(environment: &Environment, transaction: &mut Transaction, files: &[NewFile]) -> Result<(), Error> {
    let stage = transaction.stage().join("cec");
    for new in files {
        let target = environment.cec().join(&new.path);
        if std::fs::read(&target).is_ok_and(|bytes| bytes == new.bytes) {
            continue;
        }
        let staged = stage.join(&new.path);
        if let Some(parent) = staged.parent() {
            file::create_folder(parent)?;
        }
        // The transaction syncs all of its stage at once.
        std::fs::write(&staged, &new.bytes).map_err(file::Error::at("write", &staged))?;
        transaction.rename(&staged, &target)?;
    }
    Ok(())
}
