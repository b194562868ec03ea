//! `comfydock models …`: the index, its sources, and what is missing.

use std::path::{Path, PathBuf};

use comfydock_core::plan::library::KnownModel;
use comfydock_core::source::Source;
use comfydock_git::remote::Remote;

use super::fetch_models::{self, Report};
use super::reach::models_of;
use super::{Context, remotes};
use crate::Error;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::models::scan::{self, Scan, Unmeasured};
use crate::observe;
use crate::workspace::{Workspace, now};

/// Scans the workspace's models folders, and `extra` besides, which becomes one of them.
///
/// # Errors
/// When the index fails or the folder does not exist.
pub fn index(
    workspace: &mut Workspace,
    extra: Option<&Path>,
    full: bool,
    context: &Context<'_>,
) -> Result<Scan, Error> {
    if let Some(folder) = extra {
        let _lock = workspace.refresh()?;
        if workspace.add_models_folders(&[folder.to_owned()])? {
            workspace.save()?;
        }
    }
    let environment = workspace.environment(None).ok();
    let roots = scan::roots(workspace, environment.as_ref());
    let mut index = Index::open(workspace)?;
    let outcome = scan::scan(&mut index, &roots, context.reporter)?;
    if full {
        let files: Vec<Unmeasured> = index
            .models(&roots)?
            .iter()
            .filter(|model| model.sha256.is_none())
            .flat_map(|model| model.places.iter().map(|place| (place.clone(), model.size)))
            .map(|(place, size)| Unmeasured {
                root: roots[place.root].clone(),
                relative_path: place.relative_path,
                size,
            })
            .collect();
        scan::measure(&mut index, &files, context.reporter)?;
    }
    let _lock = workspace.refresh()?;
    let time = now();
    for folder in &mut workspace.settings.model_directories {
        if folder.path.is_dir() {
            folder.last_sync = Some(time.clone());
        }
    }
    workspace.save()?;
    Ok(outcome)
}

/// A model of the index with the paths of its files.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The model.
    pub model: KnownModel,
    /// Its files.
    pub paths: Vec<PathBuf>,
}

/// The models of this machine.
///
/// # Errors
/// When the index fails.
pub fn list(workspace: &Workspace, context: &Context<'_>) -> Result<Vec<Listed>, Error> {
    let environment = workspace.environment(None).ok();
    let library = observe::library(workspace, environment.as_ref(), None, context.reporter)?;
    let roots = scan::roots(workspace, environment.as_ref());
    let mut listed: Vec<Listed> = library
        .iter()
        .map(|(_, model)| Listed {
            model: model.clone(),
            paths: model.places.iter().map(|place| roots[place.root].join(&place.relative_path)).collect(),
        })
        .collect();
    listed.sort_by(|one, other| one.paths.cmp(&other.paths));
    Ok(listed)
}

/// The one model that a word means: the start of a hash, or a file name.
///
/// # Errors
/// When there is none, or several.
pub fn find(workspace: &Workspace, word: &str, context: &Context<'_>) -> Result<Listed, Error> {
    let lower = word.to_ascii_lowercase();
    let hash = lower.strip_prefix("sha256:").unwrap_or(&lower);
    let is_hash = hash.len() >= 6 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut matching: Vec<Listed> = list(workspace, context)?
        .into_iter()
        .filter(|listed| {
            let by_hash = is_hash
                && (listed.model.quick.as_str().starts_with(hash)
                    || listed.model.sha256.as_ref().is_some_and(|sha256| sha256.as_str().starts_with(hash))
                    || listed.model.blake3.as_ref().is_some_and(|blake3| blake3.as_str().starts_with(hash)));
            by_hash || listed.paths.iter().any(|path| path.ends_with(word))
        })
        .collect();
    match (matching.pop(), matching.len()) {
        (Some(found), 0) => Ok(found),
        (None, _) => Err(Error::refused(
            format!("no model here is called `{word}`"),
            "`comfydock models list` shows those that are; `comfydock models index` looks for new ones",
        )),
        (Some(last), _) => {
            matching.push(last);
            Err(Error::Refused {
                message: format!("`{word}` means several models"),
                details: matching
                    .iter()
                    .map(|listed| {
                        format!(
                            "{} {}",
                            listed.model.quick.short(12),
                            listed.paths.first().map(|path| path.display().to_string()).unwrap_or_default()
                        )
                    })
                    .collect(),
                hint: Some("name one by its hash".to_owned()),
            })
        }
    }
}

/// Remembers where a model can be had. Returns whether that was new.
///
/// # Errors
/// When the model is not known or the source not usable.
pub fn add_source(
    workspace: &Workspace,
    word: &str,
    source: &str,
    context: &Context<'_>,
) -> Result<(Listed, Source, bool), Error> {
    let source = Source::parse(source)?;
    let found = find(workspace, word, context)?;
    let fresh = Index::open(workspace)?.add_source(found.model.id, &source, "user")?;
    Ok((found, source, fresh))
}

/// Brings the models of an environment's last commit that are missing here.
///
/// # Errors
/// When the index or the history fails; models that do not come are in the reports.
pub fn download_missing(
    workspace: &Workspace,
    environment: &Environment,
    context: &Context<'_>,
) -> Result<Vec<Report>, Error> {
    let head = observe::head(environment)?;
    let origin: Option<Remote> = remotes::find(environment, None).ok();
    let hub =
        origin.and_then(|origin| remotes::at_url(&origin.url, &context.network).ok()).and_then(|location| location.hub);
    let steps = models_of(workspace, Some(environment), &head, hub.as_ref(), context)?;
    fetch_models::fetch(workspace, environment, steps, hub.as_ref(), context)
}
