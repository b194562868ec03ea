//! `comfydock create --from` and `init --from`: an environment that is like an installation
//! (decision 79). The installation is read and copied from; nothing of it changes.

use std::path::PathBuf;

use comfydock_core::adoption::{Left, WantedModel};
use comfydock_core::manifest::{Document, EnvironmentFacts, NodeSource};
use comfydock_core::name::EnvironmentName;
use comfydock_core::plan::adopt_install::{How, Plan, Wish, plan};
use comfydock_core::torch::Choice;
use comfydock_git::checkout::commit_seconds;
use comfydock_git::program::without_credentials;
use comfydock_git::repository::{BRANCH, NewFile, Repository};
use comfydock_store::file;

use super::create::{COMFYUI_URL, check_free, core_requirements, days_after, put_in_place_with};
use super::elsewhere;
use super::fetch_models::Report;
use super::relock::Resolver;
use super::{Context, author, requirements, seconds_now};
use crate::Error;
use crate::adoption::copy::copy_some;
use crate::environment::{Environment, GITIGNORE};
use crate::machine::{self, Machine};
use crate::process::uv::Uv;
use crate::python;
use crate::transaction::Transaction;
use crate::workspace::{Workspace, now};

mod comfyui;
mod lock;
mod models;
mod packs;
mod source;

pub use packs::Taken;
pub use source::{Given, open};

/// What a new environment shall be, beside what is found.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name.
    pub name: EnvironmentName,
    /// Major and minor version of Python; the installation's without one.
    pub python: Option<String>,
    /// The version of Python when nothing says one.
    pub usual_python: String,
    /// A tag, branch or commit of ComfyUI; the installation's without one.
    pub comfyui_version: Option<String>,
    /// A git URL or a local path; the installation's without one.
    pub comfyui_url: Option<String>,
    /// Whether the environment has a date after which packages are left out.
    pub exclude_newer: bool,
    /// Which build of torch this machine shall have.
    pub torch: Choice,
    /// Whether it becomes the active environment even if there is one.
    pub activate: bool,
}

/// What was found, and what is to be made of it.
pub struct Draft {
    given: Given,
    plan: Plan,
    /// Places of code that this machine has not taken code from yet (decision 20).
    new_origins: Vec<String>,
}

impl Draft {
    /// What was found.
    pub fn given(&self) -> &Given {
        &self.given
    }

    /// What is to be made of it.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Places of code that are new to this machine; what is installed on it is known to it.
    pub fn new_origins(&self) -> &[String] {
        &self.new_origins
    }
}

/// Plans what is taken over. Nothing is written.
///
/// # Errors
/// When the name is taken or the environments here cannot be read.
pub fn draft(workspace: &Workspace, given: Given, options: &Options) -> Result<Draft, Error> {
    check_free(workspace, &options.name)?;
    let wish = Wish {
        comfyui_url: options.comfyui_url.clone().unwrap_or_else(|| COMFYUI_URL.to_owned()),
        url_is_chosen: options.comfyui_url.is_some(),
        comfyui_version: options.comfyui_version.clone(),
        python: options.python.clone(),
        usual_python: options.usual_python.clone(),
    };
    let plan = plan(&given.found, &wish);
    let mut new_origins = Vec::new();
    if !given.is_installed {
        let known = super::reach::known_origins(workspace)?;
        let of_packs = plan.packs.iter().filter_map(|step| match &step.how {
            How::Git { url, .. } => Some(without_credentials(url)),
            How::Registry { id, .. } => Some(format!("{}{id}", comfydock_core::manifest::REGISTRY_ORIGIN)),
            How::Copy { .. } => None,
        });
        let usual = (plan.comfyui.url != COMFYUI_URL && !wish.url_is_chosen).then(|| plan.comfyui.url.clone());
        new_origins = usual.into_iter().chain(of_packs).filter(|origin| !known.contains(origin)).collect();
        new_origins.sort();
        new_origins.dedup();
    }
    Ok(Draft { given, plan, new_origins })
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The environment's facts.
    pub facts: EnvironmentFacts,
    /// Node packs.
    pub packs: Vec<Taken>,
    /// How many workflows were copied.
    pub workflows: usize,
    /// Models folders, and files that name such, that are the workspace's now.
    pub model_places: Vec<PathBuf>,
    /// Models that were wanted by hash.
    pub models: Vec<Report>,
    /// How many Python packages were locked.
    pub packages: usize,
    /// How many of the installed versions the first lock was held to.
    pub held: usize,
    /// What stays behind or is not quite the same.
    pub left: Vec<Left>,
    /// Whether it is the active environment now.
    pub active: bool,
}

/// Builds the environment: one transaction for everything but models that are to be downloaded.
///
/// # Errors
/// When ComfyUI, Python or its packages cannot be had; nothing is left behind then.
pub fn apply(
    workspace: &mut Workspace,
    draft: Draft,
    options: &Options,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let Draft { given, mut plan, .. } = draft;
    let mut left = std::mem::take(&mut plan.left);
    let uv = Uv::find(workspace, context.network.offline, context.reporter)?;
    let source = comfyui::find(workspace, &plan.comfyui, &mut left, context)?;
    let transaction = Transaction::begin(&workspace.home())?;
    let environment = Environment::at(options.name.clone(), transaction.stage().join("environment"));
    source.mirror.check_out(&source.resolved.commit, &environment.comfyui())?;
    environment.furnish()?;
    let machine = machine::choose(&options.torch, context.reporter);
    if machine != Machine::default() {
        machine.save(&environment)?;
    }
    let taking = packs::Taking { workspace, environment: &environment, context };
    let mut taken = taking.all(&plan.packs, &mut left)?;
    taken.extend(taking.files(&plan.files)?);
    let workflows = copy_user_files(&environment, &given)?;
    let facts = EnvironmentFacts {
        comfyui_version: source.resolved.requested.clone(),
        comfyui_commit: source.resolved.commit.clone(),
        comfyui_url: source.url.clone(),
        python_version: plan.python.clone(),
        platforms: vec![python::platform()],
    };
    let newest = match (options.exclude_newer, plan.constraints.is_empty()) {
        (false, _) => None,
        // What is installed may be newer than ComfyUI's commit: it was there, so it counts.
        (true, false) => Some(now()),
        (true, true) => Some(days_after(commit_seconds(&environment.comfyui(), &source.resolved.commit)?, 3)),
    };
    let mut document = Document::new(&facts, newest.as_deref());
    document.set_dependencies(&core_requirements(&environment, context)?);
    for pack in &mut taken {
        record(&environment, &mut document, pack, &mut left, context);
    }
    let resolver = Resolver {
        uv: &uv,
        folder: &transaction.stage().join("project"),
        python: &plan.python,
        accepted: &[],
        reporter: context.reporter,
    };
    context.reporter.step(format!("Locking Python packages at {} installed versions", plan.constraints.len()));
    let lock = lock::first_lock(&resolver, &mut document, &mut plan.constraints, &mut left)?;
    lock::differences(&lock, &given.found.packages, &plan.constraints, &mut left);
    build(&uv, &environment, &document, &lock, &facts, &machine, context)?;
    write_history(&environment, &facts, context)?;
    let mut model_places = Vec::new();
    let active =
        put_in_place_with(workspace, transaction, &environment, &options.name, options.activate, |workspace| {
            model_places = models::register(workspace, &given.models, &mut left);
        })?;
    // The environment is there; what goes wrong with models now is told and costs nothing else.
    let models = bring_models(workspace, &options.name, &plan.models, context).unwrap_or_else(|error| {
        left.push(Left::new("the models that are wanted by hash", error.to_string()));
        Vec::new()
    });
    left.sort();
    left.dedup();
    Ok(Outcome {
        facts,
        packs: taken,
        workflows,
        model_places,
        models,
        packages: super::create::packages(&lock),
        held: plan.constraints.len(),
        left,
        active,
    })
}

fn bring_models(
    workspace: &Workspace,
    name: &EnvironmentName,
    wanted: &[WantedModel],
    context: &Context<'_>,
) -> Result<Vec<Report>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let environment = workspace.environment(Some(name))?;
    let steps = models::steps(workspace, &environment, wanted, context)?;
    elsewhere::fetch(workspace, Some(&environment), steps, None, context)
}

/// Records a pack with what it asks of Python.
fn record(
    environment: &Environment,
    document: &mut Document,
    pack: &mut Taken,
    left: &mut Vec<Left>,
    context: &Context<'_>,
) {
    let folder = environment.custom_nodes().join(pack.node.name.as_str());
    let found = if pack.is_here { requirements::of_folder(&folder) } else { Default::default() };
    requirements::say(pack.node.name.as_str(), &found, context.reporter);
    if !found.lines.is_empty() {
        let group = pack.node.name.group();
        document.set_group(&group, &found.lines);
        pack.node.group = Some(group);
        pack.node.requirements_sha256 = requirements::identity(&found.lines);
    }
    document.set_node(&pack.node);
    if pack.is_here && pack.node.source != NodeSource::Development && folder.join("install.py").is_file() {
        left.push(Left::new(
            format!("`install.py` of node pack `{}`", pack.node.name),
            "it was not run; what it put into the old folder may be missing",
        ));
    }
}

/// Copies workflows and settings; returns how many workflows.
fn copy_user_files(environment: &Environment, given: &Given) -> Result<usize, Error> {
    file::create_folder(&environment.workflows())?;
    let to = environment.comfyui().join("user/default");
    let (from, paths) = &given.user;
    let copied = if paths.is_empty() { Vec::new() } else { copy_some(from, &to, paths)? };
    for (name, bytes) in &given.workflows {
        file::write(&environment.workflows().join(name), bytes)?;
    }
    Ok(given.workflows.len() + copied.iter().filter(|path| path.starts_with("workflows/")).count())
}

fn build(
    uv: &Uv<'_>,
    environment: &Environment,
    document: &Document,
    lock: &[u8],
    facts: &EnvironmentFacts,
    machine: &Machine,
    context: &Context<'_>,
) -> Result<(), Error> {
    let cec = environment.cec();
    file::write(&cec.join("pyproject.toml"), document.text().as_bytes())?;
    file::write(&cec.join("uv.lock"), lock)?;
    file::write(&cec.join(".python-version"), format!("{}\n", facts.python_version).as_bytes())?;
    file::write(&cec.join(".gitignore"), GITIGNORE.as_bytes())?;
    let id = python::generation_id(lock, &facts.python_version, machine);
    context.reporter.step("Installing Python packages");
    python::build(uv, &cec, &environment.generation_folder(&id), &facts.python_version, machine)?;
    python::write_switch(&environment.home().join("current.json"), &environment.root().join(".venv"), &id)
}

/// Makes the first commit: code and packages. Workflows and models are committed by their owner, who
/// is asked about what is not clear.
fn write_history(environment: &Environment, facts: &EnvironmentFacts, context: &Context<'_>) -> Result<(), Error> {
    let repository = Repository::init(&environment.cec())?;
    let mut files = Vec::new();
    for name in ["pyproject.toml", "uv.lock", ".python-version", ".gitignore"] {
        files.push(NewFile { path: name.to_owned(), bytes: file::read(&environment.cec().join(name))? });
    }
    let message = format!("Take over an installation with ComfyUI {}", facts.comfyui_version);
    let commit = repository.write_commit(&files, None, &message, &author(context), seconds_now())?;
    repository.update_ref(BRANCH, None, &commit, &message)?;
    Ok(repository.rebuild_index()?)
}
