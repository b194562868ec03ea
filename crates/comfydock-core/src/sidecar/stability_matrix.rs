//! `<model>.cm-info.json`, written by Stability Matrix beside what it downloads.

use serde_json::Value;

use super::{Claim, Trust, blake3, civitai_source, claim, number, sha256};
use crate::source::Source;

/// What it says of the file. It names no size and no time, so it is a hint.
pub fn read(info: &Value) -> Option<Claim> {
    let hash = |name: &str| info.get("Hashes").and_then(|hashes| hashes.get(name));
    // The number or the name of the site; older files have none and are CivitAI's.
    let from_civitai = match info.get("Source") {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => name.eq_ignore_ascii_case("civitai"),
        Some(other) => other.as_u64() == Some(0),
    };
    let sources = if from_civitai {
        civitai_source(number(info.get("VersionId")), number(info.get("RemoteFileId")))
    } else {
        let url = info.get("SourceUrl").and_then(Value::as_str).filter(|url| url.starts_with("https://"));
        url.and_then(|url| Source::parse(url).ok()).into_iter().collect()
    };
    claim(Trust::Hint, sha256(hash("SHA256")), blake3(hash("BLAKE3")), sources)
}
