//! Where a bundle is taken from.

use std::fs::File;
use std::path::Path;

use comfydock_store::file;

use super::opened::{Archive, open};
use super::published::Published;
use crate::Error;
use crate::ops::Context;
use crate::ops::registry::Access;
use crate::workspace::Workspace;

/// Where a bundle is taken from.
pub enum Source<'a> {
    /// A file on this machine.
    File(&'a Path),
    /// A registry; what lies there was looked at.
    Registry(&'a Published, &'a Access),
}

impl Source<'_> {
    /// How it is called in messages.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Registry(published, _) => published.reference.to_string(),
        }
    }

    /// Unpacks it into `folder`, which is new.
    ///
    /// # Errors
    /// When it cannot be had or breaks a rule.
    pub(super) fn open(&self, workspace: &Workspace, folder: &Path, context: &Context<'_>) -> Result<Archive, Error> {
        match self {
            Self::File(path) => {
                let archive = File::open(path).map_err(file::Error::at("open", path))?;
                open(archive, folder, &self.shown())
            }
            Self::Registry(published, access) => {
                Ok(Archive::Bundle(Box::new(published.bring(workspace, folder, access, context)?)))
            }
        }
    }
}
