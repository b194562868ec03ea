//! CivitAI's answers: versions, their files, and what it says instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, list};
use crate::digest::{Blake3, Sha256};
use crate::source::Source;

/// Hashes that the probe for ids takes at once.
pub const IDS_LIMIT: usize = 10_000;
/// Hashes that the look-up of versions takes at once.
pub const BATCH_LIMIT: usize = 100;

/// A version of a model. One that was archived has no files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: u64,
    /// The model's and the version's names, for people.
    pub title: String,
    /// Its files.
    pub files: Vec<File>,
    /// Whether its owner lets it be downloaded, and not only used on the site.
    pub downloadable: bool,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its id: what makes a download exactly this file.
    pub id: u64,
    /// Its name there.
    pub name: String,
    /// Bytes, to within some; the site rounds.
    pub about: Option<u64>,
    /// What its bytes hash to, as the site says.
    pub sha256: Option<Sha256>,
    /// The other full hash, as the site says.
    pub blake3: Option<Blake3>,
    /// Whether it is weights, and not training data, a configuration or an archive.
    pub weights: bool,
    /// Whether a scan of the site found something dangerous.
    pub dangerous: bool,
}

impl Version {
    /// The file with this SHA-256. Never the one the site calls primary: a version may hold several,
    /// and a hash hit says nothing about which.
    pub fn by_sha256(&self, sha256: &Sha256) -> Option<&File> {
        self.files.iter().find(|file| file.sha256.as_ref() == Some(sha256))
    }

    /// The source that means this file.
    pub fn source(&self, file: &File) -> Source {
        Source::Civitai { version: self.id, file: file.id }
    }
}

/// Reads one version.
///
/// # Errors
/// What is wrong with it, as a clause.
pub fn version(body: &[u8]) -> Result<Version, String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "no JSON".to_owned())?;
    read(&value).ok_or_else(|| "no version of a model".to_owned())
}

/// Reads a list of versions: `null` stands in it for a version without a usable file, one version
/// may stand in it twice, and the order says nothing.
///
/// # Errors
/// What is wrong with it, as a clause.
pub fn versions(body: &[u8]) -> Result<Vec<Version>, String> {
    let versions = list::entries(body, read).map_err(|_| "no list".to_owned())?;
    let by_id: BTreeMap<u64, Version> = versions.into_iter().map(|version| (version.id, version)).collect();
    Ok(by_id.into_values().collect())
}

/// Reads which hashes are known, with the versions that have them.
///
/// # Errors
/// What is wrong with it, as a clause.
pub fn ids(body: &[u8]) -> Result<Vec<(Sha256, u64)>, String> {
    let pair = |value: &Value| {
        Some((Sha256::parse(value.get("hash")?.as_str()?).ok()?, value.get("modelVersionId")?.as_u64()?))
    };
    list::entries(body, pair).map_err(|_| "no list".to_owned())
}

fn read(value: &Value) -> Option<Version> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let model = text(value.get("model").and_then(|model| model.get("name")));
    let files = value.get("files").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(Version {
        id: value.get("id")?.as_u64()?,
        title: format!("{model} {}", text(value.get("name"))).trim().to_owned(),
        files: files.iter().filter_map(read_file).collect(),
        downloadable: value.get("usageControl").and_then(Value::as_str).is_none_or(|control| control == "Download"),
    })
}

fn read_file(value: &Value) -> Option<File> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let hash = |key: &str| value.get("hashes").and_then(|hashes| hashes.get(key)).and_then(Value::as_str);
    let kind = text("type").unwrap_or("Model");
    Some(File {
        id: value.get("id")?.as_u64()?,
        name: text("name").unwrap_or_default().to_owned(),
        about: value.get("sizeKB").and_then(Value::as_f64).and_then(bytes),
        sha256: hash("SHA256").and_then(|hex| Sha256::parse(hex).ok()),
        blake3: hash("BLAKE3").and_then(|hex| Blake3::parse(hex).ok()),
        weights: !matches!(kind, "Training Data" | "Config" | "Archive" | "Workflow"),
        dangerous: [text("pickleScanResult"), text("virusScanResult")].contains(&Some("Danger")),
    })
}

/// The site counts in KiB, with a fraction.
fn bytes(kib: f64) -> Option<u64> {
    let bytes = (kib * 1024.0).round();
    (1.0..1e15).contains(&bytes).then_some(bytes as u64)
}

/// What a status and a body mean; nothing if they are no refusal.
/// `wait` are the seconds it asks to stay away.
pub fn refusal(status: u16, wait: Option<u32>, body: &[u8]) -> Option<Refusal> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text =
        |key: &str| value.get(key).and_then(Value::as_str).map(|text| text.chars().take(200).collect::<String>());
    let message = text("message").or(text("error"));
    let says = |what: &str| message.as_ref().is_some_and(|message| message.to_lowercase().contains(what));
    Some(match status {
        200..=399 => return None,
        401 if says("disabled downloads") => Refusal::Disabled,
        401 => Refusal::Login(message),
        403 if text("error").is_some_and(|error| error.eq_ignore_ascii_case("early access")) => {
            Refusal::EarlyAccess(text("deadline"))
        }
        403 => Refusal::Forbidden(message),
        404 => Refusal::Missing,
        410 => Refusal::Archived,
        429 => Refusal::Busy(wait),
        451 => Refusal::Region,
        500..=599 => Refusal::Broken(status),
        _ => Refusal::Odd(status),
    })
}

#[cfg(test)]
mod tests;
