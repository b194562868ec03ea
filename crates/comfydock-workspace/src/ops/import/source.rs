//! Where a bundle is taken from.

use std::fs::File;
use std::path::Path;

use comfydock_store::file;

use super::brought::Brought;
use super::opened::{Archive, open};
use super::published::Published;
use crate::Error;
use crate::ops::Context;
use crate::ops::registry::Access;
use crate::workspace::Workspace;

/// Where a bundle is taken from.
pub enum Source {
    /// A file on this machine, or one that was got.
    File(Brought),
    /// A registry; what lies there was looked at.
    Registry(Box<Published>, Access),
}

impl Source {
    /// How it is called in messages.
    pub fn shown(&self) -> String {
        match self {
            Self::File(brought) => brought.shown.clone(),
            Self::Registry(published, _) => published.reference.to_string(),
        }
    }

    /// It is not needed any more: a file that was got goes.
    pub fn done(&self) {
        if let Self::File(brought) = self {
            brought.done();
        }
    }

    /// What it is called where nothing in it says so.
    pub(super) fn stem(&self) -> String {
        match self {
            Self::File(brought) => brought.stem(),
            Self::Registry(published, _) => published.description.environment_name.clone(),
        }
    }

    /// Unpacks it into `folder`, which is new.
    ///
    /// # Errors
    /// When it cannot be had or breaks a rule.
    pub(super) fn open(&self, workspace: &Workspace, folder: &Path, context: &Context<'_>) -> Result<Archive, Error> {
        match self {
            Self::File(brought) => {
                context.reporter.step(format!("Opening {}", brought.shown));
                let archive = File::open(&brought.path).map_err(file::Error::at("open", &brought.path))?;
                open(archive, folder, &brought.shown)
            }
            Self::Registry(published, access) => {
                Ok(Archive::Bundle(Box::new(published.bring(workspace, folder, access, context)?)))
            }
        }
    }
}
