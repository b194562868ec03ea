//! Getting each pack, from where it comes from or from the old folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use comfydock_core::adoption::Left;
use comfydock_core::digest::CommitId;
use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::name::NodeName;
use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_core::plan::adopt_install::{FileStep, How, PackStep};
use comfydock_git::checkout::Mirror;
use comfydock_git::look::look as look_at_repository;
use comfydock_git::program::without_credentials;
use comfydock_store::file;

use crate::Error;
use crate::adoption::copy::{copy, copy_some};
use crate::adoption::packs::is_passing;
use crate::environment::Environment;
use crate::installed::Record;
use crate::ops::Context;
use crate::ops::reach::lay_out;
use crate::packs::Store;
use crate::remote::registry::Registry;
use crate::workspace::Workspace;

/// Repositories that are fetched at one time.
const PARALLEL: usize = 4;

/// A pack that was taken over.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What the manifest records of it.
    pub node: Node,
    /// Whether its folder is in the new environment.
    pub is_here: bool,
    /// Why it is worked on here and not had from where it comes from.
    pub reason: Option<String>,
    /// What was copied into its folder from the old one.
    pub kept: Vec<String>,
}

/// Puts packs into an environment that is only being made.
pub(super) struct Taking<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) environment: &'a Environment,
    pub(super) context: &'a Context<'a>,
}

/// What became of a repository.
enum Fetched {
    /// It has the commit.
    At(Mirror, CommitId),
    /// It can be reached and does not have it.
    Lacks(String),
    /// It cannot be reached.
    Unreachable(String),
}

impl Taking<'_> {
    /// Takes every pack. One that cannot be had costs only itself.
    ///
    /// # Errors
    /// When a folder cannot be read or written.
    pub(super) fn all(&self, steps: &[PackStep], left: &mut Vec<Left>) -> Result<Vec<Taken>, Error> {
        let mut fetched = self.fetch(steps);
        let mut taken = Vec::new();
        for step in steps {
            taken.push(match &step.how {
                How::Git { url, commit, reference, published } => {
                    let Some(found) = fetched.remove(step.name.as_str()) else { continue };
                    self.git(step, url, commit.as_ref(), reference.as_ref(), *published, found, left)?
                }
                How::Registry { id, version } => self.registry(step, id, version, left)?,
                How::Copy { reason, .. } => self.copied(step, reason.clone())?,
            });
        }
        Ok(taken)
    }

    fn target(&self, name: &NodeName) -> PathBuf {
        self.environment.custom_nodes().join(name.as_str())
    }

    /// Fetches the repositories, several at a time; those of one URL one after another, because they
    /// share a mirror.
    fn fetch(&self, steps: &[PackStep]) -> BTreeMap<String, Fetched> {
        let mut by_url: BTreeMap<&str, Vec<(&NodeName, Option<&CommitId>)>> = BTreeMap::new();
        for step in steps {
            if let How::Git { url, commit, .. } = &step.how {
                by_url.entry(url).or_default().push((&step.name, commit.as_ref()));
            }
        }
        let work: Vec<_> = by_url.into_iter().collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        std::thread::scope(|scope| {
            for _ in 0..PARALLEL.min(work.len()) {
                scope.spawn(|| {
                    while let Some((url, wanted)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                        for (name, commit) in wanted {
                            let found = self.fetch_one(url, *commit);
                            let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                            done.insert(name.to_string(), found);
                        }
                    }
                });
            }
        });
        done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn fetch_one(&self, url: &str, commit: Option<&CommitId>) -> Fetched {
        let mirror = match Mirror::open(&self.workspace.cache("git"), url) {
            Ok(mirror) => mirror,
            Err(error) => return Fetched::Unreachable(first_line(&error.into())),
        };
        if let Some(commit) = commit
            && mirror.has(commit).unwrap_or(false)
        {
            return Fetched::At(mirror, commit.clone());
        }
        if self.context.network.offline {
            return Fetched::Unreachable("--offline keeps from asking its repository".to_owned());
        }
        self.context.reporter.step(format!("Fetching a node pack from {}", without_credentials(url)));
        if let Err(error) = mirror.update() {
            return Fetched::Unreachable(first_line(&error.into()));
        }
        match commit {
            None => match mirror.resolve(None, false) {
                Ok(resolved) => Fetched::At(mirror, resolved.commit),
                Err(error) => Fetched::Lacks(first_line(&error.into())),
            },
            // A repository that was rewritten may still give a commit by its name.
            Some(commit) => match mirror.ensure(commit) {
                Ok(()) => Fetched::At(mirror, commit.clone()),
                Err(_) => Fetched::Lacks(format!("its repository does not have commit {}", commit.short(12))),
            },
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one step, taken apart once by the caller")]
    fn git(
        &self,
        step: &PackStep,
        url: &str,
        commit: Option<&CommitId>,
        reference: Option<&String>,
        published: bool,
        fetched: Fetched,
        left: &mut Vec<Left>,
    ) -> Result<Taken, Error> {
        let target = self.target(&step.name);
        let node = |commit: Option<CommitId>| Node {
            repository: Some(without_credentials(url)),
            requested_ref: reference.cloned().or_else(|| commit.as_ref().map(ToString::to_string)),
            commit,
            ..Node::new(step.name.clone(), NodeSource::Git)
        };
        let (said, is_reached) = match fetched {
            Fetched::At(mirror, commit) => match mirror.check_out(&commit, &target) {
                Ok(()) => {
                    let kept = match &step.place {
                        Some(place) => copy_some(Path::new(place), &target, &step.keep)?,
                        None => Vec::new(),
                    };
                    return Ok(Taken { node: node(Some(commit)), is_here: true, reason: None, kept });
                }
                Err(error) => {
                    // A submodule that is gone, say.
                    file::remove(&target)?;
                    (first_line(&error.into()), true)
                }
            },
            Fetched::Lacks(said) => (said, true),
            Fetched::Unreachable(said) => (said, false),
        };
        let Some(place) = &step.place else {
            left.push(Left::new(format!("node pack `{}`", step.name), format!("it could not be had: {said}")));
            return Ok(Taken { node: node(commit.cloned()), is_here: false, reason: Some(said), kept: Vec::new() });
        };
        // The clone knows that others can have its commit; only now nobody can be asked.
        if published && !is_reached && Path::new(place).join(".git").is_dir() {
            copy(Path::new(place), &target)?;
            if look_at_repository(&target)
                .is_ok_and(|looked| looked.is_some_and(|looked| looked.commit.as_ref() == commit))
            {
                left.push(Left::new(
                    format!("node pack `{}`", step.name),
                    format!("its repository could not be asked, so the clone was copied: {said}"),
                ));
                return Ok(Taken { node: node(commit.cloned()), is_here: true, reason: None, kept: Vec::new() });
            }
            file::remove(&target)?;
        }
        self.copied(step, said)
    }

    fn registry(&self, step: &PackStep, id: &str, version: &str, left: &mut Vec<Left>) -> Result<Taken, Error> {
        let target = self.target(&step.name);
        let mut node = Node {
            registry_id: Some(id.to_owned()),
            version: Some(version.to_owned()),
            ..Node::new(step.name.clone(), NodeSource::Registry)
        };
        let stored = (|| {
            let (id, version) = (RegistryId::parse(id)?, Version::parse(version));
            let version =
                version.ok_or_else(|| Error::refused(format!("`{id}` has no such version"), "choose another"))?;
            let store = Store::open(self.workspace);
            if self.context.network.offline && store.find(&id, version, None)?.is_none() {
                return Err(Error::refused("--offline keeps from asking the registry", "run it without --offline"));
            }
            let registry = Registry::open(self.workspace, self.context.network.offline, self.context.reporter)?;
            self.context.reporter.step(format!("Fetching node pack {id} {version}"));
            store.fetch(&registry, &id, version, None)
        })();
        let stored = match (stored, &step.place) {
            (Ok(stored), _) => stored,
            (Err(error), Some(_)) => return self.copied(step, format!("it could not be had: {}", first_line(&error))),
            (Err(error), None) => {
                let said = first_line(&error);
                left.push(Left::new(format!("node pack `{}`", step.name), format!("it could not be had: {said}")));
                return Ok(Taken { node, is_here: false, reason: Some(said), kept: Vec::new() });
            }
        };
        let mut keep = Vec::new();
        if let Some(place) = &step.place {
            let changes = Store::verify(Path::new(place), &stored)?;
            if let Some(name) = changes.modified.first().or(changes.missing.first()) {
                let more = changes.modified.len() + changes.missing.len() - 1;
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                return self.copied(step, format!("its files are not those of the registry: {name}{more}"));
            }
            keep = changes.added.into_iter().filter(|path| !is_passing(path)).collect();
        }
        let record = lay_out(&Store::open(self.workspace), &stored, (id, version), &target)?;
        node.sha256 = Some(stored.sha256().clone());
        let place = Record::place(self.environment, step.name.as_str());
        if let Some(folder) = place.parent() {
            file::create_folder(folder)?;
        }
        file::write(&place, &record.text())?;
        let kept = match &step.place {
            Some(place) => copy_some(Path::new(place), &target, &keep)?,
            None => Vec::new(),
        };
        Ok(Taken { node, is_here: true, reason: None, kept })
    }

    /// Copies a pack as it lies: from now on it is worked on here.
    fn copied(&self, step: &PackStep, reason: String) -> Result<Taken, Error> {
        let target = self.target(&step.name);
        if let Some(place) = &step.place {
            self.context.reporter.step(format!("Copying node pack {}", step.name));
            copy(Path::new(place), &target)?;
            // A repository that cannot be read where it is now would only be in the way.
            if look_at_repository(&target).is_err() {
                file::remove(&target.join(".git"))?;
            }
        }
        let node = Node::new(step.name.clone(), NodeSource::Development);
        Ok(Taken { node, is_here: step.place.is_some(), reason: Some(reason), kept: Vec::new() })
    }

    /// Takes the single files.
    ///
    /// # Errors
    /// When one cannot be copied.
    pub(super) fn files(&self, steps: &[FileStep]) -> Result<Vec<Taken>, Error> {
        let mut taken = Vec::new();
        for step in steps {
            match step {
                FileStep::Wrap { name, place } => {
                    copy(Path::new(place), &self.target(name).join("__init__.py"))?;
                    taken.push(Taken {
                        node: Node::new(name.clone(), NodeSource::Development),
                        is_here: true,
                        reason: Some("it was a single file and is the `__init__.py` of a folder now".to_owned()),
                        kept: Vec::new(),
                    });
                }
                FileStep::Copy { name, place } => {
                    copy(Path::new(place), &self.environment.custom_nodes().join(name))?;
                }
            }
        }
        Ok(taken)
    }
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
