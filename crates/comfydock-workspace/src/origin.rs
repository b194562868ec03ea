//! `.comfydock/origin.json`: the bundle an environment was imported from, on this machine.

use comfydock_core::digest::{CommitId, Sha256};
use comfydock_core::oci::Digest;
use comfydock_core::trust::Fingerprint;
use comfydock_store::file;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::environment::Environment;

/// Who vouched for a bundle when it was imported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// The digest of the artifact in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Who signed it, of those who were believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Fingerprint>,
    /// How it came to be believed.
    pub trust: HowTrusted,
}

/// How a bundle came to be believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HowTrusted {
    /// Its signer was trusted before.
    Trusted,
    /// Its signer was trusted on this occasion.
    FirstUse,
    /// It was taken although nobody who is trusted signed it.
    AllowedUnsigned,
    /// It is a file without a signature, from wherever the user has it.
    #[default]
    UnsignedFile,
}

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
    /// Who vouched for it.
    #[serde(flatten)]
    pub vouched: Vouched,
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
