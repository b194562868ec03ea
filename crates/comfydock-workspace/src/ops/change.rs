//! A change of an environment in use that no commit makes: node packs, ComfyUI's version, an older
//! state brought back. From what lies there to a target, as one transaction; the next commit keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use comfydock_core::foreign;
use comfydock_core::manifest::{Document, Manifest};
use comfydock_core::plan::models::ModelStep;
use comfydock_core::plan::reach::{Plan, Terms, WorkflowStep};
use comfydock_git::repository::NewFile;
use comfydock_store::lock::Lock;

use super::Context;
use super::commit::exchange_files;
use super::reach::{Apply, MissingNode, Route, Staged, Start, way};
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What lies in an environment, committed or not.
pub struct Standing {
    /// The last commit.
    pub head: Committed,
    /// The manifest as it lies in `.cec`.
    pub document: Document,
    /// What it says.
    pub manifest: Manifest,
    /// The other tracked files as they lie in `.cec`, workflows left out.
    pub files: BTreeMap<String, Vec<u8>>,
    /// ComfyUI's workflows.
    pub live: BTreeMap<String, String>,
    /// The text of the manifest in `.cec`, which may say nothing that can be taken; none when it is gone.
    text: Option<String>,
    /// Keeps others from changing the environment.
    _lock: Lock,
}

impl Standing {
    /// Looks at an environment that is about to be changed.
    ///
    /// # Errors
    /// When something cannot be read, or another comfydock changes it.
    pub fn of(environment: &Environment) -> Result<Self, Error> {
        Self::look(environment, |error, _| Err(error))
    }

    /// As [`of`](Self::of), but where the manifest in `.cec` cannot be taken, the committed one stands for it.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn or_committed(environment: &Environment) -> Result<Self, Error> {
        Self::look(environment, |_, head| {
            let document =
                Document::parse(&head.manifest_text).map_err(|source| environment.unusable_manifest(source))?;
            Ok((document, head.manifest.clone()))
        })
    }

    fn look(
        environment: &Environment,
        otherwise: impl FnOnce(Error, &Committed) -> Result<(Document, Manifest), Error>,
    ) -> Result<Self, Error> {
        let lock = environment.lock()?;
        let head = observe::head(environment)?;
        let text = environment.manifest_text()?;
        let read = || {
            let document = environment.manifest()?;
            let manifest = document.manifest().map_err(|source| environment.unusable_manifest(source))?;
            Ok((document, manifest))
        };
        let (document, manifest) = read().or_else(|error| otherwise(error, &head))?;
        let files = observe::files_of(environment, &head)?;
        let live = observe::live_workflows(environment)?;
        Ok(Self { head, document, manifest, files, live, text, _lock: lock })
    }

    /// Whether the manifest in `.cec` is what this says, and not something that could not be taken.
    pub fn has_manifest(&self) -> bool {
        self.text.as_ref() == Some(&self.document.text())
    }

    /// What lies there with another manifest and lock: a target that leaves workflows alone.
    ///
    /// # Errors
    /// When an edit broke a rule of the manifest, which would be our bug.
    pub fn with(&self, document: &Document, files: BTreeMap<String, Vec<u8>>) -> Result<Committed, Error> {
        let manifest = document.manifest().map_err(Error::of_manifest("the changed manifest cannot be taken"))?;
        Ok(Committed {
            commit: self.head.commit.clone(),
            manifest_text: document.text(),
            manifest,
            workflows: self.head.workflows.clone(),
            files,
        })
    }
}

/// A change, planned.
pub struct Draft {
    standing: Standing,
    route: Route,
    rebuild: bool,
    /// Node packs that are left out, by folder, where one that cannot be had stops nothing.
    without: Option<BTreeSet<String>>,
}

impl Draft {
    /// What is to be done.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The same, for a look-up to add to and for packs that came along.
    pub fn route_mut(&mut self) -> &mut Route {
        &mut self.route
    }

    /// Leaves node packs out, by folder, and goes on without those that cannot be had.
    pub fn go_without(&mut self, nodes: BTreeSet<String>) {
        self.without = Some(nodes);
    }

    /// Has the venv built anew, whatever is there under its id.
    pub fn rebuild(&mut self, rebuild: bool) {
        self.rebuild = rebuild;
        self.route.plan.python |= rebuild;
    }

    /// The places of code that are new to this machine; from now on they count as known.
    pub fn forget_new_origins(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.route.plan.new_origins)
    }

    /// What the environment was when this was planned.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

/// Plans the way to a target. `going` are packs that the transaction takes away before.
///
/// # Errors
/// When the user's work is in the way, ComfyUI runs, or something cannot be read.
#[expect(clippy::too_many_arguments, reason = "each is a thing of its own; a struct would only rename them")]
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    standing: Standing,
    target: Committed,
    models: Vec<ModelStep>,
    terms: &Terms,
    going: &[PathBuf],
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let start = Start { manifest: &standing.manifest, tracked: &standing.head.workflows, live: &standing.live };
    let plan = way(workspace, environment, &start, &target, terms, going, context)?;
    if !plan.conflicts.is_empty() {
        return Err(Error::Refused {
            message: "this would lose work of yours; nothing was changed".to_owned(),
            details: plan.conflicts,
            hint: Some("commit and push it in its own repository or move it away; --force replaces it and keeps a copy in the environment's trash".to_owned()),
        });
    }
    if plan.moves_code() {
        // Said before a question is asked, and made sure of when the change is applied.
        drop(environment.keep_from_running("ComfyUI, node packs and packages")?);
    }
    Ok(Draft { standing, route: Route { target, plan, models }, rebuild: false, without: None })
}

/// What a change came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What was done.
    pub plan: Plan,
    /// Where files of the user's went that were in the way.
    pub kept: Vec<PathBuf>,
    /// Node packs that could not be had or were left out; they stay in the manifest as missing.
    pub missing: Vec<MissingNode>,
}

/// Applies a change as one transaction.
///
/// # Errors
/// When something cannot be had or ComfyUI runs; nothing has changed then.
pub fn apply(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    mut transaction: Transaction,
    staged: BTreeMap<String, Staged>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let Draft { standing, route, rebuild, without } = draft;
    let _lease = if route.plan.moves_code() {
        Some(environment.keep_from_running("ComfyUI, node packs and packages")?)
    } else {
        None
    };
    let (tolerant, left_out) = (without.is_some(), without.unwrap_or_default());
    let mut apply = Apply {
        workspace,
        environment,
        transaction: &mut transaction,
        fresh: false,
        context,
        seen: &standing.live,
        staged,
        without: &left_out,
        rebuild,
        missing: tolerant.then(Vec::new),
        kept: Vec::new(),
    };
    apply.code_and_workflows(&route)?;
    let (mut kept, missing) = (apply.kept, apply.missing.unwrap_or_default());
    write(environment, &mut transaction, &standing, &route.target)?;
    still_as_seen(environment, &route.plan, &standing)?;
    kept.extend(transaction.commit()?);
    Ok(Outcome { plan: route.plan, kept, missing })
}

/// Plans the renames that make `.cec` show the target.
fn write(
    environment: &Environment,
    transaction: &mut Transaction,
    standing: &Standing,
    target: &Committed,
) -> Result<(), Error> {
    let mut files: BTreeMap<String, Vec<u8>> = target.files.clone();
    files.insert(foreign::MANIFEST.to_owned(), target.manifest_text.clone().into_bytes());
    let workflows = target.workflows.iter();
    files.extend(workflows.map(|(name, text)| (foreign::workflow_path(name), text.clone().into_bytes())));
    let tracked = standing.head.workflows.keys().map(|name| foreign::workflow_path(name));
    let before = standing.files.keys().cloned().chain(tracked);
    let gone: Vec<String> = before.filter(|path| !files.contains_key(path)).collect();
    let files: Vec<NewFile> = files.into_iter().map(|(path, bytes)| NewFile { path, bytes }).collect();
    exchange_files(environment, transaction, gone, &files)
}

/// Fetching and installing may take minutes, and ComfyUI saves all day: what was saved meanwhile
/// must not be written over.
fn still_as_seen(environment: &Environment, plan: &Plan, standing: &Standing) -> Result<(), Error> {
    let mut changed: Vec<String> = saved_meanwhile(environment, plan, &standing.live)?;
    changed.extend(edited_meanwhile(environment, standing.text.as_ref())?);
    refuse_changed(changed)
}

/// The manifest in `.cec`, when it was edited since its text was this.
///
/// # Errors
/// When it cannot be read.
pub fn edited_meanwhile(environment: &Environment, seen: Option<&String>) -> Result<Option<String>, Error> {
    let is_edited = environment.manifest_text()?.as_ref() != seen;
    Ok(is_edited.then(|| ".cec/pyproject.toml".to_owned()))
}

/// The workflows that a plan touches and that were saved since they were seen.
///
/// # Errors
/// When they cannot be read.
pub fn saved_meanwhile(
    environment: &Environment,
    plan: &Plan,
    seen: &BTreeMap<String, String>,
) -> Result<Vec<String>, Error> {
    let now = observe::live_workflows(environment)?;
    let touched = plan.workflows.iter().filter(|(_, step)| **step != WorkflowStep::Keep).map(|(name, _)| name);
    Ok(touched.filter(|name| now.get(*name) != seen.get(*name)).map(|name| format!("workflow {name}")).collect())
}

/// Refuses when anything was saved meanwhile.
///
/// # Errors
/// When there is anything.
pub fn refuse_changed(changed: Vec<String>) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    Err(Error::Refused {
        message: "it was saved while the command ran; nothing was changed".to_owned(),
        details: changed,
        hint: Some("run the command again".to_owned()),
    })
}
