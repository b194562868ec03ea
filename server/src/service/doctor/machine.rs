//! The machine: git, the folder, the disk.

use std::os::unix::fs::PermissionsExt as _;

use comfydock_git::serve::Git;
use comfydock_git::upkeep::OLDEST;
use comfydock_store::space::Space;

use super::{Finding, Tell};
use crate::data::{DataFolder, HOOK};
use crate::service::Error;

/// Less room than this is soon none.
const SPACE: u64 = 1 << 30;

/// Looks at the machine; returns git if it can be used.
pub(super) fn examine(data: &DataFolder, tell: Tell<'_>) -> Result<Option<Git>, Error> {
    let git = git(tell)?;
    tell(folder(data))?;
    tell(space(data))?;
    tell(hook(data))?;
    Ok(git)
}

fn git(tell: Tell<'_>) -> Result<Option<Git>, Error> {
    let wanted = format!("install git {}.{} or newer and put it on the PATH of the hub", OLDEST.0, OLDEST.1);
    match Git::find().and_then(|git| Ok((git.version()?, git))) {
        Ok((version, git)) if version >= OLDEST => {
            tell(Finding::sound(format!("git {}.{}", version.0, version.1)))?;
            Ok(Some(git))
        }
        Ok(((major, minor), _)) => {
            tell(Finding::problem(format!("git {major}.{minor} is too old"), wanted))?;
            Ok(None)
        }
        Err(error) => {
            tell(Finding::problem(error.to_string(), wanted))?;
            Ok(None)
        }
    }
}

fn folder(data: &DataFolder) -> Finding {
    let path = data.root().display();
    match data.root().metadata() {
        Err(error) => Finding::problem(format!("{path}: {error}"), "give the hub's user its folder back"),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Finding::problem(
            format!("{path} can be entered by others (mode {:o})", meta.permissions().mode() & 0o777),
            format!("`chmod 700 {path}`"),
        ),
        Ok(_) => Finding::sound(format!("{path} is its owner's only")),
    }
}

fn space(data: &DataFolder) -> Finding {
    match Space::of(data.root()) {
        Ok(space) => {
            let free = format!("{} MiB free on {}", space.available >> 20, space.mount_point.display());
            if space.available < SPACE {
                Finding::problem(free, "make room: a full disk stops pushes")
            } else {
                Finding::sound(free)
            }
        }
        Err(error) => Finding::problem(format!("the free space is not known: {error}"), "look at the disk"),
    }
}

/// git takes a hook that is missing for a yes, so the hub refuses pushes then.
fn hook(data: &DataFolder) -> Finding {
    let path = data.hooks().join(HOOK);
    if path.symlink_metadata().is_err() {
        return Finding::problem(
            format!("{} is missing", path.display()),
            "`comfydock-hub serve` makes it at its start",
        );
    }
    match path.metadata() {
        Ok(meta) if meta.permissions().mode() & 0o111 != 0 => Finding::sound("the hook that judges pushes"),
        _ => Finding::problem(
            format!("{} leads to no program", path.display()),
            "start the hub again: it was moved or upgraded since",
        ),
    }
}
