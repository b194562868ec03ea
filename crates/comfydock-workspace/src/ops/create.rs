//! `comfydock create`: a new environment.

use std::collections::BTreeMap;

use comfydock_core::manifest::{Document, EnvironmentFacts};
use comfydock_core::name::EnvironmentName;
use comfydock_core::requirements;
use comfydock_core::torch::Choice;
use comfydock_git::checkout::commit_seconds;
use comfydock_git::repository::{BRANCH, NewFile, Repository};
use comfydock_store::file;

use super::relock::Resolver;
use super::{Context, author, seconds_now};
use crate::Error;
use crate::environment::{Environment, GITIGNORE};
use crate::machine::{self, Machine};
use crate::ops::reach::commit_of;
use crate::process::uv::Uv;
use crate::python;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// Where ComfyUI comes from when nothing else is said.
pub const COMFYUI_URL: &str = "https://github.com/comfyanonymous/ComfyUI";

/// What a new environment shall be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name.
    pub name: EnvironmentName,
    /// Major and minor version of Python.
    pub python: String,
    /// A tag, branch or commit of ComfyUI; the newest release without one.
    pub comfyui_version: Option<String>,
    /// A git URL or a local path.
    pub comfyui_url: String,
    /// Whether packages newer than ComfyUI's commit (plus three days) are left out.
    pub exclude_newer: bool,
    /// Which build of torch this machine shall have.
    pub torch: Choice,
    /// Whether it becomes the active environment even if there is one.
    pub activate: bool,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The environment's facts.
    pub facts: EnvironmentFacts,
    /// How many Python packages were locked.
    pub packages: usize,
    /// Whether it is the active environment now.
    pub active: bool,
}

/// Refuses a name that is taken.
///
/// # Errors
/// When the folder exists.
pub fn check_free(workspace: &Workspace, name: &EnvironmentName) -> Result<(), Error> {
    let folder = workspace.environment_folder(name);
    if folder.symlink_metadata().is_ok() {
        return Err(Error::refused(format!("there is an environment `{name}` already"), "choose another name"));
    }
    Ok(())
}

/// Makes an environment with one commit.
///
/// # Errors
/// When ComfyUI or a package cannot be had; nothing is left behind then.
pub fn create(workspace: &mut Workspace, options: &Options, context: &Context<'_>) -> Result<Outcome, Error> {
    check_free(workspace, &options.name)?;
    let uv = Uv::find(workspace, context.network.offline, context.reporter)?;
    let url = comfyui_location(&options.comfyui_url);
    let reporter = context.reporter;
    let wanted = (options.comfyui_version.as_deref(), true);
    let (mirror, resolved) = commit_of(workspace, &url, wanted, "ComfyUI", context)?;
    let transaction = Transaction::begin(&workspace.home())?;
    let environment = Environment::at(options.name.clone(), transaction.stage().join("environment"));
    mirror.check_out(&resolved.commit, &environment.comfyui())?;
    environment.furnish()?;
    let machine = machine::choose(&options.torch, reporter);
    if machine != Machine::default() {
        machine.save(&environment)?;
    }
    file::create_folder(&environment.workflows())?;
    let facts = EnvironmentFacts {
        comfyui_version: resolved.requested,
        comfyui_commit: resolved.commit.clone(),
        comfyui_url: url,
        python_version: options.python.clone(),
        platforms: vec![python::platform()],
    };
    let newest = if options.exclude_newer {
        Some(days_after(commit_seconds(&environment.comfyui(), &resolved.commit)?, 3))
    } else {
        None
    };
    let mut document = Document::new(&facts, newest.as_deref());
    let asked = core_requirements(&environment, context)?;
    document.set_dependencies(&asked);
    reporter.step(format!("Locking {} Python requirements", asked.len()));
    let resolver = Resolver {
        uv: &uv,
        folder: &transaction.stage().join("project"),
        python: &options.python,
        accepted: &[],
        reporter,
    };
    let lock = resolver.resolve(&mut document, None, true).map_err(|unresolved| unresolved.error)?;
    file::write(&environment.cec().join("pyproject.toml"), document.text().as_bytes())?;
    file::write(&environment.cec().join("uv.lock"), &lock)?;
    let id = python::generation_id(&lock, &options.python, &machine);
    reporter.step("Installing Python packages");
    python::build(&uv, &environment.cec(), &environment.generation_folder(&id), &options.python, &machine)?;
    python::write_switch(&environment.home().join("current.json"), &environment.root().join(".venv"), &id)?;
    file::write(&environment.cec().join(".python-version"), format!("{}\n", options.python).as_bytes())?;
    file::write(&environment.cec().join(".gitignore"), GITIGNORE.as_bytes())?;
    let repository = Repository::init(&environment.cec())?;
    let mut files = BTreeMap::new();
    for name in ["pyproject.toml", "uv.lock", ".python-version", ".gitignore"] {
        files.insert(name, file::read(&environment.cec().join(name))?);
    }
    let files: Vec<NewFile> = files.into_iter().map(|(path, bytes)| NewFile { path: path.to_owned(), bytes }).collect();
    let message = format!("Create environment with ComfyUI {}", facts.comfyui_version);
    let commit = repository.write_commit(&files, None, &message, &author(context), seconds_now())?;
    repository.update_ref(BRANCH, None, &commit, &message)?;
    repository.rebuild_index()?;
    let active = put_in_place(workspace, transaction, &environment, &options.name, options.activate)?;
    Ok(Outcome { facts, packages: packages(&lock), active })
}

/// The last step of `create` and `clone`: the prepared folder gets its name, and the workspace
/// notes which environment is active, in one transaction. Returns whether it is this one.
///
/// # Errors
/// When the name was taken meanwhile.
pub fn put_in_place(
    workspace: &mut Workspace,
    transaction: Transaction,
    prepared: &Environment,
    name: &EnvironmentName,
    activate: bool,
) -> Result<bool, Error> {
    put_in_place_with(workspace, transaction, prepared, name, activate, |_| {})
}

/// As [`put_in_place`], with other changes of the workspace's settings in the same transaction.
///
/// # Errors
/// As [`put_in_place`].
pub fn put_in_place_with(
    workspace: &mut Workspace,
    mut transaction: Transaction,
    prepared: &Environment,
    name: &EnvironmentName,
    activate: bool,
    change: impl FnOnce(&mut Workspace),
) -> Result<bool, Error> {
    check_free(workspace, name)?;
    transaction.rename(prepared.root(), &workspace.environment_folder(name))?;
    let _lock = workspace.refresh()?;
    change(workspace);
    let active = activate || workspace.settings.active_environment.is_none();
    if active {
        workspace.settings.active_environment = Some(name.clone());
    }
    let settings = transaction.stage().join("workspace.json");
    file::write(&settings, &workspace.settings_text())?;
    transaction.rename(&settings, &workspace.settings_path())?;
    transaction.commit()?;
    Ok(active)
}

/// A local path is made absolute, so that it means the same from everywhere.
pub fn comfyui_location(given: &str) -> String {
    let path = std::path::Path::new(given);
    if given.contains("://") || !path.exists() {
        return given.to_owned();
    }
    path.canonicalize().map_or_else(|_| given.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// ComfyUI's own requirements; lines that cannot be taken are said. Its `pyproject.toml` lists none.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn core_requirements(environment: &Environment, context: &Context<'_>) -> Result<Vec<String>, Error> {
    let path = environment.comfyui().join(requirements::FILE);
    let bytes = if path.exists() { file::read(&path)? } else { Vec::new() };
    let found = requirements::parse(&bytes);
    super::requirements::say("ComfyUI", &found, context.reporter);
    Ok(found.lines)
}

/// The time so many days after a commit's, RFC 3339 in UTC.
pub fn days_after(seconds: i64, days: i64) -> String {
    let later = seconds.saturating_add(days * 24 * 60 * 60);
    jiff::Timestamp::from_second(later).map(|time| time.to_string()).unwrap_or_default()
}

/// How many packages a lock holds, the environment's own project not counted.
pub(super) fn packages(lock: &[u8]) -> usize {
    String::from_utf8_lossy(lock).lines().filter(|line| *line == "[[package]]").count().saturating_sub(1)
}
