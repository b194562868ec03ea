//! What other programs' files say of a model, and how far that is believed (decision 62).

use serde::{Deserialize, Serialize};

use crate::digest::{Blake3, Sha256};
use crate::source::Source;

/// How far a claim is believed. Only what was measured here is a model's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// About a file of this name; nothing ties it to these bytes.
    Hint,
    /// About the file that is still there: its size or time of change is the one recorded then.
    Claimed,
}

/// What a file beside a model says of it. Good for finding where the model can be had, never for
/// telling which model it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// How far it is believed.
    pub trust: Trust,
    /// The SHA-256 it names.
    pub sha256: Option<Sha256>,
    /// The BLAKE3 it names.
    pub blake3: Option<Blake3>,
    /// Where it says the model can be had.
    pub sources: Vec<Source>,
    /// The kind of file that says so, as `civitai.info`.
    pub format: String,
    /// The path of the file that says so.
    pub origin: String,
}

/// The endings of files that say something of the model beside them.
const ENDINGS: [&str; 3] = [".civitai.info", ".cm-info.json", ".metadata.json"];

/// Whether a file of this name may say something of the model beside it.
pub fn is_sidecar(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}
