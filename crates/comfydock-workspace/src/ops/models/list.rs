//! The models of this machine, and the one that a word means.

use std::path::PathBuf;

use comfydock_core::plan::library::KnownModel;

use comfydock_store::hash::Stamp;

use crate::Error;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan;
use crate::observe;
use crate::ops::Context;
use crate::workspace::Workspace;

/// A model of the index with the paths of its files.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The model.
    pub model: KnownModel,
    /// Its files.
    pub paths: Vec<PathBuf>,
    /// Where it was seen, when none of its files can be reached.
    pub offline: Vec<PathBuf>,
}

/// The models of this machine.
///
/// # Errors
/// When the index fails.
pub fn list(workspace: &Workspace, context: &Context<'_>) -> Result<Vec<Listed>, Error> {
    let environment = workspace.environment(None).ok();
    let library = observe::library(workspace, environment.as_ref(), None, None, context.reporter)?;
    let roots = Roots::of(workspace, environment.as_ref())?;
    let mut listed: Vec<Listed> = library
        .iter()
        .map(|(_, model)| Listed {
            model: model.clone(),
            paths: model.places.iter().map(|place| roots.path(place)).collect(),
            offline: Vec::new(),
        })
        .collect();
    listed.sort_by(|one, other| one.paths.cmp(&other.paths));
    Ok(listed)
}

/// The models none of whose files can be reached now, as the last look left them.
///
/// # Errors
/// When the index fails.
pub fn offline(workspace: &Workspace) -> Result<Vec<Listed>, Error> {
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let away = Index::open(workspace)?.offline(&roots)?;
    Ok(away.into_iter().map(|(model, offline)| Listed { model, paths: Vec::new(), offline }).collect())
}

/// The one model that a word means: the start of a hash, or a file name. One that cannot be reached
/// is meant when none is that can.
///
/// # Errors
/// When there is none, or several.
pub fn find(workspace: &Workspace, word: &str, context: &Context<'_>) -> Result<Listed, Error> {
    // Every path ends in nothing.
    if word.trim().is_empty() {
        return Err(Error::refused("that is no name of a model", "name a file, or the start of a hash"));
    }
    let lower = word.to_ascii_lowercase();
    let hash = lower.strip_prefix("sha256:").unwrap_or(&lower);
    let is_hash = hash.len() >= 6 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash && let Some(found) = by_hash(workspace, hash)? {
        return Ok(found);
    }
    let means = |listed: &Listed| {
        let by_hash = is_hash
            && (listed.model.quick.as_str().starts_with(hash)
                || listed.model.sha256.as_ref().is_some_and(|sha256| sha256.as_str().starts_with(hash))
                || listed.model.blake3.as_ref().is_some_and(|blake3| blake3.as_str().starts_with(hash)));
        by_hash || listed.paths.iter().chain(&listed.offline).any(|path| path.ends_with(word))
    };
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let mut index = Index::open(workspace)?;
    scan::scan(&mut index, &roots, context.reporter)?;
    let mut found = index.called(word.rsplit('/').next().unwrap_or(word), &roots)?;
    if is_hash {
        let by_hash = index.find(hash, &roots)?.into_iter();
        found.extend(by_hash.filter(|model| !found.iter().any(|known| known.id == model.id)).collect::<Vec<_>>());
    }
    let listed = found.into_iter().map(|model| {
        let paths = model.places.iter().map(|place| roots.path(place)).collect();
        Listed { model, paths, offline: Vec::new() }
    });
    let mut matching: Vec<Listed> = listed.filter(means).collect();
    if matching.is_empty() {
        matching = offline(workspace)?.into_iter().filter(means).collect();
    }
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
                            listed
                                .paths
                                .iter()
                                .chain(&listed.offline)
                                .next()
                                .map(|path| path.display().to_string())
                                .unwrap_or_default()
                        )
                    })
                    .collect(),
                hint: Some("name one by its hash".to_owned()),
            })
        }
    }
}

/// The one model whose hash begins so, if its files are those that the index saw: nothing has to be
/// looked through then.
fn by_hash(workspace: &Workspace, start: &str) -> Result<Option<Listed>, Error> {
    let environment = workspace.environment(None).ok();
    let roots = Roots::of(workspace, environment.as_ref())?;
    let index = Index::open(workspace)?;
    let mut found = index.find(start, &roots)?;
    let (Some(model), true) = (found.pop(), found.is_empty()) else { return Ok(None) };
    for place in &model.places {
        let Some(root) = roots.get(place.root) else { return Ok(None) };
        let location = index.location(root, root.below(&place.relative_path))?;
        let now = roots.path(place).metadata().ok().map(|meta| Stamp::of(&meta));
        if now.is_none() || location.map(|location| location.stamp) != now {
            return Ok(None);
        }
    }
    let paths: Vec<PathBuf> = model.places.iter().map(|place| roots.path(place)).collect();
    Ok((!paths.is_empty()).then_some(Listed { model, paths, offline: Vec::new() }))
}
