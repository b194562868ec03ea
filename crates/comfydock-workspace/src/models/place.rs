//! Bringing a file that is here to where ComfyUI looks for it (decision 7).

use std::fs;
use std::path::Path;

use comfydock_store::file;

use crate::Error;

/// How a file was brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    /// A second name of the same file.
    HardLink,
    /// A link to it on another file system.
    SymbolicLink,
}

/// Gives the model file `from` a place at `to`, which must be free.
///
/// # Errors
/// When `to` is taken or its folder cannot be written.
pub fn bring(from: &Path, to: &Path) -> Result<Brought, Error> {
    if let Some(folder) = to.parent() {
        file::create_folder(folder)?;
    }
    if file::leads_nowhere(to) {
        // It may lead to a drive that is not mounted now, and is not ours to remove.
        let reason = "a link that leads nowhere now stands there; mount its drive, or remove the link";
        return Err(file::Error::at("link", to)(std::io::Error::other(reason)).into());
    }
    let real = from.canonicalize().map_err(file::Error::at("find", from))?;
    match fs::hard_link(&real, to) {
        Ok(()) => Ok(Brought::HardLink),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Error::refused(
            format!("`{}` stands where a model is to be linked in", to.display()),
            "move it away, or rename it, then run the command again",
        )),
        // Another file system, or one without hard links.
        Err(_) => {
            std::os::unix::fs::symlink(&real, to).map_err(file::Error::at("link", to))?;
            Ok(Brought::SymbolicLink)
        }
    }
}
