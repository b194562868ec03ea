//! Taking an environment from here to there: what `clone` and `pull` have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_core::foreign;
use comfydock_core::manifest::Manifest;
use comfydock_core::plan::library::Library;
use comfydock_core::plan::models::{ModelStep, plan_models};
use comfydock_core::plan::reach::Plan;
use comfydock_core::source::Source;
use comfydock_git::checkout::{Mirror, Resolved};
use comfydock_git::program::{Error as GitError, without_credentials};
use comfydock_store::file;

use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::machine::Machine;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Unmeasured};
use crate::observe::{self, Committed};
use crate::python;
use crate::remote::catalog::{self, Catalog};
use crate::remote::hub::Hub;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

mod comfyui;
mod packages;
mod packs;
mod recognise;
mod way;
mod workflows;

pub use packs::{Staged, because, is_failure, lay_out, stage};
pub use recognise::recognise;
pub use way::{Start, way, way_from_nothing};

/// The way from here to there, and the models it needs.
pub struct Route {
    /// What is to be there.
    pub target: Committed,
    /// Code, packages and workflows.
    pub plan: Plan,
    /// Models.
    pub models: Vec<ModelStep>,
}

impl Route {
    /// Adds the install scripts that are to be run to the places of code that are asked about.
    ///
    /// # Errors
    /// When the environments of this machine cannot be listed.
    pub(super) fn ask_about_scripts(&mut self, workspace: &Workspace) -> Result<(), Error> {
        self.plan.new_origins.extend(super::install_scripts::origins(workspace, &self.target.manifest)?);
        Ok(())
    }

    /// Bytes that are to be downloaded for models.
    pub fn download_bytes(&self) -> u64 {
        super::fetch_models::downloads(&self.models).map(|step| step.size).sum()
    }
}

/// The generation that fits a committed state on this machine.
///
/// # Errors
/// When the environment's `machine.toml` cannot be read.
pub fn generation_of(target: &Committed, environment: &Environment) -> Result<String, Error> {
    let lock = target.files.get(foreign::PYTHON_LOCK).map_or(&[][..], Vec::as_slice);
    let machine = Machine::load(environment)?;
    Ok(python::generation_id(lock, &target.manifest.environment.python_version, &machine))
}

/// Where a state's locked packages come from.
///
/// # Errors
/// When its lock cannot be read.
pub fn package_origins(state: &Committed) -> Result<BTreeSet<String>, Error> {
    let Some(lock) = state.files.get(foreign::PYTHON_LOCK) else { return Ok(BTreeSet::new()) };
    comfydock_core::python_lock::origins(&String::from_utf8_lossy(lock)).map_err(|message| {
        Error::refused(message, "whoever made the environment has to commit a lock that uv can read")
    })
}

/// The places of code that this machine's environments already take code from.
///
/// # Errors
/// When the environments cannot be listed.
pub fn known_origins(workspace: &Workspace) -> Result<BTreeSet<String>, Error> {
    let mut origins = BTreeSet::new();
    for name in workspace.environments()? {
        let folder = workspace.environment_folder(&name).join(".cec");
        // An environment that cannot be read vouches for nothing.
        if let Ok(manifest) = std::fs::read_to_string(folder.join(foreign::MANIFEST)) {
            origins.extend(Manifest::parse(&manifest).map(|manifest| manifest.code_origins()).unwrap_or_default());
        }
        if let Ok(lock) = std::fs::read_to_string(folder.join(foreign::PYTHON_LOCK)) {
            origins.extend(comfydock_core::python_lock::origins(&lock).unwrap_or_default());
        }
    }
    Ok(origins)
}

/// Plans the models of a state: what is here by SHA-256, what the hub's catalog knows, what the
/// manifest names. Files that share a quick hash with a wanted model are measured first: a
/// candidate is no proof.
///
/// # Errors
/// When the index fails or a file cannot be read.
pub fn models_of(
    workspace: &Workspace,
    environment: Option<&Environment>,
    target: &Committed,
    hub: Option<&Hub>,
    context: &Context<'_>,
) -> Result<Vec<ModelStep>, Error> {
    let manifest = &target.manifest;
    let mut library = observe::library(workspace, environment, Some(manifest), None, context.reporter)?;
    let candidates = candidates(&Roots::of(workspace, environment)?, &library, target);
    if !candidates.is_empty() {
        let mut index = Index::open(workspace)?;
        scan::measure(&mut index, &candidates, context.reporter)?;
        let roots = Roots::of(workspace, environment)?;
        library = Library::new(index.models(&roots)?, Some(manifest));
    }
    let local = plan_models(manifest, &library, &BTreeMap::new());
    let wanted: Vec<Sha256> = super::fetch_models::missing(&local).filter_map(|step| step.sha256.clone()).collect();
    let catalog = match hub {
        Some(hub) if !wanted.is_empty() => ask_catalog(workspace, hub, &wanted, context),
        Some(hub) => {
            catalog::keep_up(workspace, hub);
            BTreeMap::new()
        }
        None => BTreeMap::new(),
    };
    Ok(plan_models(manifest, &library, &catalog))
}

/// The catalog is one of several places to look: that it cannot be reached stops nothing. Its copy is asked then.
fn ask_catalog(
    workspace: &Workspace,
    hub: &Hub,
    wanted: &[Sha256],
    context: &Context<'_>,
) -> BTreeMap<Sha256, Vec<Source>> {
    let copy = || Catalog::open(workspace, hub).and_then(|catalog| catalog.sources(wanted)).unwrap_or_default();
    if context.network.offline {
        return copy();
    }
    match hub.sources(wanted) {
        Ok(found) => {
            catalog::keep_up(workspace, hub);
            found
        }
        Err(error) => {
            let copy = copy();
            let instead = if copy.is_empty() { "" } else { "; what it said last is taken" };
            context.reporter.warn(format!("the hub's catalog could not be asked: {error}{instead}"));
            copy
        }
    }
}

fn candidates(roots: &Roots, library: &Library, target: &Committed) -> Vec<Unmeasured> {
    let keys = target.manifest.models.keys();
    let wanted: BTreeSet<&str> = keys.map(|key| key.split('-').next().unwrap_or(key)).collect();
    Unmeasured::of(library, roots, |model| model.sha256.is_none() && wanted.contains(model.quick.as_str()))
}

/// Applies routes: into a folder that is only being made, or by journal into one that is in use.
pub struct Apply<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The environment, where it is or where it is prepared.
    pub environment: &'a Environment,
    /// The transaction.
    pub transaction: &'a mut Transaction,
    /// Whether the environment lies in the transaction's own stage.
    pub fresh: bool,
    /// Who listens, and how the network may be used.
    pub context: &'a Context<'a>,
    /// ComfyUI's workflows as they were when this was planned.
    pub seen: &'a BTreeMap<String, String>,
    /// Node packs that were staged before the plan was made, by folder name.
    pub staged: BTreeMap<String, Staged>,
    /// Node packs that are left out, by folder name; noted as missing.
    pub without: &'a BTreeSet<String>,
    /// Whether the venv is built anew although one of its id is there.
    pub rebuild: bool,
    /// Packs that could not be had, and why; they stay in the manifest as missing. Where nobody keeps
    /// them, one that cannot be had is a failure.
    pub missing: Option<Vec<MissingNode>>,
    /// Where the user's files went, for the report.
    pub kept: Vec<PathBuf>,
}

/// A pack that could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingNode {
    /// Its folder.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Whether that was wanted.
    pub left_out: bool,
}

impl Apply<'_> {
    /// Puts what was staged into place: now, where the environment is only being made.
    fn put(&mut self, from: &Path, to: &Path) -> Result<(), Error> {
        if !self.fresh {
            return self.transaction.rename(from, to);
        }
        if let Some(parent) = to.parent() {
            file::create_folder(parent)?;
        }
        std::fs::rename(from, to).map_err(file::Error::at("rename to", to))?;
        Ok(())
    }

    /// Prepares and plans everything but `.cec` itself.
    ///
    /// # Errors
    /// When something cannot be had; nothing has changed then.
    pub fn code_and_workflows(&mut self, route: &Route) -> Result<(), Error> {
        if let Some(step) = &route.plan.comfyui {
            self.comfyui(step)?;
        }
        for step in &route.plan.nodes {
            self.pack(step)?;
        }
        if route.plan.python {
            self.python(&route.target)?;
        }
        self.workflows(route)
    }

    fn retire(&mut self, path: &Path) -> Result<(), Error> {
        let kept = self.transaction.retire(path)?;
        self.kept.push(kept);
        Ok(())
    }
}

/// The mirror of a repository, with this commit in it; fetched only when it is not.
///
/// # Errors
/// When it cannot be had.
pub fn mirror(
    workspace: &Workspace,
    url: &str,
    commit: &comfydock_core::digest::CommitId,
    what: &str,
    context: &Context<'_>,
) -> Result<Mirror, Error> {
    let mirror = Mirror::open(&workspace.cache("git"), url)?;
    if !mirror.has(commit)? {
        if context.network.offline {
            return Err(Error::refused(
                format!("{what} at {} is not cached, and --offline keeps from fetching it", commit.short(12)),
                "run the command once without --offline",
            ));
        }
        context.reporter.step(format!("Fetching {what} from {}", without_credentials(url)));
        mirror.ensure(commit)?;
    }
    Ok(mirror)
}

/// The mirror of a repository, brought up to date unless that is not wanted, and the commit of a ref, or
/// of the newest release or the default branch. `what` is what the repository holds.
///
/// # Errors
/// When it cannot be reached or has no such ref; offline, when the cache has not.
pub fn commit_of(
    workspace: &Workspace,
    url: &str,
    (reference, prefer_release): (Option<&str>, bool),
    what: &str,
    context: &Context<'_>,
) -> Result<(Mirror, Resolved), Error> {
    context.reporter.step(format!("Fetching {what} from {}", without_credentials(url)));
    let mirror = Mirror::open(&workspace.cache("git"), url)?;
    let offline = context.network.offline;
    if !offline {
        mirror.update()?;
    }
    match (mirror.resolve(reference, prefer_release), reference) {
        (Err(GitError::Failed { .. }), wanted) if offline => Err(Error::refused(
            format!(
                "{}{what} is not cached, and --offline keeps from fetching it",
                wanted.map(|wanted| format!("`{wanted}` of ")).unwrap_or_default()
            ),
            "run the command once without --offline",
        )),
        (Err(GitError::Failed { .. }), Some(wanted)) => Err(Error::refused(
            format!("{what} ({}) has no branch, tag or commit `{wanted}`", without_credentials(url)),
            "without one the newest is taken",
        )),
        (Err(GitError::Failed { .. }), None) => Err(Error::refused(
            format!("{what} ({}) has no commits yet", without_credentials(url)),
            "name a branch, if it has one",
        )),
        (resolved, _) => Ok((mirror, resolved?)),
    }
}
