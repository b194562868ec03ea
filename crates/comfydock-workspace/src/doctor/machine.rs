//! The programs that are needed, and room on the disks.

use comfydock_core::hint::Hint as _;
use comfydock_git::serve::Git;
use comfydock_git::upkeep::OLDEST;
use comfydock_store::space::Space;

use super::Finding;
use crate::models::roots;
use crate::ops::Context;
use crate::process::uv::{self, Uv};
use crate::workspace::Workspace;

/// With less than this much room even small things fail.
const TIGHT: u64 = 200 << 20;
/// With less than this much room an environment cannot be made.
const LITTLE: u64 = 5 << 30;

pub(super) fn examine(workspace: &Workspace, context: &Context<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(git());
    found.extend(uv(workspace, context));
    found.extend(disks(workspace));
    for folder in roots::offline(workspace) {
        found.push(Finding::warning(
            "models-folder",
            format!("the models folder `{}` is not there; its models are taken as offline", folder.display()),
            format!("mount its drive, or take it off with `comfydock models forget {}`", folder.display()),
        ));
    }
    found
}

fn git() -> Option<Finding> {
    let install = "install it (Debian: `apt install git`) and make sure it is on PATH";
    match Git::find().and_then(|git| git.version()) {
        Ok(version) if version >= OLDEST => None,
        Ok((major, minor)) => Some(Finding::error(
            "git",
            format!("git is {major}.{minor}; {}.{} or newer is needed", OLDEST.0, OLDEST.1),
            "update it (Debian: `apt install git`)",
        )),
        Err(error) => Some(Finding::error("git", format!("git does not work: {error}"), install)),
    }
}

fn uv(workspace: &Workspace, context: &Context<'_>) -> Option<Finding> {
    // To look must not install anything.
    match Uv::find(workspace, true, context.reporter) {
        Ok(_) => None,
        Err(uv::Error::Missing) => Some(Finding::warning(
            "uv",
            "there is no uv on this machine",
            "the next command that needs it installs it into the workspace; `pip install uv` does it now",
        )),
        Err(error) => {
            let hint = error.hint().unwrap_or_else(|| "install another: `pip install --upgrade uv`".to_owned());
            Some(Finding::error("uv", error.to_string(), hint))
        }
    }
}

fn disks(workspace: &Workspace) -> Vec<Finding> {
    let uv_cache = Uv::cache_of(workspace);
    let models = workspace.download_target().ok().map(|folder| ("the models folder", folder.path.clone()));
    let places = [("the workspace", workspace.root().to_owned()), ("uv's cache", uv_cache)];
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for (what, path) in places.into_iter().chain(models) {
        let Ok(space) = Space::of(&path) else { continue };
        if seen.contains(&space.device) {
            continue;
        }
        seen.push(space.device);
        let text = || {
            format!(
                "the file system of {what} (mounted at `{}`) has {} MiB free",
                space.mount_point.display(),
                space.available >> 20
            )
        };
        let hint = "free some: `comfydock gc` says what can go, `comfydock gc --uv` what uv keeps for nobody";
        if space.available < TIGHT {
            found.push(Finding::error("disk", text(), hint));
        } else if space.available < LITTLE {
            found.push(Finding::warning("disk", text(), hint));
        }
    }
    found
}
