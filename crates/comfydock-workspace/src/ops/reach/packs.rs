//! Node packs: staged from wherever they are had, then put in place around the user's own files.

use std::path::{Path, PathBuf};

use comfydock_core::digest::CommitId;
use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::name::NodeName;
use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_core::plan::reach::{NodeStep, Release};
use comfydock_git::checkout::{self, Mirror};
use comfydock_git::objects::Entry;
use comfydock_git::program::Error as GitError;
use comfydock_store::file;

use super::{Apply, MissingNode, mirror};
use crate::Error;
use crate::environment::Environment;
use crate::installed::{Origin, Record};
use crate::observe::packs::{disabled_place, free_disabled_place};
use crate::ops::Context;
use crate::packs::{Store, Stored, TRACKING};
use crate::remote::registry::Registry;
use crate::snapshot;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// A pack that is ready to be put in place.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Where it lies for now.
    pub folder: PathBuf,
    /// What was put there, if it is no clone and nobody works on it.
    pub record: Option<Record>,
}

/// A pack that is on this machine, wherever it came from.
enum Had {
    Clone(Mirror, CommitId),
    Release(Box<Stored>),
    Snapshot(Vec<Entry>),
    /// What a snapshot has of a repository's commit.
    Vendored(Vec<Entry>, Origin),
}

/// Brings a pack into the stage.
///
/// # Errors
/// When it cannot be had.
pub fn stage(
    workspace: &Workspace,
    environment: &Environment,
    transaction: &mut Transaction,
    node: &Node,
    context: &Context<'_>,
) -> Result<Staged, Error> {
    let had = have(workspace, environment, node, context)?;
    lay(workspace, environment, transaction, node, had)
}

/// Gets a pack onto this machine, if it is not there.
fn have(workspace: &Workspace, environment: &Environment, node: &Node, context: &Context<'_>) -> Result<Had, Error> {
    match (node.source, &node.repository, &node.commit) {
        (NodeSource::Git | NodeSource::Development, Some(url), Some(commit)) => {
            clone_or_copy(workspace, environment, &node.name, url, commit, context)
        }
        (NodeSource::Registry, _, _) => Ok(Had::Release(Box::new(release(workspace, node, context)?))),
        (NodeSource::Development, None, Some(commit)) => {
            Ok(Had::Snapshot(snapshot::find(environment, node.name.as_str(), commit)?))
        }
        _ => Err(Error::refused(
            format!("nothing says how node pack `{}` is had", node.name),
            "it cannot be rebuilt; ask whoever made the environment to publish it",
        )),
    }
}

/// A pack at a commit of its repository, or the copy that travelled with the environment where the
/// repository does not have it.
fn clone_or_copy(
    workspace: &Workspace,
    environment: &Environment,
    name: &NodeName,
    url: &str,
    commit: &CommitId,
    context: &Context<'_>,
) -> Result<Had, Error> {
    let error = match mirror(workspace, url, commit, name.as_str(), context) {
        Ok(mirror) => return Ok(Had::Clone(mirror, commit.clone())),
        Err(error) if is_failure(&error) => return Err(error),
        Err(error) => error,
    };
    let Some(files) = snapshot::find_vendored(environment, name, commit)? else { return Err(error) };
    context.reporter.note(format!(
        "node pack {name} is the copy that was pushed with the environment, at {}: {}",
        commit.short(12),
        because(&error)
    ));
    Ok(Had::Vendored(files, Origin::Commit { repository: url.to_owned(), commit: commit.clone() }))
}

/// Whether nothing was learnt of what was asked.
pub fn is_failure(error: &Error) -> bool {
    matches!(error, Error::Git(GitError::Killed(_) | GitError::Start(_)))
}

/// Writes a pack that is on this machine into the stage.
fn lay(
    workspace: &Workspace,
    environment: &Environment,
    transaction: &mut Transaction,
    node: &Node,
    had: Had,
) -> Result<Staged, Error> {
    let target = environment.custom_nodes();
    // Where the environment is only being made, its folder is the stage's own.
    let stage = if target.is_dir() { transaction.stage_for(&target)? } else { transaction.stage() }.join("nodes");
    let folder = stage.join(node.name.as_str());
    file::create_folder(&stage)?;
    let record = match had {
        Had::Clone(mirror, commit) => {
            mirror.check_out(&commit, &folder)?;
            None
        }
        Had::Release(stored) => {
            let version = stored.version().to_string();
            let id = node.registry_id.as_deref().unwrap_or(stored.id().as_str());
            let version = node.version.as_deref().unwrap_or(&version);
            Some(lay_out(&Store::open(workspace), &stored, (id, version), &folder)?)
        }
        Had::Snapshot(files) => {
            snapshot::restore(environment, &files, &folder)?;
            None
        }
        Had::Vendored(files, origin) => {
            snapshot::restore(environment, &files, &folder)?;
            let own = files.iter().map(|file| String::from_utf8_lossy(&file.path).into_owned());
            Some(Record::of(origin, &folder, own)?)
        }
    };
    Ok(Staged { folder, record })
}

/// The release a manifest records, from the cache; it is fetched there first if it is not.
pub(super) fn release(workspace: &Workspace, node: &Node, context: &Context<'_>) -> Result<Stored, Error> {
    let (Some(id), Some(version)) = (&node.registry_id, &node.version) else {
        return Err(Error::refused(
            format!("nothing says which release node pack `{}` is", node.name),
            "`comfydock node add ID@VERSION` names one",
        ));
    };
    let id = RegistryId::parse(id)?;
    let wanted = Version::parse(version).ok_or_else(|| {
        Error::refused(
            format!("`{version}` is no version of the registry; the manifest records it for node pack `{}`", node.name),
            format!("`comfydock node update {}` takes the newest", node.name),
        )
    })?;
    let store = Store::open(workspace);
    if let Some(stored) = store.find(&id, wanted, node.sha256.as_ref())? {
        return Ok(stored);
    }
    context.reporter.step(format!("Fetching {id} {wanted} from the Comfy registry"));
    let registry = Registry::open(workspace, context.network.offline, context.reporter)?;
    store.fetch(&registry, &id, wanted, node.sha256.as_ref())
}

/// Copies a kept release into a folder and measures it there. It goes by the id and version that the
/// manifest records.
///
/// # Errors
/// When a kept file was damaged, or the folder cannot be written.
pub fn lay_out(store: &Store, stored: &Stored, (id, version): (&str, &str), folder: &Path) -> Result<Record, Error> {
    store.copy_into(stored, folder)?;
    measured(stored, (id, version), folder)
}

/// The record of a kept release that lies in a folder.
///
/// # Errors
/// When one of its files cannot be read.
pub(super) fn measured(stored: &Stored, (id, version): (&str, &str), folder: &Path) -> Result<Record, Error> {
    let release = Release { id: id.to_owned(), version: version.to_owned(), sha256: Some(stored.sha256().clone()) };
    // Whoever put it there by hand has no list.
    let tracking = Some(TRACKING.to_owned()).filter(|name| folder.join(name).is_file());
    let own = stored.files().iter().map(|file| file.path.clone()).chain(tracking);
    Record::of(release.into(), folder, own)
}

impl MissingNode {
    fn failed(node: &Node, error: &Error) -> Self {
        Self { name: node.name.to_string(), reason: because(error), left_out: false }
    }

    fn left_out(node: &Node) -> Self {
        Self { name: node.name.to_string(), reason: "it was left out".to_owned(), left_out: true }
    }
}

impl Apply<'_> {
    pub(super) fn pack(&mut self, step: &NodeStep) -> Result<(), Error> {
        let target = self.environment.custom_nodes().join(step.name());
        match step {
            NodeStep::Add(node) if self.without.contains(node.name.as_str()) => {
                self.missing.get_or_insert_default().push(MissingNode::left_out(node));
                Ok(())
            }
            NodeStep::Add(node) => match self.staged_unless_missing(node)? {
                Some(staged) => self.put_pack(node, staged, &target),
                None => Ok(()),
            },
            NodeStep::Replace(node) => {
                let staged = self.staged(node)?;
                self.take_away(step.name(), &target, Some(&staged.folder))?;
                self.put_pack(node, staged, &target)
            }
            NodeStep::Remove(name) => {
                self.take_away(name, &target, None)?;
                let record = Record::place(self.environment, name);
                if record.exists() { self.transaction.discard(&record) } else { Ok(()) }
            }
            NodeStep::Disable(name) => {
                // What was set aside last is what comes back, so an older one makes room for it.
                let place = disabled_place(self.environment, name);
                if place.symlink_metadata().is_ok() {
                    self.transaction.rename(&place, &free_disabled_place(self.environment, name))?;
                }
                self.transaction.rename(&target, &place)
            }
            NodeStep::Enable(name) => self.transaction.rename(&disabled_place(self.environment, name), &target),
        }
    }

    fn staged(&mut self, node: &Node) -> Result<Staged, Error> {
        match self.staged.remove(node.name.as_str()) {
            Some(staged) => Ok(staged),
            None => stage(self.workspace, self.environment, self.transaction, node, self.context),
        }
    }

    /// A pack that cannot be had is noted, where that is wanted. One that is here and cannot be laid out, on
    /// a full disk or by a git that was killed, is a failure all the same.
    fn staged_unless_missing(&mut self, node: &Node) -> Result<Option<Staged>, Error> {
        let Some(missing) = self.missing.as_mut().filter(|_| !self.staged.contains_key(node.name.as_str())) else {
            return self.staged(node).map(Some);
        };
        let had = have(self.workspace, self.environment, node, self.context);
        match had.map(|had| lay(self.workspace, self.environment, self.transaction, node, had)) {
            // What a pack names and nobody may fetch cannot be had either.
            Ok(Err(error @ Error::Git(GitError::Submodule { .. }))) => {
                missing.push(MissingNode::failed(node, &error));
                Ok(None)
            }
            Ok(laid) => laid.map(Some),
            Err(error) if is_failure(&error) => Err(error),
            Err(error) => {
                missing.push(MissingNode::failed(node, &error));
                Ok(None)
            }
        }
    }

    fn put_pack(&mut self, node: &Node, staged: Staged, target: &Path) -> Result<(), Error> {
        self.put(&staged.folder, target)?;
        let place = Record::place(self.environment, node.name.as_str());
        match staged.record {
            Some(record) => {
                let folder = self.transaction.stage().join("packs");
                file::create_folder(&folder)?;
                let text = folder.join(format!("{}.json", node.name));
                file::write(&text, &record.text())?;
                self.put(&text, &place)
            }
            None if place.exists() => self.transaction.discard(&place),
            None => Ok(()),
        }
    }

    /// Takes a pack's folder away. What lies in it beside the pack's own files is carried into the
    /// folder that comes, or stays with the old one in the trash (decision 23).
    fn take_away(&mut self, name: &str, folder: &Path, coming: Option<&Path>) -> Result<(), Error> {
        // What is behind a link is not the environment's.
        if folder.is_symlink() {
            return self.retire(folder);
        }
        let is_clone = folder.join(".git").exists();
        let record = if is_clone { None } else { Record::find(self.environment, name)? };
        let (own_work, own_files) = match &record {
            _ if is_clone => {
                let modified = checkout::inspect(folder)?.is_some_and(|state| !state.modified.is_empty());
                (modified || checkout::has_own_work(folder, None)?, checkout::untracked(folder)?)
            }
            Some(record) => (!record.changed(folder).is_empty(), record.added(folder)?),
            None => return self.retire(folder),
        };
        let own_files: Vec<String> = own_files.into_iter().filter(|path| !is_made_by_python(path)).collect();
        match coming {
            Some(coming) => {
                self.carry(folder, coming, &own_files)?;
            }
            None if !own_files.is_empty() => return self.retire(folder),
            None => {}
        }
        if own_work { self.retire(folder) } else { self.transaction.discard(folder) }
    }

    /// Moves files from a folder that goes into the one that comes; those whose place is taken there go to
    /// the trash instead. Of a folder that both have, what lies in it is moved. Returns what was moved.
    pub(super) fn carry(&mut self, old: &Path, new: &Path, own_files: &[String]) -> Result<Vec<String>, Error> {
        let mut carried = Vec::new();
        for path in own_files {
            if let Ok(there) = new.join(path).symlink_metadata() {
                if there.is_dir() && old.join(path).symlink_metadata().is_ok_and(|about| about.is_dir()) {
                    let inside: Vec<String> = names_in(&old.join(path))?
                        .into_iter()
                        .map(|name| format!("{path}/{name}"))
                        .filter(|path| !is_made_by_python(path))
                        .collect();
                    carried.extend(self.carry(old, new, &inside)?);
                } else {
                    self.retire(&old.join(path))?;
                }
                continue;
            }
            // The folder is made now: what is put in place later must be there to be planned.
            if let Some(parent) = new.join(path).parent() {
                file::create_folder(parent)?;
            }
            self.transaction.rename(&old.join(path), &new.join(path))?;
            carried.push(path.clone());
        }
        Ok(carried)
    }
}

/// An error and what caused it, as one line: of what git says at length the first says what it is.
pub fn because(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let first = |cause: &dyn std::error::Error| cause.to_string().lines().next().unwrap_or_default().to_owned();
    causes.map(first).collect::<Vec<_>>().join(": ")
}

fn names_in(folder: &Path) -> Result<Vec<String>, Error> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let listed = listed.map_err(file::Error::at("read", folder))?;
    Ok(listed.into_iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// What Python writes beside code, and can write again.
pub(super) fn is_made_by_python(path: &str) -> bool {
    path.split('/').any(|part| part == "__pycache__") || path.ends_with(".pyc")
}
