//! A bundle that was unpacked and held to every rule.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use comfydock_bundle::pack::content_digest;
use comfydock_bundle::unpack::{self, Allowance, Unpacked, unpack};
use comfydock_core::bundle::{
    DESCRIPTION, Description, FileFact, LOCK, Part, disagreements, judge, judge_environment, part,
};
use comfydock_core::digest::CommitId;
use comfydock_core::foreign::{self, Mode, TreeEntry, Violation};
use comfydock_core::hint::Hint as _;
use comfydock_core::manifest::{Manifest, Node, NodeSource};
use comfydock_core::name::NodeName;
use comfydock_git::repository::{NewFile, Repository, SourceFile};
use comfydock_store::file;

use crate::Error;
use crate::environment::GITIGNORE;
use crate::installed::{Origin, Record};
use crate::ops::reach::Staged;
use crate::snapshot;

/// A bundle in a folder of its own.
pub struct Opened {
    folder: PathBuf,
    /// What it says of itself; it agrees with its files.
    pub description: Description,
    /// Its manifest.
    pub manifest: Manifest,
    files: Vec<Unpacked>,
}

/// What an archive turned out to be.
pub enum Archive {
    /// A bundle of ours.
    Bundle(Box<Opened>),
    /// No description: perhaps another program's environment. Its folder.
    Other(PathBuf),
}

impl Archive {
    /// The bundle, where nothing else serves; `hint` says what to do with what other programs made.
    ///
    /// # Errors
    /// When it is none.
    pub fn into_bundle(self, shown: &str, hint: &str) -> Result<Opened, Error> {
        match self {
            Self::Bundle(opened) => Ok(*opened),
            Self::Other(_) => {
                Err(Error::refused(format!("`{shown}` is no bundle of ComfyDock: it does not describe itself"), hint))
            }
        }
    }
}

/// Unpacks an archive into `folder`, which is new, and holds what it is to the rules for bundles.
///
/// # Errors
/// When it breaks a rule, is damaged, or says something else than it holds.
pub fn open(archive: impl Read, folder: &Path, shown: &str) -> Result<Archive, Error> {
    let files = unpack(archive, folder, &mut Allowance::default()).map_err(|error| not_taken(shown, error))?;
    if !files.iter().any(|file| file.fact.path == DESCRIPTION) {
        return Ok(Archive::Other(folder.to_owned()));
    }
    read(folder, files, shown).map(|opened| Archive::Bundle(Box::new(opened)))
}

/// Says which archive it is that is not taken; a file that cannot be written is this machine's.
fn not_taken(shown: &str, error: unpack::Error) -> Error {
    let is_ours = matches!(error, unpack::Error::File(_));
    let error = Error::from(error);
    if is_ours {
        return error;
    }
    Error::Refused {
        message: format!("`{shown}` cannot be taken: {error}"),
        details: error.details(),
        hint: error.hint(),
    }
}

/// Holds files that were unpacked to the rules for bundles.
pub(super) fn read(folder: &Path, files: Vec<Unpacked>, shown: &str) -> Result<Opened, Error> {
    let entries: Vec<TreeEntry> = files
        .iter()
        .map(|file| TreeEntry {
            path: file.fact.path.as_bytes().to_vec(),
            mode: if file.executable { Mode::Executable } else { Mode::File },
            size: file.fact.size,
        })
        .collect();
    refuse(shown, judge(&entries))?;
    let description = Description::parse(&file::read(&folder.join(DESCRIPTION))?)?;
    let facts: Vec<FileFact> = files.iter().map(|file| file.fact.clone()).collect();
    description.check_files(&facts, &content_digest(&facts))?;
    let text = file::read(&folder.join(foreign::MANIFEST))?;
    let manifest = foreign::judge_manifest(&text).map_err(|violation| refused(shown, vec![violation]))?;
    description.check_manifest(&manifest)?;
    let lock = String::from_utf8_lossy(&file::read(&folder.join(LOCK))?).into_owned();
    let mut violations: Vec<Violation> =
        disagreements(&lock, &manifest).into_iter().map(|line| Violation::new(LOCK, line, None)).collect();
    let python_version = file::read(&folder.join(foreign::PYTHON_VERSION))?;
    let python_lock = file::read(&folder.join(foreign::PYTHON_LOCK))?;
    let text = String::from_utf8_lossy(&text);
    violations.extend(judge_environment(&manifest, &text, &python_version, &python_lock));
    violations.extend(dev_nodes_that_differ(&manifest, &files));
    refuse(shown, violations)?;
    Ok(Opened { folder: folder.to_owned(), description, manifest, files })
}

fn refuse(shown: &str, violations: Vec<Violation>) -> Result<(), Error> {
    if violations.is_empty() { Ok(()) } else { Err(refused(shown, violations)) }
}

fn refused(shown: &str, violations: Vec<Violation>) -> Error {
    Error::Refused {
        message: format!("`{shown}` is refused; nothing was imported"),
        details: violations.iter().map(ToString::to_string).collect(),
        hint: violations
            .iter()
            .find_map(|violation| violation.hint.clone())
            .or_else(|| Some("whoever made it has to export it again".to_owned())),
    }
}

/// Development nodes of the manifest without a file, and files of ones that the manifest does not have.
fn dev_nodes_that_differ(manifest: &Manifest, files: &[Unpacked]) -> Vec<Violation> {
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        if let Some(Part::DevNode(name, _)) = part(&file.fact.path) {
            *there.entry(name).or_default() += 1;
        }
    }
    let mut violations = Vec::new();
    for node in dev_nodes(manifest) {
        if there.remove(node.name.as_str()).is_none() {
            let path = format!("dev_nodes/{}", node.name);
            violations.push(Violation::new(path, "is missing: pyproject.toml has this development node", None));
        }
    }
    let unknown = there.keys();
    violations.extend(
        unknown
            .map(|name| Violation::new(format!("dev_nodes/{name}"), "is no development node of pyproject.toml", None)),
    );
    violations
}

fn dev_nodes(manifest: &Manifest) -> impl Iterator<Item = &Node> {
    manifest.nodes.values().filter(|node| node.source == NodeSource::Development)
}

impl Opened {
    /// The lock of its Python packages.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn python_lock(&self) -> Result<Vec<u8>, Error> {
        Ok(file::read(&self.folder.join(foreign::PYTHON_LOCK))?)
    }

    /// The files that the environment's history begins with.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn tracked(&self) -> Result<Vec<NewFile>, Error> {
        let mut tracked = vec![NewFile { path: ".gitignore".to_owned(), bytes: GITIGNORE.as_bytes().to_vec() }];
        for file in &self.files {
            let path = &file.fact.path;
            let is_tracked = match part(path) {
                Some(Part::Environment) => path != LOCK,
                Some(Part::Workflow(_)) => true,
                _ => false,
            };
            if is_tracked {
                tracked.push(NewFile { path: path.clone(), bytes: file::read(&self.folder.join(path))? });
            }
        }
        Ok(tracked)
    }

    /// Holds the source of its development nodes against what the manifest says it is, writes it into a history,
    /// which may be one in memory, and gets it ready for `custom_nodes`: `ready` says where a pack's folder is
    /// renamed from.
    ///
    /// # Errors
    /// When one is not what the manifest says it is, or cannot be read or written.
    pub fn dev_nodes(
        &self,
        repository: &Repository,
        mut ready: impl FnMut(&NodeName, PathBuf) -> Result<PathBuf, Error>,
    ) -> Result<Vec<DevNode>, Error> {
        let mut found = Vec::new();
        for node in dev_nodes(&self.manifest) {
            let folder = self.folder.join("dev_nodes").join(node.name.as_str());
            let prefix = format!("dev_nodes/{}/", node.name);
            let files: Vec<SourceFile> = self
                .files
                .iter()
                .filter_map(|file| {
                    let path = file.fact.path.strip_prefix(&prefix)?.to_owned();
                    Some(SourceFile { path, executable: file.executable, size: file.fact.size })
                })
                .collect();
            let made = snapshot::write(repository, &node.name, &folder, &files)?;
            let recorded = node.commit.as_ref().unwrap_or(&made);
            if node.is_snapshot() && *recorded != made {
                return Err(Error::refused(
                    format!(
                        "development node `{}` is not what pyproject.toml says it is; nothing was imported",
                        node.name
                    ),
                    "the bundle was changed after it was made: have it sent again",
                ));
            }
            let kept = Kept { reference: snapshot::reference(&node.name, recorded), commit: made };
            let folder = ready(&node.name, folder)?;
            let record = match (&node.repository, &node.commit) {
                (Some(repository), Some(commit)) => {
                    let origin = Origin::Commit { repository: repository.clone(), commit: commit.clone() };
                    Some(Record::of(origin, &folder, files.into_iter().map(|file| file.path))?)
                }
                _ => None,
            };
            found.push(DevNode { node: node.clone(), snapshot: kept, staged: Staged { folder, record } });
        }
        Ok(found)
    }
}

/// A development node of a bundle.
pub struct DevNode {
    /// What the manifest says of it.
    pub node: Node,
    /// Its source in the history.
    pub snapshot: Kept,
    /// Its folder.
    pub staged: Staged,
}

/// Where the source of a development node is kept in a history that it was written into.
#[derive(Clone)]
pub struct Kept {
    reference: String,
    commit: CommitId,
}

impl Kept {
    /// Keeps it there.
    ///
    /// # Errors
    /// When the reference cannot be written.
    pub fn keep(&self, repository: &Repository) -> Result<(), Error> {
        let before = repository.find_ref(&self.reference)?;
        if before.as_ref() != Some(&self.commit) {
            repository.update_ref(&self.reference, before.as_ref(), &self.commit, "import")?;
        }
        Ok(())
    }
}

/// What is staged of development nodes, by folder.
pub(super) fn staged(nodes: Vec<DevNode>) -> BTreeMap<String, Staged> {
    nodes.into_iter().map(|found| (found.node.name.to_string(), found.staged)).collect()
}
