//! Node packs that others cannot have from a repository: their source as a commit in the environment's
//! own history, under `refs/comfydock/nodes/NAME/COMMIT` (decision 24).
//!
//! Of a pack without a remote, COMMIT is that commit, and the manifest records it. Of one whose repository lacks
//! the recorded commit, COMMIT is the recorded one, and the reference says which commit here has its files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use comfydock_core::digest::CommitId;
use comfydock_core::foreign::judge_entries;
use comfydock_core::name::NodeName;
use comfydock_core::plan::doctor::{LFS_POINTER, LFS_POINTER_LIMIT};
use comfydock_git::objects::{Entry, Mode, Objects};
use comfydock_git::repository::{Author, Repository, SourceFile};
use comfydock_store::file;

use crate::Error;
use crate::environment::Environment;
use crate::pack_source::{LINK, PackSource, is_made_anew, why_not};

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

/// The name of the pack whose snapshot a reference is.
pub fn pack_of(reference: &str) -> &str {
    reference.strip_prefix(REFS).and_then(|rest| rest.split('/').next()).unwrap_or(reference)
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
    let PackSource { folder, files, left_out } = PackSource::of(environment, name)?;
    let commit = write(repository, name, &folder, &files)?;
    Ok(Snapshot { commit, left_out })
}

/// Writes the commit that the files of a pack make; no ref moves.
///
/// # Errors
/// When a file cannot be read or an object not be written.
pub fn write(repository: &Repository, name: &NodeName, folder: &Path, files: &[SourceFile]) -> Result<CommitId, Error> {
    Ok(repository.write_source(folder, files, &format!("Source of node pack {name}"), &nobody(), 0)?)
}

/// No clock and no person: the commit of a snapshot stands for its files alone.
fn nobody() -> Author {
    Author { name: "comfydock".to_owned(), email: "comfydock@localhost".to_owned() }
}

/// Writes what a pack tracks at a commit into the history, from the objects of its own repository.
///
/// # Errors
/// When an object cannot be read or written.
pub fn vendor(
    environment: &Environment,
    name: &NodeName,
    commit: &CommitId,
    objects: &Objects,
) -> Result<Snapshot, Error> {
    let repository = environment.repository()?;
    let (mut entries, mut left_out) = (Vec::new(), Vec::new());
    for entry in objects.tree(commit.as_str())? {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        if path.split('/').any(is_made_anew) {
            continue;
        }
        let why = match entry.mode {
            Mode::Link => Some(LINK),
            Mode::Submodule => Some("it is a submodule"),
            Mode::File | Mode::Executable => why_not(&entry.path, objects.blob_size(&entry.id)?),
        };
        if why.is_none() {
            // The pointer travels: it says which file is meant.
            if objects.blob_size(&entry.id)? < LFS_POINTER_LIMIT && objects.blob(&entry.id)?.starts_with(LFS_POINTER) {
                left_out.push((path.clone(), "git-lfs keeps its content elsewhere"));
            }
            entries.push(entry);
        }
        left_out.extend(why.map(|why| (path, why)));
    }
    let message = format!("Source of node pack {name} at {commit}");
    let made = repository.copy_commit(objects, &entries, &message, &nobody(), 0)?;
    let reference = reference(name, commit);
    let before = repository.find_ref(&reference)?;
    if before.as_ref() != Some(&made) {
        repository.update_ref(&reference, before.as_ref(), &made, "vendor")?;
    }
    Ok(Snapshot { commit: made, left_out })
}

/// The files of the pack at a commit that its repository does not have; none where nobody sent them.
///
/// # Errors
/// As [`find`].
pub fn find_vendored(
    environment: &Environment,
    name: &NodeName,
    commit: &CommitId,
) -> Result<Option<Vec<Entry>>, Error> {
    match environment.repository()?.find_ref(&reference(name, commit))? {
        Some(snapshot) => find(environment, name.as_str(), &snapshot).map(Some),
        None => Ok(None),
    }
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
