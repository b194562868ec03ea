//! `comfydock node add URL[@REF]`: a node pack from a git repository.

use comfydock_core::foreign;
use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::name::NodeName;
use comfydock_git::checkout::Mirror;
use comfydock_git::program::without_credentials;
use comfydock_git::repository::NewFile;
use comfydock_store::file;
use std::collections::BTreeMap;

use super::commit::put_files;
use super::create::comfyui_location;
use super::relock::relock;
use super::{Context, adopt};
use crate::Error;
use crate::environment::Environment;
use crate::python;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// A node pack to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The repository.
    pub url: String,
    /// A branch, tag or commit; the default branch without one.
    pub reference: Option<String>,
}

/// Reads `URL` or `URL@REF`; an `@` before the last `/` belongs to the URL.
pub fn parse(given: &str) -> Wanted {
    let start = given.rfind('/').map_or(0, |index| index + 1);
    match given[start..].split_once('@') {
        Some((name, reference)) if !name.is_empty() && !reference.is_empty() => {
            Wanted { url: format!("{}{name}", &given[..start]), reference: Some(reference.to_owned()) }
        }
        _ => Wanted { url: given.to_owned(), reference: None },
    }
}

/// The folder a clone of this URL gets.
fn folder_name(url: &str) -> Result<NodeName, Error> {
    let trimmed = url.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    Ok(NodeName::parse(trimmed.rsplit(['/', ':']).next().unwrap_or_default())?)
}

/// What was added.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The pack as the manifest records it.
    pub node: Node,
    /// Whether it has an install script, which is not run (decision 21).
    pub has_install_script: bool,
}

/// Fetches the pack, locks its requirements with the others', and puts everything in place as one
/// transaction. Nothing is committed.
///
/// # Errors
/// When the name is taken, the repository cannot be had, or its requirements contradict others;
/// nothing has changed then.
pub fn node_add(
    workspace: &Workspace,
    environment: &Environment,
    wanted: &Wanted,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let _lock = environment.lock()?;
    let name = folder_name(&wanted.url)?;
    let mut document = environment.manifest()?;
    let manifest = document
        .manifest()
        .map_err(|source| Error::Manifest { place: "the manifest cannot be taken".to_owned(), source })?;
    check_free(environment, &manifest, &name)?;
    let _lease = environment.keep_from_running("its node packs")?;
    let url = comfyui_location(&wanted.url);
    context.reporter.step(format!("Fetching {name} from {}", without_credentials(&url)));
    let mirror = Mirror::open(&workspace.cache("git"), &url)?;
    if !context.network.offline {
        mirror.update()?;
    }
    let resolved = mirror.resolve(wanted.reference.as_deref(), false)?;
    let previous = environment.generation()?;
    let mut transaction = Transaction::begin(&environment.home())?;
    let staged = transaction.stage_for(&environment.custom_nodes())?.join(name.as_str());
    mirror.check_out(&resolved.commit, &staged)?;
    let requirements = staged.join("requirements.txt");
    let bytes = if requirements.is_file() { file::read(&requirements)? } else { Vec::new() };
    let node = Node {
        repository: Some(without_credentials(&url)),
        commit: Some(resolved.commit),
        requested_ref: Some(resolved.requested),
        ..Node::new(name.clone(), NodeSource::Git)
    };
    let mut files = BTreeMap::new();
    if let Ok(lock) = std::fs::read(environment.cec().join(foreign::PYTHON_LOCK)) {
        files.insert(foreign::PYTHON_LOCK.to_owned(), lock);
    }
    let relocked = adopt::record(&mut document, &node, &bytes, context);
    if relocked {
        relock(workspace, environment, &mut document, &mut files, &mut transaction, context)?;
    }
    transaction.rename(&staged, &environment.custom_nodes().join(name.as_str()))?;
    let mut changed = vec![NewFile { path: foreign::MANIFEST.to_owned(), bytes: document.text().into_bytes() }];
    if relocked {
        changed.extend(files.into_iter().map(|(path, bytes)| NewFile { path, bytes }));
    }
    put_files(environment, &mut transaction, &changed)?;
    let has_install_script = staged.join("install.py").is_file();
    transaction.commit()?;
    if relocked {
        python::sweep(environment, previous.as_deref())?;
    }
    Ok(Outcome { node, has_install_script })
}

fn check_free(
    environment: &Environment,
    manifest: &comfydock_core::manifest::Manifest,
    name: &NodeName,
) -> Result<(), Error> {
    if let Some(node) = manifest.nodes.get(&name.normalised()) {
        return Err(Error::refused(format!("node pack `{}` is already there", node.name), "there is nothing to do"));
    }
    // Two spellings of one name would load the pack twice.
    let taken = crate::observe::packs::packs(environment)?
        .folders
        .into_keys()
        .find(|folder| NodeName::parse(folder).is_ok_and(|folder| folder.normalised() == name.normalised()));
    let plain = environment.custom_nodes().join(name.as_str());
    match taken {
        Some(folder) => Err(Error::refused(
            format!("custom_nodes/{folder} is already there"),
            "`comfydock commit` takes over a clean git clone; move anything else away first",
        )),
        None if plain.symlink_metadata().is_ok() => {
            Err(Error::refused(format!("`{}` is in the way", plain.display()), "move it away first"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_what_follows_the_last_segment() {
        for (given, url, reference) in [
            ("https://x/u/r", "https://x/u/r", None),
            ("https://x/u/r@v1.2", "https://x/u/r", Some("v1.2")),
            ("git@x.org:u/r.git@main", "git@x.org:u/r.git", Some("main")),
            ("git@x.org:u/r", "git@x.org:u/r", None),
        ] {
            let wanted = parse(given);
            assert_eq!((wanted.url.as_str(), wanted.reference.as_deref()), (url, reference), "{given}");
        }
        assert_eq!(folder_name("https://x/u/ComfyUI-Pack.git/").unwrap().as_str(), "ComfyUI-Pack");
    }
}
