//! `comfydock node add`: packs of the registry, of git repositories, and those that are worked on here.

use std::path::PathBuf;

use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::pack_identifier::{Identifier, RegistryId, Version, directory};
use comfydock_core::plan::clash::{Clash, There, clashes, same_origin};
use comfydock_core::repository_url::RepositoryUrl;
use comfydock_git::checkout;
use comfydock_git::program::without_credentials;

use super::{Context, Options, Outcome, put_in};
use crate::Error;
use crate::environment::Environment;
use crate::observe::packs::{self, Packs, disabled_place};
use crate::ops::change::Standing;
use crate::ops::create::comfyui_location;
use crate::ops::node::develop::described;
use crate::ops::reach::commit_of;
use crate::packs::{Store, TRACKING};
use crate::remote::registry::Registry;
use crate::workspace::Workspace;

/// Adds packs: all of them or none.
///
/// # Errors
/// When something is in the way, a pack cannot be had, or its requirements contradict others;
/// nothing has changed then.
pub fn add(
    workspace: &Workspace,
    environment: &Environment,
    given: &[String],
    options: Options,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let standing = Standing::of(environment)?;
    let packs = packs::packs(environment)?;
    let mut retire = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    for text in given {
        let identifier = Identifier::parse(&comfyui_location(text))?;
        let exact = match &identifier {
            Identifier::Registry { version, .. } => version.is_some(),
            Identifier::Repository { reference, .. } => reference.is_some(),
        };
        // Looked for twice: by what is known of the pack without asking, then by what was learnt.
        let outline = outline(&identifier)?;
        check(environment, &standing, &packs, &outline, exact, options, &mut Vec::new())?;
        let node = match recorded(&standing, &packs, &outline).filter(|_| !exact) {
            Some(node) => node,
            None => resolve(workspace, &identifier, outline, context)?,
        };
        check(environment, &standing, &packs, &node, exact, options, &mut retire)?;
        if nodes.iter().any(|other| other.name.normalised() == node.name.normalised()) {
            return Err(Error::refused(format!("`{}` is named twice", node.name), "name each pack once"));
        }
        set_aside(environment, &packs, &node, options, &mut retire)?;
        nodes.push(node);
    }
    put_in(workspace, environment, standing, nodes, &retire, options, context)
}

/// Tracks folders of `custom_nodes` as packs that are worked on here.
///
/// # Errors
/// When there is no such folder, or its requirements contradict others; nothing has changed then.
pub fn develop(
    workspace: &Workspace,
    environment: &Environment,
    given: &[String],
    options: Options,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let standing = Standing::of(environment)?;
    let packs = packs::packs(environment)?;
    let mut nodes = Vec::new();
    for text in given {
        let name = directory(text)?;
        let there = packs.folders.contains_key(name.as_str());
        if !there && !packs.disabled.contains(name.as_str()) {
            return Err(Error::refused(
                format!("there is no folder custom_nodes/{name}"),
                "clone or make it there first; without --dev a registry id or a git URL is fetched",
            ));
        }
        if let Some(known) = standing
            .manifest
            .nodes
            .get(&name.normalised())
            .filter(|known| known.name != name || (known.source == NodeSource::Development && there))
        {
            if known.name != name {
                return Err(Error::refused(
                    format!(
                        "node pack `{}` is tracked, and its name differs from `{name}` only in spelling",
                        known.name
                    ),
                    format!("`comfydock node remove {}` first, if the other is meant", known.name),
                ));
            }
            return Err(Error::refused(
                format!("node pack `{}` is tracked already", known.name),
                format!("`comfydock node update {}` reads its requirements again", known.name),
            ));
        }
        nodes.push(described(environment, &name)?);
    }
    put_in(workspace, environment, standing, nodes, &[], options, context)
}

/// The pack as the manifest has it, when its folder is missing: it was taken away, or could not be had
/// on this machine before. It comes as it is recorded, from the caches if they have it.
fn recorded(standing: &Standing, packs: &Packs, outline: &Node) -> Option<Node> {
    let known = standing.manifest.nodes.get(&outline.name.normalised())?;
    let missing = !packs.folders.contains_key(known.name.as_str());
    (missing && known.can_be_had() && same_origin(known, outline)).then(|| known.clone())
}

/// What a name says by itself.
fn outline(identifier: &Identifier) -> Result<Node, Error> {
    Ok(match identifier {
        Identifier::Registry { id, version } => Node {
            registry_id: Some(id.as_str().to_owned()),
            version: version.map(|version| version.to_string()),
            ..Node::new(id.folder_name().clone(), NodeSource::Registry)
        },
        Identifier::Repository { url, .. } => Node {
            repository: Some(without_credentials(url.fetch_url())),
            ..Node::new(url.folder_name()?, NodeSource::Git)
        },
    })
}

fn resolve(
    workspace: &Workspace,
    identifier: &Identifier,
    outline: Node,
    context: &Context<'_>,
) -> Result<Node, Error> {
    match identifier {
        Identifier::Registry { id, version } => release(workspace, id, *version, outline, false, context),
        Identifier::Repository { url, reference } => clone_of(workspace, url, reference.as_deref(), outline, context),
    }
}

/// Fetches a release, so that its hash is known. With `afresh` no kept answer says which is the newest.
pub(super) fn release(
    workspace: &Workspace,
    id: &RegistryId,
    version: Option<Version>,
    outline: Node,
    afresh: bool,
    context: &Context<'_>,
) -> Result<Node, Error> {
    let registry = Registry::open(workspace, context.network.offline, context.reporter)?;
    let registry = if afresh { registry.afresh() } else { registry };
    let (node, version) = match version {
        Some(version) => (None, version),
        None => {
            let (node, newest) = registry.newest(id)?;
            let version = Version::parse(&newest.version).ok_or_else(|| {
                Error::refused(
                    format!("the newest version of `{id}` in the registry, `{}`, is none", newest.version),
                    "name a version: ID@VERSION",
                )
            })?;
            (Some(node), version)
        }
    };
    context.reporter.step(format!("Fetching {id} {version} from the Comfy registry"));
    let stored = Store::open(workspace).fetch(&registry, id, version, None)?;
    let node = match node {
        Some(node) => Some(node),
        // What cannot be told of a pack that is here does not keep it from being used.
        None => registry.node(id).ok(),
    };
    let repository = node.map(|node| node.repository).filter(|url| RepositoryUrl::parse(url).is_ok());
    Ok(Node {
        version: Some(version.to_string()),
        sha256: Some(stored.sha256().clone()),
        repository: repository.map(|url| without_credentials(&url)),
        ..outline
    })
}

/// Finds the commit of a repository.
pub(super) fn clone_of(
    workspace: &Workspace,
    url: &RepositoryUrl,
    reference: Option<&str>,
    outline: Node,
    context: &Context<'_>,
) -> Result<Node, Error> {
    let name = format!("node pack {}", outline.name);
    let (_, resolved) = commit_of(workspace, url.fetch_url(), (reference, false), &name, context)?;
    Ok(Node { commit: Some(resolved.commit), requested_ref: Some(resolved.requested), ..outline })
}

/// Refuses what is in the way; with `--force` what may go is put down to be retired.
fn check(
    environment: &Environment,
    standing: &Standing,
    packs: &Packs,
    node: &Node,
    exact: bool,
    options: Options,
    retire: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let there = There { folders: &packs.folders, files: &packs.files, nodes: &standing.manifest.nodes };
    let found = clashes(&there, node, exact);
    let Some(first) = found.iter().find(|clash| !(options.force && clash.yields_to_force())) else {
        // All of it goes to the trash: nobody knows what in it is the user's.
        let others = found.iter().map(Clash::folder);
        retire.extend(others.map(|folder| environment.custom_nodes().join(folder)));
        return Ok(());
    };
    let at = |folder: &str, commit: &Option<comfydock_core::digest::CommitId>| {
        let branch = checkout::branch(&environment.custom_nodes().join(folder)).ok().flatten();
        let branch = branch.map_or("no branch".to_owned(), |branch| format!("branch {branch}"));
        let commit = commit.as_ref().map_or("no commit", |commit| commit.short(12));
        format!("{branch}, {commit}")
    };
    let message = match first {
        Clash::Tracked { name } => format!("node pack `{name}` is there already"),
        Clash::TrackedOtherwise { name, from } => {
            format!("node pack `{name}` is the same pack, had from {}", without_credentials(from))
        }
        Clash::Directory { folder } => format!("custom_nodes/{folder} is there already and is no git repository"),
        Clash::LocalRepository { folder, commit } => {
            format!("custom_nodes/{folder} is a git repository without a remote ({})", at(folder, commit))
        }
        Clash::SameRepository { folder, commit } => {
            format!("custom_nodes/{folder} is a clone of the same repository ({})", at(folder, commit))
        }
        Clash::OtherRepository { folder, url, commit } => format!(
            "custom_nodes/{folder} is a clone of what looks like another repository, {} ({})",
            without_credentials(url),
            at(folder, commit)
        ),
    };
    Err(Error::refused(message, first.remedy(node.name.as_str())))
}

/// A copy of the pack that was set aside goes to the trash (decision 22), unless it may hold work that
/// is nowhere else.
fn set_aside(
    environment: &Environment,
    packs: &Packs,
    node: &Node,
    options: Options,
    retire: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    if !packs.disabled.contains(node.name.as_str()) {
        return Ok(());
    }
    let place = disabled_place(environment, node.name.as_str());
    let state = checkout::inspect(&place)?;
    let holds_work = match &state {
        Some(state) => !state.modified.is_empty() || checkout::has_own_work(&place, None)?,
        // A release of the registry can be had again; of other files nobody knows.
        None => !place.join(TRACKING).is_file(),
    };
    if holds_work && !options.force {
        return Err(Error::refused(
            format!("custom_nodes/{}.disabled holds work that is nowhere else", node.name),
            format!(
                "`comfydock node add {} --dev` brings it back; --force puts it into the environment's trash",
                node.name
            ),
        ));
    }
    retire.push(place);
    Ok(())
}
