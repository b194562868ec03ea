//! `comfydock delete`: an environment goes to the workspace's trash, by one rename (decision 81).

use std::path::{Path, PathBuf};

use comfydock_core::category;
use comfydock_core::digest::CommitId;
use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::name::EnvironmentName;
use comfydock_core::plan::commit::{Change, plural};
use comfydock_git::checkout;
use comfydock_store::file;
use comfydock_store::lock::Lock;

use super::{Context, status};
use crate::Error;
use crate::environment::Environment;
use crate::observe::packs::{self, DISABLED};
use crate::snapshot;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// An environment that is about to go.
#[derive(Debug)]
pub struct Draft {
    name: EnvironmentName,
    folder: PathBuf,
    /// N of `vN`, where it can be told.
    pub version: Option<usize>,
    /// Work that is in no commit, or in none that a remote has, a line each.
    pub work: Vec<String>,
    /// Model files in ComfyUI's own folder, as paths below it.
    pub models: Vec<String>,
    /// How many files lie in ComfyUI's `input` and `output`.
    pub pictures: [usize; 2],
    /// Nobody else may change or start it meanwhile.
    _locks: Vec<Lock>,
}

/// An environment that went.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Where it is kept.
    pub kept: PathBuf,
    /// Where it was; moved back there, it is an environment again.
    pub was: PathBuf,
    /// Whether it was the active one. None is active now.
    pub was_active: bool,
}

/// Looks at what would go. An environment too damaged to be looked at is work that nobody can judge.
///
/// # Errors
/// When there is no such environment, ComfyUI runs in it, or another comfydock changes it.
pub fn draft(workspace: &Workspace, name: &EnvironmentName, context: &Context<'_>) -> Result<Draft, Error> {
    let folder = workspace.environment_folder(name);
    let mut draft = Draft {
        name: name.clone(),
        folder: folder.clone(),
        version: None,
        work: Vec::new(),
        models: Vec::new(),
        pictures: [0, 0],
        _locks: Vec::new(),
    };
    let environment = match workspace.environment(Some(name)) {
        Ok(environment) => environment,
        Err(error) if !folder.join(".cec").is_dir() => return Err(error),
        Err(error) => {
            draft.work.push(format!("it cannot be opened: {error}"));
            Environment::at(name.clone(), folder)
        }
    };
    // Held by a running ComfyUI, and by whoever changes it.
    draft._locks = vec![environment.keep_from_running("it")?, environment.lock()?];
    match status::status(workspace, &environment, context) {
        Ok(status) => {
            draft.version = Some(status.version);
            draft.work.extend(uncommitted(&status));
            draft.work.extend(unpushed(&environment, &status)?);
        }
        Err(error) => draft.work.push(format!("what changed in it cannot be told: {error}")),
    }
    draft.work.extend(in_packs(&environment));
    own_models(&environment.own_models(), "", &mut draft.models);
    draft.models.sort();
    draft.pictures = ["input", "output"].map(|folder| count_files(&environment.comfyui().join(folder)));
    Ok(draft)
}

/// Puts it into the trash; the workspace forgets in the same transaction that it was active.
///
/// # Errors
/// When it cannot be moved; nothing has changed then.
pub fn apply(workspace: &mut Workspace, draft: Draft) -> Result<Outcome, Error> {
    let mut transaction = Transaction::begin(&workspace.home())?;
    let kept = transaction.retire(&draft.folder)?;
    let _settings = workspace.refresh()?;
    let was_active = workspace.settings.active_environment.as_ref() == Some(&draft.name);
    if was_active {
        workspace.settings.active_environment = None;
        let settings = transaction.stage().join("workspace.json");
        file::write(&settings, &workspace.settings_text())?;
        transaction.rename(&settings, &workspace.settings_path())?;
    }
    transaction.commit()?;
    Ok(Outcome { kept, was: draft.folder, was_active })
}

fn uncommitted(status: &status::Status) -> Vec<String> {
    let changed = |(name, change): (&String, &Change)| match change {
        Change::New => Some(format!("workflow {name} is not committed")),
        Change::Models => None,
        _ => Some(format!("workflow {name} has changes that are not committed")),
    };
    let mut work: Vec<String> = status.changes.iter().filter_map(changed).collect();
    work.extend(status.others.iter().map(|other| format!("{other} is not committed")));
    work.extend(status.adoptable.iter().map(|(pack, _)| format!("node pack {pack} is not committed")));
    work.extend(status.duplicate_packs.iter().map(|pack| format!("node pack {} is not committed", pack.name)));
    work.extend(
        status
            .modified_packs
            .iter()
            .map(|(pack, files)| format!("node pack {pack} has changed files: {}", files.join(", "))),
    );
    work.extend(status.unknown_folders.iter().map(|folder| format!("custom_nodes/{folder} is nowhere else")));
    work
}

/// Versions that are on this machine only.
fn unpushed(environment: &Environment, status: &status::Status) -> Result<Option<String>, Error> {
    let versions = |count| plural(count, "version");
    Ok(match status.ahead_behind {
        Some((0, _)) => None,
        Some((ahead, _)) => Some(format!("{} {} not pushed", versions(ahead), if ahead == 1 { "is" } else { "are" })),
        None if comfydock_git::remote::list(&environment.cec())?.is_empty() => {
            Some(format!("it has no remote: its {} nowhere else", are(status.version)))
        }
        None => Some(format!("it was never pushed: its {} nowhere else", are(status.version))),
    })
}

fn are(versions: usize) -> String {
    if versions == 1 { "1 version is".to_owned() } else { format!("{versions} versions are") }
}

/// Work inside node packs and ComfyUI that git knows of and no remote has. What cannot be looked at is
/// not named twice: `status` has said so.
fn in_packs(environment: &Environment) -> Vec<String> {
    let mut work = Vec::new();
    let manifest = environment.manifest().ok().and_then(|document| document.manifest().ok());
    let nodes: Vec<Node> = manifest.into_iter().flat_map(|manifest| manifest.nodes.into_values()).collect();
    let known = |name: &str| nodes.iter().find(|node| node.name.as_str() == name);
    // A commit that the manifest names was had from its repository, unless its files were sent along; all others
    // may be somebody's work.
    let repository = environment.repository().ok();
    let was_sent = |node: &Node, commit: &CommitId| {
        let reference = snapshot::reference(&node.name, commit);
        repository.as_ref().is_some_and(|repository| matches!(repository.find_ref(&reference), Ok(Some(_))))
    };
    let has_own_work = |folder: &Path, name: &str| {
        let recorded = known(name).and_then(|node| node.commit.as_ref().filter(|commit| !was_sent(node, commit)));
        folder.join(".git").exists() && checkout::has_own_work(folder, recorded).unwrap_or(true)
    };
    let found = packs::packs(environment).unwrap_or_default();
    for name in found.folders.keys() {
        if known(name).is_some_and(|node| node.source == NodeSource::Development) {
            work.push(format!("node pack {name} is worked on here"));
        } else if has_own_work(&environment.custom_nodes().join(name), name) {
            work.push(format!("node pack {name} has commits that are in no remote"));
        }
    }
    for name in &found.disabled {
        if has_own_work(&packs::disabled_place(environment, name), name) {
            work.push(format!("{name}{DISABLED}, a node pack set aside, has commits that are in no remote"));
        }
    }
    if let Ok(Some(state)) = checkout::inspect(&environment.comfyui())
        && !state.modified.is_empty()
    {
        work.push(format!("ComfyUI has changed files: {}", state.modified.join(", ")));
    }
    work
}

/// Models that were put into ComfyUI's own folder. Links are named too: what they lead to stays.
fn own_models(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            own_models(&entry.path(), &format!("{name}/"), found);
        } else if category::wide_model_extension(&name) {
            found.push(name);
        }
    }
}

fn count_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| if entry.file_type().is_ok_and(|kind| kind.is_dir()) { count_files(&entry.path()) } else { 1 })
        .sum()
}
