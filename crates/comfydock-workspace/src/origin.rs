//! `.comfydock/origin.json`: the bundle an environment was imported from, on this machine.

use comfydock_core::digest::{CommitId, Sha256};
use comfydock_store::file;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::environment::Environment;

/// Where an environment came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// What was named: a file, a URL, a reference.
    pub source: String,
    /// The identity of the bundle's content.
    pub content_digest: Sha256,
    /// The commit that was exported, on the machine that exported it.
    pub commit: CommitId,
    /// The commit it became here.
    pub imported_as: CommitId,
}

impl Origin {
    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, environment: &Environment) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        Ok(file::write(&environment.home().join("origin.json"), &text)?)
    }

    /// Reads it; none for an environment that was not imported.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(environment: &Environment) -> Result<Option<Self>, Error> {
        let text = file::find_text(&environment.home().join("origin.json"))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}
