//! `comfydock gc`: what nobody needs any more, and how much of the disk it is (decision 81).
//!
//! What any version of any environment names is needed: going back works without a network.

mod caches;
mod named;
mod size;
mod trash;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use comfydock_core::name::EnvironmentName;
use comfydock_store::file;
use comfydock_store::lock::Lock;

pub use size::freed_by;

use self::named::Named;
use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::packs::Store;
use crate::process::uv::Uv;
use crate::workspace::Workspace;

/// How a folder is called while it is removed: half of it must not be taken for the whole.
const GONE: &str = ".gone-";

/// What a thing was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Kept for its owner after a command took it away.
    Trash,
    /// A venv that is not in force.
    Generation,
    /// A mirror of a repository.
    Mirror,
    /// A node pack of the registry, unpacked.
    Pack,
    /// What a build of torch resolved to.
    Backend,
    /// A lock that was resolved once.
    Resolution,
    /// What a site or the registry answered.
    Answer,
    /// What was being made or removed when a process died.
    Leftover,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trash => "trash",
            Self::Generation => "packages",
            Self::Mirror => "mirror",
            Self::Pack => "pack",
            Self::Backend => "torch",
            Self::Resolution => "lock",
            Self::Answer => "answer",
            Self::Leftover => "leftover",
        }
    }
}

/// One thing that can go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it was for.
    pub kind: Kind,
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of the disk that its removal frees.
    pub bytes: u64,
    /// What it is, for a person.
    pub about: String,
    /// Whose it is, if it belongs to an environment.
    environment: Option<EnvironmentName>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What can go.
    pub items: Vec<Item>,
    /// Why some things were not looked for.
    pub kept: Vec<String>,
}

impl Found {
    /// Bytes of the disk that the removal of everything frees.
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.bytes).sum()
    }
}

/// What went.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How many things.
    pub removed: usize,
    /// Bytes of the disk that are free now.
    pub bytes: u64,
    /// What stayed, and why.
    pub kept: Vec<String>,
}

/// Looks for what nobody needs and what has been so for at least `age`.
///
/// # Errors
/// When the environments cannot be listed.
pub fn find(workspace: &Workspace, age: Duration) -> Result<Found, Error> {
    let look = Look { workspace, before: SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH) };
    let mut found = Found::default();
    for name in workspace.environments()? {
        look.environment(&Environment::at(name.clone(), workspace.environment_folder(&name)), &mut found);
    }
    look.workspace_trash(&mut found);
    match Named::of(workspace) {
        Ok(named) => look.named_caches(&named, &mut found),
        Err((place, error)) => found.kept.push(format!(
            "mirrors, kept packs and builds of torch: what `{}` needs cannot be told: {error}",
            place.display()
        )),
    }
    look.other_caches(&mut found);
    look.leftovers(&mut found);
    found.items.sort_by(|one, other| (one.kind, &one.path).cmp(&(other.kind, &other.path)));
    // Two environments may have folders on one other disk.
    found.items.dedup_by(|one, other| one.path == other.path);
    Ok(found)
}

/// Trash and old venvs of an environment, and the workspace's trash, of any age.
pub(crate) fn of_environment(workspace: &Workspace, environment: &Environment) -> Vec<Item> {
    let look = Look { workspace, before: SystemTime::now() };
    let mut found = Found::default();
    look.environment(environment, &mut found);
    look.workspace_trash(&mut found);
    found.items
}

/// Removes what was found. What is in use by now stays, and is said.
///
/// # Errors
/// When something cannot be removed; what was removed before stays so.
pub fn prune(workspace: &Workspace, found: &Found) -> Result<Outcome, Error> {
    let mut outcome = Outcome { kept: found.kept.clone(), ..Outcome::default() };
    for item in &found.items {
        match hold(workspace, item) {
            Ok(_locks) => {
                remove(&item.path)?;
                outcome.removed += 1;
                outcome.bytes += item.bytes;
            }
            Err(error) => outcome.kept.push(format!("{}: {error}", item.path.display())),
        }
    }
    Ok(outcome)
}

/// Lets uv remove what it keeps for nobody.
///
/// # Errors
/// When there is no uv, or it fails.
pub fn prune_uv(workspace: &Workspace, context: &Context<'_>) -> Result<(), Error> {
    Ok(Uv::find(workspace, context.network.offline, context.reporter)?.prune_cache()?)
}

/// Keeps others from using a thing while it goes.
fn hold(workspace: &Workspace, item: &Item) -> Result<Vec<Lock>, Error> {
    let mut locks = Vec::new();
    if let Some(name) = &item.environment {
        let environment = Environment::at(name.clone(), workspace.environment_folder(name));
        locks.push(environment.lock()?);
        if item.kind == Kind::Generation {
            locks.push(environment.keep_from_running("its Python packages")?);
        }
    }
    if matches!(item.kind, Kind::Mirror | Kind::Backend | Kind::Leftover) {
        refuse_while_changing(workspace)?;
    }
    if item.kind == Kind::Pack {
        locks.extend(Store::open(workspace).lock_entry(&item.path)?);
    }
    Ok(locks)
}

/// What is being made may need what no manifest names yet.
fn refuse_while_changing(workspace: &Workspace) -> Result<(), Error> {
    let environments = workspace.environments()?;
    let homes = environments.iter().map(|name| workspace.environment_folder(name).join(".comfydock"));
    for home in homes.chain([workspace.home()]) {
        for entry in std::fs::read_dir(home.join("txn")).into_iter().flatten().flatten() {
            let is_lock = entry.path().extension().is_some_and(|kind| kind == "lock");
            if is_lock && Lock::try_exclusive(&entry.path())?.is_none() {
                return Err(Error::refused("another comfydock is making a change", "wait until it has ended"));
            }
        }
    }
    Ok(())
}

/// Removes a file or folder; a folder first loses the name under which others look for it.
fn remove(path: &Path) -> Result<(), Error> {
    let is_folder = path.symlink_metadata().is_ok_and(|about| about.is_dir());
    let is_gone = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(GONE));
    if !is_folder || is_gone {
        return Ok(file::remove(path)?);
    }
    let id = ulid::Ulid::generate().to_string().to_lowercase();
    let gone = path.with_file_name(format!("{GONE}{id}"));
    std::fs::rename(path, &gone).map_err(file::Error::at("remove", path))?;
    Ok(file::remove(&gone)?)
}

/// One look.
struct Look<'a> {
    workspace: &'a Workspace,
    /// Only what is older.
    before: SystemTime,
}

impl Look<'_> {
    fn item(&self, kind: Kind, path: PathBuf, about: impl Into<String>, whose: Option<&Environment>) -> Item {
        let bytes = freed_by(&path);
        Item { kind, path, bytes, about: about.into(), environment: whose.map(|whose| whose.name().clone()) }
    }

    /// Whether it was last changed long enough ago. What cannot be told is young.
    fn is_old(&self, path: &Path) -> bool {
        let changed = path.symlink_metadata().and_then(|about| about.modified());
        changed.is_ok_and(|changed| changed <= self.before)
    }
}

/// What lies in a folder; nothing where there is none.
fn entries(folder: &Path) -> impl Iterator<Item = (PathBuf, String)> + use<> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten();
    listed.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned()))
}
