//! Install scripts of node packs: run only when somebody asks, after everything else is in place, and
//! recorded by their SHA-256 (decision 21).

mod note;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_core::foreign;
use comfydock_core::manifest::{Manifest, Node};
use comfydock_core::name::NodeName;
use comfydock_git::repository::NewFile;
use comfydock_store::hash;

use self::note::Note;
use super::Context;
use super::commit::put_files;
use super::node::find;
use crate::Error;
use crate::doctor::venv::Installed;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::logs;
use crate::process::comfyui::no_python;
use crate::process::install_script::{self, FILE};
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// A script that was to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The pack's folder.
    pub pack: String,
    /// The script; none when it never came to that.
    pub sha256: Option<Sha256>,
    /// Why it did not end well, as a clause; none when it did.
    pub failure: Option<String>,
    /// Packages that came, went or changed meanwhile, with their versions. No lock has them.
    pub packages: Vec<String>,
}

impl Run {
    fn failed(pack: &str, why: String) -> Self {
        Self { pack: pack.to_owned(), sha256: None, failure: Some(why), packages: Vec::new() }
    }
}

/// A script that was run for this environment and not for what lies here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The pack's folder.
    pub pack: String,
    /// Whether the pack's script is another by now than the one that was run.
    pub changed: bool,
}

/// The identity of a pack's install script; none when it has none.
///
/// # Errors
/// When it cannot be read.
pub fn identity(folder: &Path) -> Result<Option<Sha256>, Error> {
    let script = folder.join(FILE);
    if !script.is_file() {
        return Ok(None);
    }
    Ok(Some(hash::full(&script, |_| {})?.0.sha256))
}

/// The scripts of a manifest that nobody on this machine has run, as places of code (decision 20).
///
/// # Errors
/// When the environments of this machine cannot be listed.
pub fn origins(workspace: &Workspace, manifest: &Manifest) -> Result<BTreeSet<String>, Error> {
    let mut notes = Vec::new();
    for name in workspace.environments()? {
        let environment = Environment::at(name.clone(), workspace.environment_folder(&name));
        // One that cannot be read vouches for nothing.
        notes.extend(environment.generation().ok().flatten().map(|id| Note::of(&environment.generation_folder(&id))));
    }
    let scripts = manifest.nodes.values().filter_map(|node| Some((node, node.install_script_sha256.as_ref()?)));
    let new = scripts.filter(|(_, sha256)| !notes.iter().any(|note| note.knows(sha256)));
    Ok(new
        .map(|(node, sha256)| {
            format!("{FILE} of node pack {}, which will be run (SHA-256 {})", node.name, sha256.short(12))
        })
        .collect())
}

/// The scripts that the manifest in `.cec` records and that were not run on these packages, with the pack
/// as it lies here. Packs without a script are not among them.
///
/// # Errors
/// When the manifest or a script cannot be read.
pub fn open(environment: &Environment) -> Result<Vec<Open>, Error> {
    let manifest = environment.manifest()?.manifest().map_err(|source| environment.unusable_manifest(source))?;
    let ignored = Ignored::of(environment)?;
    let note = environment.generation()?.map(|id| Note::of(&environment.generation_folder(&id)));
    let mut open = Vec::new();
    for (key, node) in &manifest.nodes {
        let Some(recorded) = node.install_script_sha256.as_ref().filter(|_| !ignored.has_pack(node.name.as_str()))
        else {
            continue;
        };
        let folder = folder(environment, node);
        let Some(found) = identity(&folder)? else { continue };
        let changed = found != *recorded;
        if changed || !note.as_ref().is_some_and(|note| note.has(key, recorded, &folder)) {
            open.push(Open { pack: node.name.to_string(), changed });
        }
    }
    Ok(open)
}

/// Those of these packs whose script, as it lies here, was not run on these packages.
pub fn not_run(environment: &Environment, mut packs: Vec<String>) -> Vec<String> {
    let generation = environment.generation().ok().flatten();
    let note = generation.map(|id| Note::of(&environment.generation_folder(&id)));
    packs.retain(|pack| {
        let (folder, name) = (environment.custom_nodes().join(pack), NodeName::parse(pack));
        let (Ok(Some(sha256)), Ok(name), Some(note)) = (identity(&folder), name, &note) else { return true };
        !note.has(&name.normalised(), &sha256, &folder)
    });
    packs
}

/// The packs whose scripts were run on the packages in force.
pub fn ran(environment: &Environment) -> Vec<String> {
    let generation = environment.generation().ok().flatten();
    generation.map(|id| Note::of(&environment.generation_folder(&id)).packs()).unwrap_or_default()
}

/// Which scripts of the packs are run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Whatever lies there: somebody named the packs.
    There,
    /// Those that the manifest records, byte by byte: somebody agreed to these.
    Recorded,
}

/// Runs the scripts of packs: by folder, id or URL. One that fails does not keep the others from being
/// run. Those that end well are recorded in the manifest; the next commit keeps it.
///
/// # Errors
/// When a pack is not there or has no script, ComfyUI runs, or another comfydock changes the environment:
/// nothing was run then.
pub fn run(
    workspace: &Workspace,
    environment: &Environment,
    packs: &[String],
    context: &Context<'_>,
) -> Result<Vec<Run>, Error> {
    run_these(workspace, environment, packs, Which::There, context)
}

/// As [`run`], after something else that is done: what keeps the scripts from being run is told as their
/// failure.
pub fn run_after(
    workspace: &Workspace,
    environment: &Environment,
    packs: &[String],
    context: &Context<'_>,
) -> Vec<Run> {
    as_failures(packs, run_these(workspace, environment, packs, Which::There, context))
}

/// Runs the scripts that the manifest records, as far as they were not run on what lies here and are still
/// those that were recorded; after something else that is done, as [`run_after`].
pub fn run_recorded(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Vec<Run> {
    let open = match open(environment) {
        Ok(open) => open,
        Err(error) => {
            context.reporter.warn(format!("no install script was run: {error}"));
            return Vec::new();
        }
    };
    let packs: Vec<String> = open.into_iter().filter(|open| !open.changed).map(|open| open.pack).collect();
    as_failures(&packs, run_these(workspace, environment, &packs, Which::Recorded, context))
}

fn as_failures(packs: &[String], outcome: Result<Vec<Run>, Error>) -> Vec<Run> {
    outcome.unwrap_or_else(|error| packs.iter().map(|pack| Run::failed(pack, error.to_string())).collect())
}

fn run_these(
    workspace: &Workspace,
    environment: &Environment,
    packs: &[String],
    which: Which,
    context: &Context<'_>,
) -> Result<Vec<Run>, Error> {
    if packs.is_empty() {
        return Ok(Vec::new());
    }
    let _lock = environment.lock()?;
    let _lease = environment.keep_from_running("what install scripts write to")?;
    let id = environment.generation()?.ok_or_else(|| no_python(environment))?;
    let venv = environment.generation_folder(&id);
    let manifest = environment.manifest()?.manifest().map_err(|source| environment.unusable_manifest(source))?;
    let mut scripts = Vec::new();
    for given in packs {
        let node = find(&manifest, given)?;
        let Some(found) = identity(&folder(environment, node))? else {
            return Err(Error::refused(
                format!("custom_nodes/{} has no {FILE}", node.name),
                "`comfydock node list` says how the packs stand; not every pack needs a script",
            ));
        };
        let agreed = if which == Which::Recorded { node.install_script_sha256.clone() } else { None };
        scripts.push((&node.name, agreed.unwrap_or(found)));
    }
    scripts.into_iter().map(|(name, sha256)| one(workspace, environment, &venv, name, sha256, context)).collect()
}

fn one(
    workspace: &Workspace,
    environment: &Environment,
    venv: &Path,
    name: &NodeName,
    sha256: Sha256,
    context: &Context<'_>,
) -> Result<Run, Error> {
    let folder = &environment.custom_nodes().join(name.as_str());
    // Another pack's script may have come before.
    if identity(folder)?.as_ref() != Some(&sha256) {
        return Ok(Run::failed(
            name.as_str(),
            format!("{FILE} is not the one that was meant any more; it was not run"),
        ));
    }
    context.reporter.step(format!("Running {FILE} of {name}"));
    // A script may leave a venv that nobody can read; what became of it is told all the same.
    let packages = || Installed::read(venv).map(|installed| installed.versions()).unwrap_or_default();
    let before = packages();
    let status = install_script::run(environment, venv, folder, context.reporter);
    let after = packages();
    let log = logs::of_environment(workspace.root(), environment.name());
    let failure = match status {
        Ok(status) if status.success() => {
            let noted = Note::of(venv).add(&name.normalised(), sha256.clone(), folder);
            let recorded = noted.and_then(|()| record(environment, name, &sha256));
            recorded.err().map(|error| format!("it ended well, and that could not be recorded: {error}"))
        }
        Ok(status) => Some(format!("{status}; what it said is in {}", log.display())),
        Err(error) => Some(format!("it could not be started: {error}")),
    };
    let gone = before.difference(&after).map(|package| format!("-{package}"));
    let packages = gone.chain(after.difference(&before).map(|package| format!("+{package}"))).collect();
    Ok(Run { pack: name.to_string(), sha256: Some(sha256), failure, packages })
}

/// Writes into the manifest that a script was run. It is read again: scripts take their time, and
/// somebody may have edited it.
fn record(environment: &Environment, name: &NodeName, sha256: &Sha256) -> Result<(), Error> {
    let mut document = environment.manifest()?;
    let manifest = document.manifest().map_err(|source| environment.unusable_manifest(source))?;
    let Some(node) = manifest.nodes.get(&name.normalised()) else { return Ok(()) };
    if node.install_script_sha256.as_ref() == Some(sha256) {
        return Ok(());
    }
    document.set_node(&Node { install_script_sha256: Some(sha256.clone()), ..node.clone() });
    let mut transaction = Transaction::begin(&environment.home())?;
    let file = NewFile { path: foreign::MANIFEST.to_owned(), bytes: document.text().into_bytes() };
    put_files(environment, &mut transaction, &[file])?;
    transaction.commit()?;
    Ok(())
}

fn folder(environment: &Environment, node: &Node) -> PathBuf {
    environment.custom_nodes().join(node.name.as_str())
}
