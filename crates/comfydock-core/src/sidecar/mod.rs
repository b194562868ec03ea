//! What other programs' files say of a model, and how far that is believed (decision 62).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{Blake3, Sha256};
use crate::source::Source;

pub mod civitai;
pub mod comfygit;
pub mod huggingface;
pub mod lora_manager;
pub mod stability_matrix;
pub mod webui;

#[cfg(test)]
mod tests;

/// How far a claim is believed. Only what was measured here is a model's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// About a file of this name; nothing ties it to these bytes.
    Hint,
    /// About the file that is still there: its size and time of change are those recorded then.
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

/// The model file that a claim is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Its name.
    pub name: &'a str,
    /// Bytes.
    pub size: u64,
    /// Last modification, nanoseconds since the epoch.
    pub mtime_ns: i64,
}

impl About<'_> {
    /// Whether a time that a program wrote down in seconds is that of the file's last change.
    pub fn changed_at(&self, seconds: f64) -> bool {
        // Python keeps times as doubles, which hold today's to a quarter of a microsecond.
        #[expect(clippy::cast_precision_loss, reason = "what Python does to it too")]
        let own = self.mtime_ns as f64 / 1e9;
        (own - seconds).abs() < 2e-6
    }
}

/// Reads a sidecar by the ending of its name.
pub fn read(name: &str, text: &str, about: &About<'_>, origin: &str) -> Option<Claim> {
    let format = ENDINGS.iter().find(|ending| name.ends_with(*ending))?.trim_start_matches('.');
    let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let claim = match format {
        "civitai.info" => civitai::read(&document, about),
        "cm-info.json" => stability_matrix::read(&document),
        _ => lora_manager::read(&document, about),
    }?;
    Some(Claim { format: format.to_owned(), origin: origin.to_owned(), ..claim })
}

/// The endings of files that say something of the model beside them.
const ENDINGS: [&str; 3] = [".civitai.info", ".cm-info.json", ".metadata.json"];

/// Whether a file of this name may say something of the model beside it.
pub fn is_sidecar(name: &str) -> bool {
    stem(name).is_some()
}

/// What the model's name begins with, before a dot and its extension; a few programs keep those.
pub fn stem(name: &str) -> Option<&str> {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).filter(|stem| !stem.is_empty())
}

fn claim(trust: Trust, sha256: Option<Sha256>, blake3: Option<Blake3>, sources: Vec<Source>) -> Option<Claim> {
    let says_something = sha256.is_some() || blake3.is_some() || !sources.is_empty();
    says_something.then(|| Claim { trust, sha256, blake3, sources, format: String::new(), origin: String::new() })
}

fn sha256(value: Option<&Value>) -> Option<Sha256> {
    Sha256::parse(value?.as_str()?).ok()
}

fn blake3(value: Option<&Value>) -> Option<Blake3> {
    Blake3::parse(value?.as_str()?).ok()
}

/// A number that some programs write as text.
fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).filter(|number| *number > 0)
}

fn civitai_source(version: Option<u64>, file: Option<u64>) -> Vec<Source> {
    match (version, file) {
        (Some(version), Some(file)) => Source::parse(&format!("civitai:{version}/{file}")).into_iter().collect(),
        _ => Vec::new(),
    }
}
