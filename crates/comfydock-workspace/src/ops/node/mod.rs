//! `comfydock node`: packs come and go at once, on the disk, in the manifest, in the lock and in the
//! venv, in one transaction each. The next commit keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use comfydock_core::manifest::{Manifest, Node};
use comfydock_core::name::NodeName;
use comfydock_core::pack_identifier::{Identifier, RegistryId};
use comfydock_core::plan::clash::same_origin;
use comfydock_core::plan::reach::{Terms, Unchanged};

use super::Context;
use super::adopt;
use super::change::{self, Standing};
use super::install_scripts;
use super::reach::{Staged, stage};
use super::relock::{self, Relocked};
use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::ops::requirements;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

mod add;
mod develop;
mod list;
mod missing;
mod remove;
mod update;

pub use add::{add, develop};
pub use develop::described;
pub use list::{Listed, State, list};
pub use missing::missing;
pub use remove::remove;
pub use update::update;

/// How packs are changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether folders in the way are replaced whatever is in them; a copy is kept.
    pub force: bool,
    /// Whether packs are added although their requirements cannot be locked with the others'.
    pub no_test: bool,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The packs as the manifest records them now.
    pub nodes: Vec<Node>,
    /// Those of them that have an install script, which was not run here (decision 21).
    pub install_scripts: Vec<String>,
    /// Those of these whose script is another than the one that was run before.
    pub changed_scripts: Vec<String>,
    /// What was done to each, in words.
    pub plan: comfydock_core::plan::reach::Plan,
    /// Where files of the user's went that were in the way.
    pub kept: Vec<PathBuf>,
    /// Whether the lock is behind the manifest.
    pub behind: bool,
}

/// The pack of the manifest that a user means: by its folder, its id in the registry, or its repository.
///
/// # Errors
/// When there is none.
pub fn find<'a>(manifest: &'a Manifest, given: &str) -> Result<&'a Node, Error> {
    let by_name = NodeName::parse(given).ok().and_then(|name| manifest.nodes.get(&name.normalised()));
    if let Some(node) = by_name {
        return Ok(node);
    }
    let mut wanted = Node::new(NodeName::parse("wanted")?, comfydock_core::manifest::NodeSource::Git);
    match Identifier::parse(given) {
        Ok(Identifier::Registry { id, .. }) => wanted.registry_id = Some(id.as_str().to_owned()),
        Ok(Identifier::Repository { url, .. }) => wanted.repository = Some(url.fetch_url().to_owned()),
        Err(_) => {}
    }
    manifest.nodes.values().find(|node| same_origin(node, &wanted)).ok_or_else(|| {
        let names: Vec<String> = manifest.nodes.values().map(|node| node.name.to_string()).collect();
        let known = if names.is_empty() {
            "there are none yet; `comfydock node add` adds one".to_owned()
        } else {
            format!("there are: {}", names.join(", "))
        };
        Error::refused(format!("there is no node pack `{given}` in this environment"), known)
    })
}

/// Why a pack is not touched that `.comfydock_ignore` takes out.
fn left_alone(node: &Node) -> Error {
    Error::refused(
        format!("custom_nodes/{} is left alone: a line of .cec/.comfydock_ignore takes it out", node.name),
        "take that line out first",
    )
}

/// The registry id a manifest records.
fn registry_id(node: &Node) -> Result<RegistryId, Error> {
    let text = node.registry_id.as_deref().unwrap_or_default();
    Ok(RegistryId::parse(text)?)
}

/// Stages packs, writes them and their requirements into the manifest, locks, and applies everything
/// as one transaction. `retire` are folders that go to the trash on the way.
fn put_in(
    workspace: &Workspace,
    environment: &Environment,
    standing: Standing,
    nodes: Vec<Node>,
    retire: &[PathBuf],
    options: Options,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    // Said before anything is fetched; the plan says it again where it matters.
    drop(environment.keep_from_running("node packs")?);
    let ignored = Ignored::of(environment)?;
    if let Some(node) = nodes.iter().find(|node| ignored.has_pack(node.name.as_str())) {
        return Err(left_alone(node));
    }
    let mut transaction = Transaction::begin(&environment.home())?;
    let mut document = standing.document.clone();
    let mut staged: BTreeMap<String, Staged> = BTreeMap::new();
    let (mut with_script, mut changed_scripts) = (Vec::new(), Vec::new());
    let mut asks_more = false;
    for node in &nodes {
        // A development pack is where it is worked on.
        let in_place = node.source == comfydock_core::manifest::NodeSource::Development;
        let folder = if in_place {
            develop::place(environment, node)
        } else {
            let ready = stage(workspace, environment, &mut transaction, node, context)?;
            let folder = ready.folder.clone();
            staged.insert(node.name.to_string(), ready);
            folder
        };
        let mut node = node.clone();
        let known = standing.manifest.nodes.get(&node.name.normalised());
        let recorded = known.and_then(|known| known.install_script_sha256.clone());
        let script = install_scripts::identity(&folder)?;
        if script.is_some() {
            with_script.push(node.name.to_string());
        }
        if script.is_some() && recorded.is_some() && script != recorded {
            changed_scripts.push(node.name.to_string());
        }
        node.install_script_sha256 = recorded.filter(|_| script.is_some());
        asks_more |= adopt::record(&mut document, &node, &requirements::of_folder(&folder), context);
    }
    let (files, relocked) =
        locked(workspace, environment, &standing, &mut document, &transaction, asks_more, options, context)?;
    let target = standing.with(&document, files)?;
    let terms = terms(&nodes, options);
    let nodes = nodes.iter().filter_map(|node| target.manifest.nodes.get(&node.name.normalised()).cloned()).collect();
    let mut kept = Vec::new();
    for path in retire {
        kept.push(transaction.retire(path)?);
    }
    let draft = change::draft(workspace, environment, standing, target, Vec::new(), &terms, retire, context)?;
    let outcome = change::apply(workspace, environment, draft, transaction, staged, context)?;
    kept.extend(outcome.kept);
    let install_scripts = install_scripts::not_run(environment, with_script);
    Ok(Outcome { nodes, install_scripts, changed_scripts, plan: outcome.plan, kept, behind: relocked.behind })
}

/// The change is about these packs; others are left as they lie.
fn terms(nodes: &[Node], options: Options) -> Terms {
    let about: BTreeSet<String> = nodes.iter().map(|node| node.name.normalised()).collect();
    let force = if options.force { about.clone() } else { BTreeSet::new() };
    Terms { force, about, unchanged: Unchanged::Leave, ..Terms::default() }
}

/// The files of `.cec` with a lock that fits the document.
#[expect(clippy::too_many_arguments, reason = "it is the middle of two operations and has no state of its own")]
fn locked(
    workspace: &Workspace,
    environment: &Environment,
    standing: &Standing,
    document: &mut comfydock_core::manifest::Document,
    transaction: &Transaction,
    changed: bool,
    options: Options,
    context: &Context<'_>,
) -> Result<(BTreeMap<String, Vec<u8>>, Relocked), Error> {
    let mut files = standing.files.clone();
    if !changed {
        return Ok((files, Relocked { behind: false }));
    }
    let how = relock::Options { test: !options.no_test, hold_torch: true };
    let project = transaction.stage().join("resolution");
    let relocked = relock::lock(workspace, environment, document, &mut files, &project, how, context)?;
    Ok((files, relocked))
}
