//! Node packs that have no repository anyone can reach: their source as a commit in the environment's
//! own history, under `refs/comfydock/nodes/NAME/COMMIT` (decision 24).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use comfydock_core::digest::CommitId;
use comfydock_core::foreign::{FILE_LIMIT, judge_entries};
use comfydock_core::name::NodeName;
use comfydock_core::path::TreePath;
use comfydock_git::objects::{Entry, Mode};
use comfydock_git::repository::{Author, NewFile, Repository};
use comfydock_store::file;

use crate::Error;
use crate::environment::Environment;

/// Where snapshots are kept.
pub const REFS: &str = "refs/comfydock/nodes/";

/// A pack's source, kept.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The commit that holds it.
    pub commit: CommitId,
    /// Files that are not in it, with the reason.
    pub left_out: Vec<(String, &'static str)>,
}

/// The reference of a snapshot.
pub fn reference(name: &NodeName, commit: &CommitId) -> String {
    format!("{REFS}{name}/{commit}")
}

/// The commit that a pack's folder makes as it is; nothing is written. The same files give the same
/// commit, so nothing changes where nothing changed.
///
/// # Errors
/// When a file cannot be read.
pub fn look(environment: &Environment, name: &NodeName) -> Result<Snapshot, Error> {
    made(environment, &environment.repository()?.in_memory()?, name)
}

/// Writes a pack's folder into the history.
///
/// # Errors
/// When a file cannot be read or written.
pub fn take(environment: &Environment, name: &NodeName) -> Result<Snapshot, Error> {
    let repository = environment.repository()?;
    let snapshot = made(environment, &repository, name)?;
    let reference = reference(name, &snapshot.commit);
    if repository.find_ref(&reference)?.is_none() {
        repository.update_ref(&reference, None, &snapshot.commit, "snapshot")?;
    }
    Ok(snapshot)
}

fn made(environment: &Environment, repository: &Repository, name: &NodeName) -> Result<Snapshot, Error> {
    let mut files = Vec::new();
    let mut left_out = Vec::new();
    gather(&environment.custom_nodes().join(name.as_str()), "", &mut files, &mut left_out)?;
    let author = Author { name: "comfydock".to_owned(), email: "comfydock@localhost".to_owned() };
    // No clock and no person: the commit stands for its files alone.
    let commit = repository.write_commit(&files, None, &format!("Source of node pack {name}"), &author, 0)?;
    Ok(Snapshot { commit, left_out })
}

fn gather(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<NewFile>,
    left_out: &mut Vec<(String, &'static str)>,
) -> Result<(), Error> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for entry in listed.map_err(file::Error::at("read", folder))? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(file::Error::at("inspect", &entry.path()))?;
        if matches!(name.as_str(), ".git" | "__pycache__" | ".venv" | "node_modules" | ".mypy_cache" | ".pytest_cache")
            || path.ends_with(".pyc")
        {
        } else if kind.is_symlink() {
            left_out.push((path, "it is a symbolic link"));
        } else if kind.is_dir() {
            gather(&entry.path(), &format!("{path}/"), files, left_out)?;
        } else if TreePath::parse(&path).is_err() {
            left_out.push((path, "its name cannot be had on every system"));
        } else if entry.metadata().is_ok_and(|about| about.len() > FILE_LIMIT) {
            left_out.push((path, "it is too large for a history"));
        } else {
            files.push(NewFile { path, bytes: file::read(&entry.path())? });
        }
    }
    Ok(())
}

/// The files of a pack's snapshot.
///
/// # Errors
/// When the snapshot is not here, or breaks a rule for trees from outside.
pub fn find(environment: &Environment, name: &str, commit: &CommitId) -> Result<Vec<Entry>, Error> {
    let objects = environment.repository()?.objects()?;
    let missing = |_| {
        Error::refused(
            format!("the source of node pack `{name}` is not in this history"),
            "whoever made the environment has to push again: its source travels beside the history",
        )
    };
    let entries = objects.tree(commit.as_str()).map_err(missing)?;
    let violations = judge_entries(&objects.foreign(&entries)?);
    if !violations.is_empty() {
        return Err(Error::Refused {
            message: format!("the source of node pack `{name}` is refused"),
            details: violations.iter().map(ToString::to_string).collect(),
            hint: None,
        });
    }
    Ok(entries)
}

/// Writes the files of a snapshot into a new folder.
///
/// # Errors
/// When one cannot be read or written.
pub fn restore(environment: &Environment, entries: &[Entry], folder: &Path) -> Result<(), Error> {
    let objects = environment.repository()?.objects()?;
    file::create_folder(folder)?;
    for entry in entries {
        let path = folder.join(String::from_utf8_lossy(&entry.path).as_ref());
        if let Some(parent) = path.parent() {
            file::create_folder(parent)?;
        }
        fs::write(&path, objects.blob(&entry.id)?).map_err(file::Error::at("write", &path))?;
        if entry.mode == Mode::Executable {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&path, mode).map_err(file::Error::at("write", &path))?;
        }
    }
    Ok(())
}
