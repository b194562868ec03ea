//! Node packs that whoever pulls could not have from their repositories: a push finds them, and sends their
//! files along where that is wanted (decision 24).

use std::path::PathBuf;

use comfydock_core::digest::CommitId;
use comfydock_core::manifest::{Manifest, Node};
use comfydock_core::name::NodeName;
use comfydock_git::checkout::{self, Mirror};
use comfydock_git::objects::Entry;
use comfydock_git::program::without_credentials;

use super::Context;
use super::reach::{because, is_failure};
use crate::Error;
use crate::environment::Environment;
use crate::observe::packs::disabled_place;
use crate::snapshot;
use crate::workspace::Workspace;

/// A pack whose files are sent along.
#[derive(Debug, Clone)]
pub struct Vendored {
    /// The pack.
    pub name: NodeName,
    /// The commit that the manifest records.
    pub commit: CommitId,
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files of the commit that are not among them, with the reason.
    pub left_out: Vec<(String, &'static str)>,
}

/// A pack whose repository does not have the recorded commit.
pub struct Unpublished<'a> {
    /// As the manifest records it.
    pub node: &'a Node,
    commit: &'a CommitId,
    /// How its repository stands to the commit, as the end of a sentence.
    why: String,
}

impl Unpublished<'_> {
    /// The reference that its files travel under.
    pub fn reference(&self) -> String {
        snapshot::reference(&self.node.name, self.commit)
    }

    /// What is wrong, for a person.
    pub fn complaint(&self) -> String {
        format!("node pack {}: {}", self.node.name, self.why)
    }
}

/// Asks the packs' repositories for the recorded commits.
///
/// # Errors
/// When git cannot be started, or the cache cannot be written.
pub fn unpublished<'a>(
    workspace: &Workspace,
    manifest: &'a Manifest,
    context: &Context<'_>,
) -> Result<Vec<Unpublished<'a>>, Error> {
    let mut found = Vec::new();
    for node in manifest.nodes.values() {
        let (Some(url), Some(commit)) = (&node.repository, &node.commit) else { continue };
        let mirror = Mirror::open(&workspace.cache("git"), url)?;
        // What the repository once had on a branch is taken as kept; only new commits are asked for.
        if mirror.has_published(commit)? || context.network.offline {
            continue;
        }
        let (shown, short) = (without_credentials(url), commit.short(12));
        let why = match mirror.remote_has(commit).map_err(Error::from) {
            Ok(true) => continue,
            Ok(false) => format!("{shown} does not have commit {short}"),
            Err(error) if is_failure(&error) => return Err(error),
            Err(error) => format!("{shown} does not tell whether it has commit {short}: {}", because(&error)),
        };
        found.push(Unpublished { node, commit, why });
    }
    Ok(found)
}

/// Writes the files of packs into the history, for a push to send.
///
/// # Errors
/// When the files of one are not on this machine, cannot be read, or could be taken by nobody.
pub fn vendor(
    workspace: &Workspace,
    environment: &Environment,
    packs: &[Unpublished<'_>],
    context: &Context<'_>,
) -> Result<Vec<Vendored>, Error> {
    let mut sent = Vec::new();
    for pack in packs {
        let name = &pack.node.name;
        context.reporter.step(format!("Packing node pack {name} at {}", pack.commit.short(12)));
        let left_out = match kept_by(workspace, environment, pack)? {
            Some(folder) => snapshot::vendor(environment, name, pack.commit, &checkout::objects(&folder)?)?.left_out,
            None => Vec::new(),
        };
        // Who was sent the files by somebody else has nothing but them.
        let Some(entries) = snapshot::find_vendored(environment, name, pack.commit)? else {
            return Err(Error::Refused {
                message: format!("node pack {name} cannot be sent along: this machine does not have its commit"),
                details: vec![pack.complaint()],
                hint: Some("push from the machine that has it, or push the commit to the pack's repository".to_owned()),
            });
        };
        let bytes = size(environment, &entries)?;
        sent.push(Vendored { name: name.clone(), commit: pack.commit.clone(), files: entries.len(), bytes, left_out });
    }
    Ok(sent)
}

/// The repository on this machine that has a pack's commit.
fn kept_by(workspace: &Workspace, environment: &Environment, pack: &Unpublished<'_>) -> Result<Option<PathBuf>, Error> {
    let name = pack.node.name.as_str();
    let url = pack.node.repository.as_deref().unwrap_or_default();
    // Without a `.git` of its own git would look in ComfyUI's.
    let folders = [environment.custom_nodes().join(name), disabled_place(environment, name)];
    let clones = folders.into_iter().filter(|folder| folder.join(".git").exists());
    for folder in clones.chain([Mirror::open(&workspace.cache("git"), url)?.folder().to_owned()]) {
        if checkout::find_commit(&folder, pack.commit.as_str())?.is_some() {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

fn size(environment: &Environment, entries: &[Entry]) -> Result<u64, Error> {
    let objects = environment.repository()?.objects()?;
    entries.iter().try_fold(0, |sum, entry| Ok(sum + objects.blob_size(&entry.id)?))
}
