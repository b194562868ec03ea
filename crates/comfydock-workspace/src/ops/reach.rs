//! Taking an environment from here to there: what `clone` and `pull` have in common.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_core::foreign;
use comfydock_core::manifest::{Manifest, Node};
use comfydock_core::plan::library::Library;
use comfydock_core::plan::models::{ModelStep, localise, plan_models};
use comfydock_core::plan::reach::{ComfyuiStep, NodeStep, Plan, WorkflowStep};
use comfydock_core::source::Source;
use comfydock_git::checkout::{self, Mirror};
use comfydock_git::program::without_credentials;
use comfydock_store::file;

use super::Context;
use super::seen::replace_workflow;
use crate::Error;
use crate::environment::Environment;
use crate::machine::Machine;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Unmeasured};
use crate::observe::{self, Committed};
use crate::process::uv::Uv;
use crate::python;
use crate::remote::catalog::{self, Catalog};
use crate::remote::hub::Hub;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

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
pub fn package_origins(state: &Committed) -> Result<std::collections::BTreeSet<String>, Error> {
    let Some(lock) = state.files.get(foreign::PYTHON_LOCK) else { return Ok(std::collections::BTreeSet::new()) };
    comfydock_core::python_lock::origins(&String::from_utf8_lossy(lock)).map_err(|message| {
        Error::refused(message, "whoever made the environment has to commit a lock that uv can read")
    })
}

/// The places of code that this machine's environments already take code from.
///
/// # Errors
/// When the environments cannot be listed.
pub fn known_origins(workspace: &Workspace) -> Result<std::collections::BTreeSet<String>, Error> {
    let mut origins = std::collections::BTreeSet::new();
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
    let wanted: std::collections::BTreeSet<&str> = keys.map(|key| key.split('-').next().unwrap_or(key)).collect();
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
    /// Where the user's files went, for the report.
    pub kept: Vec<PathBuf>,
}

impl Apply<'_> {
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
            self.node(step)?;
        }
        if route.plan.python {
            self.python(&route.target)?;
        }
        self.workflows(route)
    }

    fn mirror(&self, url: &str, commit: &comfydock_core::digest::CommitId, what: &str) -> Result<Mirror, Error> {
        let mirror = Mirror::open(&self.workspace.cache("git"), url)?;
        if !mirror.has(commit)? {
            self.context.reporter.step(format!("Fetching {what} from {}", without_credentials(url)));
            mirror.ensure(commit)?;
        }
        Ok(mirror)
    }

    fn comfyui(&mut self, step: &ComfyuiStep) -> Result<(), Error> {
        let mirror = self.mirror(&step.url, &step.commit, &format!("ComfyUI {}", step.version))?;
        let target = self.environment.comfyui();
        let staged = self.transaction.stage_for(self.environment.root())?.join("ComfyUI");
        mirror.check_out(&step.commit, &staged)?;
        if !step.replaces {
            return self.put(&staged, &target);
        }
        // The user's folders stay; everything git tracks at the top is exchanged entry by entry.
        const STAY: &[&str] = &["custom_nodes", "user", "models", "input", "output"];
        let own_work = checkout::has_own_work(&target, None)?;
        let (old, mut new) = (checkout::top_level(&target)?, checkout::top_level(&staged)?);
        // What is carried may lie in a folder that the new version does not have.
        new.extend(self.carry_over(&target, &staged, STAY)?);
        new.sort();
        new.dedup();
        for name in old.iter().map(String::as_str).filter(|name| !STAY.contains(name)) {
            if target.join(name).symlink_metadata().is_ok() {
                self.transaction.discard(&target.join(name))?;
            }
        }
        if own_work {
            self.retire(&target.join(".git"))?;
        } else {
            self.transaction.discard(&target.join(".git"))?;
        }
        self.transaction.rename(&staged.join(".git"), &target.join(".git"))?;
        for name in new.iter().map(String::as_str).filter(|name| !STAY.contains(name)) {
            // A file of the user's that the new version has under the same name.
            if !old.iter().any(|known| known == name) && target.join(name).symlink_metadata().is_ok() {
                self.retire(&target.join(name))?;
            }
            self.transaction.rename(&staged.join(name), &target.join(name))?;
        }
        Ok(())
    }

    fn retire(&mut self, path: &Path) -> Result<(), Error> {
        let kept = self.transaction.retire(path)?;
        self.kept.push(kept);
        Ok(())
    }

    /// Moves untracked files of a checkout that is replaced into the one that comes (decision 23);
    /// returns the names at the top that they lie below.
    fn carry_over(&mut self, old: &Path, new: &Path, leave: &[&str]) -> Result<Vec<String>, Error> {
        let mut carried = Vec::new();
        let tracked = checkout::top_level(old)?;
        for path in checkout::untracked(old)? {
            let top = path.split('/').next().unwrap_or(&path);
            let inside = path.contains('/') && tracked.iter().any(|name| name == top);
            if leave.contains(&top)
                || (!inside && !leave.is_empty())
                || path.split('/').any(|part| part == "__pycache__")
                || path.ends_with(".pyc")
            {
                continue;
            }
            if new.join(&path).symlink_metadata().is_ok() {
                self.retire(&old.join(&path))?;
            } else {
                // The folder is made now: what is put in place later must be there to be planned.
                if let Some(parent) = new.join(&path).parent() {
                    file::create_folder(parent)?;
                }
                self.transaction.rename(&old.join(&path), &new.join(&path))?;
                carried.push(top.to_owned());
            }
        }
        Ok(carried)
    }

    fn node(&mut self, step: &NodeStep) -> Result<(), Error> {
        let folder = self.environment.custom_nodes();
        match step {
            NodeStep::Add(node) => {
                let staged = self.stage_node(node)?;
                self.put(&staged, &folder.join(node.name.as_str()))
            }
            NodeStep::Replace(node) => {
                let staged = self.stage_node(node)?;
                let target = folder.join(node.name.as_str());
                let own_work = checkout::has_own_work(&target, None)?;
                self.carry_over(&target, &staged, &[])?;
                if own_work {
                    self.retire(&target)?;
                } else {
                    self.transaction.discard(&target)?;
                }
                self.transaction.rename(&staged, &target)
            }
            NodeStep::Remove(name) => self.retire(&folder.join(name)),
        }
    }

    fn stage_node(&mut self, node: &Node) -> Result<PathBuf, Error> {
        let (Some(url), Some(commit)) = (&node.repository, &node.commit) else {
            return Err(Error::refused(
                format!("node pack `{}` has no repository and commit", node.name),
                "it cannot be rebuilt; ask whoever made the environment to publish it",
            ));
        };
        let mirror = self.mirror(url, commit, node.name.as_str())?;
        let stage = if self.fresh {
            self.transaction.stage()
        } else {
            self.transaction.stage_for(&self.environment.custom_nodes())?
        };
        let staged = stage.join("nodes").join(node.name.as_str());
        file::create_folder(&stage.join("nodes"))?;
        mirror.check_out(commit, &staged)?;
        Ok(staged)
    }

    fn python(&mut self, target: &Committed) -> Result<(), Error> {
        let project = self.transaction.stage().join("project");
        file::create_folder(&project)?;
        file::write(&project.join(foreign::MANIFEST), target.manifest_text.as_bytes())?;
        let lock = target.files.get(foreign::PYTHON_LOCK).ok_or_else(|| {
            Error::refused("the environment has no uv.lock", "whoever made it can add one with `comfydock commit`; without it nothing says which packages belong to it")
        })?;
        file::write(&project.join(foreign::PYTHON_LOCK), lock)?;
        let python_version = &target.manifest.environment.python_version;
        let id = generation_of(target, self.environment)?;
        let uv = Uv::find(self.workspace, self.context.network.offline, self.context.reporter)?;
        self.context.reporter.step("Installing Python packages");
        if self.fresh {
            file::create_folder(&self.environment.home().join("venvs"))?;
            let machine = Machine::load(self.environment)?;
            python::build(&uv, &project, &self.environment.generation_folder(&id), python_version, &machine)?;
            return python::write_switch(
                &self.environment.home().join("current.json"),
                &self.environment.root().join(".venv"),
                &id,
            );
        }
        python::switch(self.transaction, self.environment, &uv, &project, python_version, &id)
    }

    fn workflows(&mut self, route: &Route) -> Result<(), Error> {
        let folder = self.environment.workflows();
        if self.fresh {
            file::create_folder(&folder)?;
        }
        for (name, step) in &route.plan.workflows {
            let target = self.environment.workflow_file(name);
            match step {
                WorkflowStep::Keep => {}
                WorkflowStep::Remove => {
                    if target.exists() {
                        self.retire(&target)?;
                    }
                }
                WorkflowStep::Write => {
                    let tracked = observe::parse(name, &route.target.workflows[name])?;
                    let text = localise(name, &tracked, &route.target.manifest, &route.models);
                    if std::fs::read_to_string(&target).is_ok_and(|old| old == text) {
                        continue;
                    }
                    if !self.fresh {
                        let seen = self.seen.get(name).map(String::as_str);
                        replace_workflow(self.transaction, self.environment, name, &text, seen)?;
                        continue;
                    }
                    let staged = self.transaction.stage().join("workflows").join(format!("{name}.json"));
                    file::create_folder(staged.parent().unwrap_or(&folder))?;
                    std::fs::write(&staged, text).map_err(file::Error::at("write", &staged))?;
                    self.put(&staged, &target)?;
                }
            }
        }
        Ok(())
    }
}
