//! `comfydock export`: an environment as one file that strangers can build it from.
//!
//! - `contents`: which files of the last commit and of the development nodes it holds.

mod contents;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use comfydock_bundle::artifact::{LayerFile, write_layers};
use comfydock_bundle::key::PrivateKey;
use comfydock_bundle::pack::{Item, content_digest, measure, pack};
use comfydock_bundle::sign::sign_file;
use comfydock_core::admission::{self, Rule};
use comfydock_core::bundle::{DESCRIPTION, Description, FileFact, SCHEMA_VERSION, narrowed};
use comfydock_core::digest::Sha256;
use comfydock_core::foreign::{self, Violation};
use comfydock_core::manifest::Manifest;
use comfydock_core::plan::commit::Open;
use comfydock_core::plan::push::{Findings, Named, plan_push};
use comfydock_core::plan::ready::{Ready, What};
use comfydock_core::signature::Claim;
use comfydock_core::source::Source;
use comfydock_core::workflow::{Workflow, nodes};
use comfydock_git::checkout::commit_seconds;
use comfydock_store::file::{self, Pending};

use self::contents::Contents;
pub use self::contents::DevNode;
use super::commit;
use super::{Context, departure, readiness, vendor};
use crate::Error;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::models::scan::Unmeasured;
use crate::observe::{self, Committed};
use crate::reporter::Event;
use crate::workspace::Workspace;

/// What is wanted of an export.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// These workflows alone; all without any.
    pub workflows: &'a [String],
    /// Rules about secrets whose findings are packed all the same.
    pub allow: &'a [Rule],
}

/// What was found before anything is asked or written.
pub struct Draft {
    commit: commit::Draft,
    /// The last commit with the workflows that are wanted alone.
    head: Committed,
    open: Vec<Open>,
    findings: Findings,
    ready: Vec<Ready>,
}

impl Draft {
    /// Models of the workflows that are here and have no full hash yet.
    pub fn unmeasured(&self) -> &[Unmeasured] {
        self.commit.unmeasured()
    }

    /// Names in these workflows that mean no model, or several.
    pub fn open(&self) -> &[Open] {
        &self.open
    }

    /// Models nobody can download.
    pub fn without_source(&self) -> &[Named] {
        &self.findings.without_source
    }

    /// The workflows that are wanted, and what each lacks on this machine.
    pub fn workflows(&self) -> &[Ready] {
        &self.ready
    }

    /// How many nodes a workflow has, as far as it can be read.
    pub fn node_count(&self, workflow: &str) -> usize {
        let text = self.head.workflows.get(workflow).cloned().unwrap_or_default();
        Workflow::parse(text).map_or(0, |workflow| nodes(&workflow).len())
    }

    /// Models whose file is not on this machine any more, by name, with the workflows that need them.
    pub fn gone(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut gone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for ready in &self.ready {
            for lack in ready.lacks.iter().filter(|lack| matches!(lack.what, What::Model { .. })) {
                gone.entry(&lack.name).or_default().push(&ready.workflow);
            }
        }
        gone
    }

    /// Node packs with changed files that the bundle will not hold: it names these packs at a commit or a
    /// version.
    pub fn modified(&self) -> Vec<&(String, Vec<String>)> {
        let nodes = &self.head.manifest.nodes;
        let held = |name: &str| nodes.values().any(|node| node.name.as_str() == name && contents::is_dev_node(node));
        self.commit.adoption().modified.iter().filter(|(name, _)| !held(name)).collect()
    }

    /// What it is made of.
    pub fn manifest(&self) -> &Manifest {
        &self.head.manifest
    }

    /// Whether a model of this key is on this machine.
    pub fn is_here(&self, key: &str) -> bool {
        self.commit.library().rows(key).any(|row| !row.places.is_empty() || !row.elsewhere.is_empty())
    }
}

/// Looks at an environment that is to be exported; writes nothing but the model index.
///
/// # Errors
/// When there is work that no commit has, one of the workflows that are wanted is not there, or something cannot
/// be read.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    workflows: &[String],
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let commit = commit::draft(workspace, environment, context)?;
    let uncommitted = departure::uncommitted(&commit);
    if !uncommitted.is_empty() {
        return Err(Error::Refused {
            message: format!(
                "environment `{}` has changes that no commit has; nothing was exported",
                environment.name()
            ),
            details: uncommitted,
            hint: Some("`comfydock commit -m \"Before the export\"`, then export again".to_owned()),
        });
    }
    let head = only(commit.head().clone(), workflows)?;
    let findings = plan_push(&head.manifest);
    let mut ready = readiness::readiness(environment, &commit, context.reporter)?;
    ready.retain(|ready| head.workflows.contains_key(&ready.workflow));
    let open = commit.open().iter().filter(|open| head.workflows.contains_key(&open.workflow)).cloned().collect();
    Ok(Draft { commit, head, open, findings, ready })
}

/// Records what was asked for before the export: sources of models, and full hashes. One commit holds both.
/// Returns its version, if there was anything to record.
///
/// # Errors
/// When a file cannot be read, or the commit not be made.
pub fn record(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    sources: &[(String, Source)],
    measure: bool,
    context: &Context<'_>,
) -> Result<Option<usize>, Error> {
    let mut index = Index::open(workspace)?;
    for (key, source) in sources {
        for row in draft.commit.library().rows(key) {
            index.add_source(row.id, source, "user")?;
        }
    }
    drop(index);
    let mut next = if sources.is_empty() { draft.commit } else { commit::draft(workspace, environment, context)? };
    if measure && !next.unmeasured().is_empty() {
        next = commit::measure(workspace, environment, next, context)?;
    }
    if next.is_empty() {
        return Ok(None);
    }
    commit_as(workspace, environment, next, "Prepare the export", context).map(Some)
}

/// Commits what was settled in workflows before the export. Returns the version, if anything was.
///
/// # Errors
/// When the commit cannot be made.
pub fn keep(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Result<Option<usize>, Error> {
    let draft = commit::draft(workspace, environment, context)?;
    if draft.is_empty() {
        return Ok(None);
    }
    commit_as(workspace, environment, draft, "Settle models before the export", context).map(Some)
}

fn commit_as(
    workspace: &Workspace,
    environment: &Environment,
    draft: commit::Draft,
    message: &str,
    context: &Context<'_>,
) -> Result<usize, Error> {
    let options =
        commit::Options { message: Some(message.to_owned()), allow_issues: true, ..commit::Options::default() };
    Ok(commit::commit(workspace, environment, draft, &options, context)?.version)
}

/// Everything a bundle will hold, measured and judged. Nothing is written yet.
pub struct Prepared {
    contents: Contents,
    facts: Vec<FileFact>,
    description: Description,
    allowed: Vec<String>,
}

impl Prepared {
    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.contents.manifest
    }

    /// The development nodes in it.
    pub fn dev_nodes(&self) -> &[DevNode] {
        &self.contents.dev_nodes
    }

    /// Bytes of its files, before they are packed.
    pub fn bytes(&self) -> u64 {
        self.facts.iter().map(|fact| fact.size).sum()
    }

    /// Packs its files into layers, in a folder.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is another than when it was measured.
    pub fn layers(
        &self,
        environment: &Environment,
        folder: &Path,
        context: &Context<'_>,
    ) -> Result<Vec<LayerFile>, Error> {
        let items = self.contents.items(environment)?;
        let progress = Progress::begin(context, "Packing", self.bytes());
        Ok(write_layers(items, &self.facts, folder, |count| progress.add(count))?)
    }

    /// What is packed although a rule about secrets is against it.
    pub fn allowed(&self) -> &[String] {
        &self.allowed
    }
}

/// Gathers, measures and judges what the last commit holds.
///
/// # Errors
/// When a workflow is not there, a node pack could not be had by others, something holds a secret or a
/// model, or a file cannot be read.
pub fn prepare(
    workspace: &Workspace,
    environment: &Environment,
    options: &Options<'_>,
    context: &Context<'_>,
) -> Result<Prepared, Error> {
    let head = only(observe::head(environment)?, options.workflows)?;
    // The source of a development node is in the bundle, whatever its repository has.
    let unpublished = vendor::unpublished(workspace, &head.manifest, context)?;
    let unpublished: Vec<_> = unpublished.into_iter().filter(|pack| !contents::is_dev_node(pack.node)).collect();
    departure::check_nodes(&plan_push(&head.manifest), &unpublished, "push --vendor", "exported")?;
    let contents = Contents::of(environment, head)?;
    let items = contents.items(environment)?;
    let mut violations: Vec<Violation> = admission::judge_sources(&contents.manifest);
    let lock = contents.files.get(foreign::PYTHON_LOCK).map_or(&[][..], Vec::as_slice);
    violations.extend(admission::judge_lock(&contents.manifest_text, lock));
    let progress = Progress::begin(context, "Reading", contents.bytes());
    let facts = measure(&items, |item, bytes| {
        progress.add(bytes.len() as u64);
        violations.extend(admission::judge_file(&item.path, bytes));
    })?;
    drop(progress);
    drop(items);
    let message = "what would be exported may not be; nothing was written";
    let allowed = departure::let_through(violations, options.allow, "export", message)?;
    let description = describe(environment, &contents, &facts)?;
    Ok(Prepared { contents, facts, description, allowed })
}

/// The commit with the workflows of these names alone, with or without ending; all without any.
fn only(head: Committed, names: &[String]) -> Result<Committed, Error> {
    if names.is_empty() {
        return Ok(head);
    }
    let keep: BTreeSet<&str> = names.iter().map(|name| name.strip_suffix(".json").unwrap_or(name)).collect();
    if let Some(lost) = keep.iter().find(|name| !head.workflows.contains_key(**name)) {
        let known: Vec<&str> = head.workflows.keys().map(String::as_str).collect();
        return Err(Error::refused(
            format!("there is no workflow `{lost}` in the last commit; nothing was exported"),
            format!("there are: {}", known.join(", ")),
        ));
    }
    let place = || Error::of_manifest("the manifest of the last commit cannot be taken");
    let manifest_text = narrowed(&head.manifest_text, &keep).map_err(place())?;
    let manifest = Manifest::parse(&manifest_text).map_err(place())?;
    let mut workflows = head.workflows;
    workflows.retain(|name, _| keep.contains(name.as_str()));
    Ok(Committed { manifest_text, manifest, workflows, ..head })
}

fn describe(environment: &Environment, contents: &Contents, facts: &[FileFact]) -> Result<Description, Error> {
    let facts_of = &contents.manifest.environment;
    let seconds = commit_seconds(&environment.cec(), &contents.commit)?;
    Ok(Description {
        schema_version: SCHEMA_VERSION,
        timestamp: jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default(),
        comfydock_version: env!("CARGO_PKG_VERSION").to_owned(),
        environment_name: environment.name().to_string(),
        environment_commit: contents.commit.clone(),
        workflows: contents.workflows.keys().cloned().collect(),
        python_version: facts_of.python_version.clone(),
        comfyui_version: facts_of.comfyui_version.clone(),
        comfyui_commit: facts_of.comfyui_commit.clone(),
        platform: facts_of.platforms.join(","),
        total_models: contents.manifest.models.len(),
        total_nodes: contents.manifest.nodes.len(),
        files: facts.to_vec(),
        content_digest: content_digest(facts),
    })
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// The identity of its content.
    pub content_digest: Sha256,
}

/// Signs a bundle that was written; the signature lies beside it. Returns where.
///
/// # Errors
/// When the file cannot be read, or the signature not written.
pub fn sign(key: &PrivateKey, prepared: &Prepared, path: &Path) -> Result<PathBuf, Error> {
    // A file may be called anything and lie anywhere; when it was made is all that is known of it.
    let created = Some(prepared.description.timestamp.clone());
    let claim = Claim { reference: None, version: None, created };
    sign_file(key, path, Some(&claim)).map_err(super::publish::not_signed)
}

/// What a bundle is called when nobody says: the environment and the day of the commit.
pub fn default_name(description: &Description) -> String {
    let day = description.timestamp.split('T').next().unwrap_or_default();
    format!("{}_export_{day}.tar.gz", description.environment_name)
}

/// Holds that a bundle may be written there.
///
/// # Errors
/// When there is a file already and `replace` is not said.
pub fn check_free(path: &Path, replace: bool) -> Result<(), Error> {
    if path.symlink_metadata().is_ok() && !replace {
        return Err(Error::refused(
            format!("there is a file `{}` already; nothing was written", path.display()),
            "name another with --output, or write over it with --force",
        ));
    }
    Ok(())
}

/// Writes the bundle. Nothing is there until it is whole.
///
/// # Errors
/// When there is a file already and `replace` is not said, or it cannot be written.
pub fn write(
    environment: &Environment,
    prepared: &Prepared,
    path: &Path,
    replace: bool,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    check_free(path, replace)?;
    let mut items = prepared.contents.items(environment)?;
    items.push(Item::of(DESCRIPTION, prepared.description.text().into_bytes()));
    let label = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let progress = Progress::begin(context, &label, prepared.bytes());
    pack(&items, &prepared.facts, Pending::begin(path)?, |count| progress.add(count))?.finish()?;
    drop(progress);
    let bytes = path.metadata().map_err(file::Error::at("inspect", path))?.len();
    Ok(Outcome { path: path.to_owned(), bytes, content_digest: prepared.description.content_digest.clone() })
}

/// Bytes that are worked through under a label; done when it goes.
struct Progress<'a> {
    context: &'a Context<'a>,
    label: String,
}

impl<'a> Progress<'a> {
    fn begin(context: &'a Context<'a>, label: &str, total: u64) -> Self {
        context.reporter.report(Event::BytesStart { label: label.to_owned(), total: Some(total) });
        Self { context, label: label.to_owned() }
    }

    fn add(&self, count: u64) {
        self.context.reporter.report(Event::Bytes { label: self.label.clone(), count });
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.context.reporter.report(Event::BytesEnd { label: self.label.clone() });
    }
}
