//! Environments, models, and where models can be had.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::account::Right;
use super::settings::{Deleted, KeptFiles, Visibility};
use crate::digest::{Blake3, QuickHash, Sha256};
use crate::observation::Verdict;

/// The version of the answers in this module.
pub const SCHEMA: u32 = 1;

/// Keys that one look-up may carry.
pub const LOOKUP_LIMIT: usize = 1000;

/// How keys look, as far as a regular expression says it.
#[cfg(feature = "schema")]
const KEY: &str =
    r"^(sha256:[0-9A-Fa-f]{64}|blake3:[0-9A-Fa-f]{64}|quick:[0-9A-Fa-f]{64}\+[0-9]{1,18}|name:[^/\\]{1,255})$";

/// Bytes of a file name in a key.
const NAME_LIMIT: usize = 255;

/// How a model is asked for: `sha256:<hex>`, `blake3:<hex>`, `quick:<hex>+<size in bytes>` or `name:<file name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelKey {
    /// By identity.
    Sha256(Sha256),
    /// By the second full hash: the sources' claim, to be verified.
    Blake3(Blake3),
    /// By samples and size: a candidate, never proof.
    Quick(QuickHash, u64),
    /// By the name of its file, in any case: candidates that may have nothing in common.
    Name(String),
}

/// Text that is no model key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a model key; it must be `sha256:<hex>`, `blake3:<hex>`, `quick:<hex>+<size>` or `name:<file name>`"
)]
pub struct ModelKeyError(String);

impl ModelKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When the text has none of the four shapes.
    pub fn parse(text: &str) -> Result<Self, ModelKeyError> {
        let read = || {
            let (kind, value) = text.split_once(':')?;
            match kind {
                "sha256" => Sha256::parse(value).ok().map(Self::Sha256),
                "blake3" => Blake3::parse(value).ok().map(Self::Blake3),
                "quick" => {
                    let (hash, size) = value.split_once('+')?;
                    Some(Self::Quick(QuickHash::parse(hash).ok()?, size.parse().ok()?))
                }
                "name" => {
                    let is_name = !value.is_empty() && value.len() <= NAME_LIMIT && !value.contains(['/', '\\']);
                    is_name.then(|| Self::Name(value.to_owned()))
                }
                _ => None,
            }
        };
        read().ok_or_else(|| ModelKeyError(text.escape_debug().take(120).collect()))
    }
}

impl fmt::Display for ModelKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(hash) => write!(formatter, "sha256:{hash}"),
            Self::Blake3(hash) => write!(formatter, "blake3:{hash}"),
            Self::Quick(hash, size) => write!(formatter, "quick:{hash}+{size}"),
            Self::Name(name) => write!(formatter, "name:{name}"),
        }
    }
}

/// Body of `POST /api/v1/models/lookup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookupRequest {
    /// Up to [`LOOKUP_LIMIT`] keys in the shapes of [`ModelKey`].
    #[cfg_attr(feature = "schema", schemars(length(max = LOOKUP_LIMIT), inner(regex(pattern = KEY))))]
    pub keys: Vec<String>,
}

/// Answer of `POST /api/v1/models/lookup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookupAnswer {
    /// [`SCHEMA`].
    pub schema: u32,
    /// By each key exactly as it was asked for; null when nothing is known.
    pub models: BTreeMap<String, Option<Found>>,
}

/// What is known about one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// The key is a SHA-256, and everyone who knows it says the same.
    Model(Model),
    /// The key is weaker than a SHA-256, or the claims about it differ. The asker decides and verifies.
    Candidates(Vec<Model>),
}

impl Found {
    /// Every model it may be.
    pub fn models(&self) -> &[Model] {
        match self {
            Self::Model(model) => std::slice::from_ref(model),
            Self::Candidates(models) => models,
        }
    }
}

/// A model as environments on the hub describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Model {
    /// Its identity; absent when nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub sha256: Option<Sha256>,
    /// Its second full hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub blake3: Option<Blake3>,
    /// The hash of its samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub quick: Option<QuickHash>,
    /// Bytes.
    pub size: u64,
    /// The file name it was last pushed with.
    pub filename: String,
    /// The category it was last pushed with, such as `checkpoints`.
    pub category: String,
    /// The environments that describe it so, as `owner/name`.
    #[serde(default)]
    pub said_by: Vec<String>,
    /// Where it can be had.
    #[serde(default)]
    pub sources: Vec<ModelSource>,
}

/// A place where a model can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelSource {
    /// The source in its canonical form, such as `hf:org/name@<commit>/path` or an https URL.
    pub locator: String,
    /// The environments that name it, as `owner/name`.
    #[serde(default)]
    pub said_by: Vec<String>,
    /// What it was found to be worth lately; absent when nobody told. A source that has another file, or none, comes
    /// last and is not left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Verdict>,
    /// When somebody last had all bytes from it, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<String>,
}

/// Answer of `GET /api/v1/environments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EnvironmentList {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Those the asker may see, by owner and name.
    pub environments: Vec<EnvironmentSummary>,
}

/// An environment on the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EnvironmentSummary {
    /// The user or team it belongs to.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// The commit of its branch `main`.
    pub tip: String,
    /// When the tip arrived, RFC 3339 in UTC.
    pub pushed_at: String,
    /// The user who pushed it.
    pub pushed_by: String,
    /// The version of ComfyUI it runs on.
    pub comfyui_version: String,
    /// How many workflows it has.
    pub workflows: u64,
    /// How many node packs it has.
    pub nodes: u64,
    /// How many models its workflows use.
    pub models: u64,
    /// Bytes of those models together.
    pub model_bytes: u64,
    /// Who may see it.
    #[serde(default)]
    pub visibility: Visibility,
    /// What the asker may do with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may: Option<Right>,
    /// That it is deleted, and until when it can be restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Deleted>,
    /// Model files that the hub keeps for it; told to those who may say who sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptFiles>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written_the_same() {
        let hex = "ab".repeat(32);
        for text in
            [format!("sha256:{hex}"), format!("blake3:{hex}"), format!("quick:{hex}+12"), "name:A b.pt".to_owned()]
        {
            assert_eq!(ModelKey::parse(&text).unwrap().to_string(), text);
        }
        for text in ["", "sha256:", "md5:ab", &format!("quick:{hex}"), &format!("quick:{hex}+-1"), "name:", "name:a/b"]
        {
            assert!(ModelKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_answer_reads_as_documented_and_tolerates_new_fields() {
        let hex = "ab".repeat(32);
        let text = format!(
            r#"{{"schema":1,"new":0,"models":{{"sha256:{hex}":{{"model":{{"sha256":"{hex}","size":3,"filename":"a","category":"c","later":1}}}},"quick:x":null}}}}"#
        );
        let answer: LookupAnswer = serde_json::from_str(&text).unwrap();
        let found = answer.models[&format!("sha256:{hex}")].clone().unwrap();
        assert_eq!(found.models()[0].size, 3);
        assert_eq!(answer.models["quick:x"], None);
    }
}
