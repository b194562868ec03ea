//! What clients tell a hub about models, and what of its catalog changed.

use serde::{Deserialize, Serialize};

use super::catalog::Model;
use crate::digest::Sha256;
use crate::observation::Verdict;

/// Observations, or models, that one request may carry.
pub const REPORT_LIMIT: usize = 1000;
/// Sources that a contribution may name for one model.
pub const SOURCE_LIMIT: usize = 32;

/// Body of `POST /api/v1/observations`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObservationBatch {
    /// Up to [`REPORT_LIMIT`].
    #[cfg_attr(feature = "schema", schemars(length(max = REPORT_LIMIT)))]
    pub observations: Vec<Observed>,
}

/// What a source turned out to be worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observed {
    /// The source in its canonical form.
    pub source: String,
    /// The model it was asked for.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub sha256: Sha256,
    /// What it was worth.
    pub verdict: Verdict,
    /// The last HTTP status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Bytes of the file the source has, when it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When, RFC 3339 in UTC; absent for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Answer of `POST /api/v1/observations` and `POST /api/v1/models`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// How many are kept.
    pub taken: u64,
    /// How many were passed over: known already, or about what no environment that one may see names.
    pub ignored: u64,
}

/// Body of `POST /api/v1/models`: sources that are known besides those of an environment's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The environment whose readers shall know, as `owner/name`.
    pub environment: String,
    /// Up to [`REPORT_LIMIT`] models that its manifest names.
    #[cfg_attr(feature = "schema", schemars(length(max = REPORT_LIMIT)))]
    pub models: Vec<Known>,
}

/// A model and where it can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Known {
    /// Its identity.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub sha256: Sha256,
    /// Up to [`SOURCE_LIMIT`] sources in their canonical form.
    #[cfg_attr(feature = "schema", schemars(length(max = SOURCE_LIMIT)))]
    pub sources: Vec<String>,
}

/// Answer of `GET /api/v1/models/changes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Changes {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// Whether it begins from the start: what was known before is to be forgotten.
    pub full: bool,
    /// Environments whose models are other ones than before, or that can be seen now.
    pub environments: Vec<EnvironmentModels>,
    /// The ids of environments that cannot be seen any more.
    pub gone: Vec<String>,
    /// Where to go on: `since` of the next request.
    pub next: String,
    /// Whether there is more to be had at once.
    pub more: bool,
}

/// All models of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EnvironmentModels {
    /// Stays the same whatever the environment is called.
    pub id: String,
    /// `owner/name`.
    pub name: String,
    /// Its models, with the sources that it names.
    pub models: Vec<Model>,
}
