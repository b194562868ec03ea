//! Getting the ComfyUI that an installation has.

use comfydock_core::adoption::Left;
use comfydock_core::plan::adopt_install::{At, Wanted, tag_for};
use comfydock_git::checkout::{Mirror, Resolved};
use comfydock_git::program::without_credentials;

use crate::Error;
use crate::ops::Context;
use crate::ops::create::comfyui_location;
use crate::workspace::Workspace;

/// Where it comes from, and the state that is taken.
pub(super) struct Source {
    pub(super) url: String,
    pub(super) mirror: Mirror,
    pub(super) resolved: Resolved,
}

/// Finds the state that is wanted, or the nearest one that can be had, which is said.
///
/// # Errors
/// When the repository cannot be reached, or has nothing that would do.
pub(super) fn find(
    workspace: &Workspace,
    wanted: &Wanted,
    left: &mut Vec<Left>,
    context: &Context<'_>,
) -> Result<Source, Error> {
    let url = comfyui_location(&wanted.url);
    context.reporter.step(format!("Fetching ComfyUI from {}", without_credentials(&url)));
    let mirror = Mirror::open(&workspace.cache("git"), &url)?;
    if !context.network.offline {
        mirror.update()?;
    }
    let resolved = match &wanted.at {
        At::Chosen(reference) => mirror.resolve(Some(reference), true)?,
        At::Newest => mirror.resolve(None, true)?,
        At::Release(version) => release(&mirror, version, left)?,
        At::Commit { commit, version } => {
            let had = mirror.has(commit)? || (!context.network.offline && mirror.ensure(commit).is_ok());
            match (had, version) {
                (true, version) => {
                    // Its release's name is what people know it by.
                    let tags = mirror.tags_at(commit)?;
                    let named = version.as_ref().and_then(|version| tag_for(version, tags.iter().map(String::as_str)));
                    let requested = named.or(tags.first().map(String::as_str)).unwrap_or(commit.as_str()).to_owned();
                    Resolved { commit: commit.clone(), requested }
                }
                (false, Some(version)) => {
                    let reason =
                        format!("{} does not have it; the release {version} is taken", without_credentials(&url));
                    left.push(Left::new(format!("ComfyUI's commit {}", commit.short(12)), reason));
                    release(&mirror, version, left)?
                }
                (false, None) => {
                    return Err(Error::refused(
                        format!("{} does not have ComfyUI's commit {}", without_credentials(&url), commit.short(12)),
                        "name another state with --comfyui-version, or another repository with --comfyui-url",
                    ));
                }
            }
        }
    };
    Ok(Source { url, mirror, resolved })
}

fn release(mirror: &Mirror, version: &str, left: &mut Vec<Left>) -> Result<Resolved, Error> {
    let tags = mirror.tags()?;
    if let Some(tag) = tag_for(version, tags.iter().map(String::as_str)) {
        return Ok(mirror.resolve(Some(tag), true)?);
    }
    let newest = mirror.resolve(None, true)?;
    let reason = format!("there is no such release; {} is taken", newest.requested);
    left.push(Left::new(format!("ComfyUI {version}"), reason));
    Ok(newest)
}
