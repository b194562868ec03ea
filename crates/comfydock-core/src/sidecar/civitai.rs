//! `<model>.civitai.info`: CivitAI's answer about a model version, as Civitai Helper and others keep it.

use serde_json::Value;

use super::{About, Claim, Trust, blake3, civitai_source, claim, number, sha256};

/// What the answer says of the file. A version has several files, and the one marked as primary is
/// often not this one: it is picked by its size, then by its name, or not at all.
pub fn read(version: &Value, about: &About<'_>) -> Option<Claim> {
    let files: Vec<&Value> = version.get("files")?.as_array()?.iter().collect();
    let of_size: Vec<&Value> = files.iter().copied().filter(|file| fits(file, about.size)).collect();
    let named = |file: &&&Value| file.get("name").and_then(Value::as_str) == Some(about.name);
    let file = match of_size[..] {
        [file] => file,
        _ => match of_size.iter().filter(named).collect::<Vec<_>>()[..] {
            [file] => *file,
            _ => return None,
        },
    };
    let hash = |name: &str| file.get("hashes").and_then(|hashes| hashes.get(name));
    let sources = civitai_source(number(version.get("id")), number(file.get("id")));
    claim(Trust::Hint, sha256(hash("SHA256")), blake3(hash("BLAKE3")), sources)
}

/// Whether the size it names, in units of 1024 bytes and sometimes rounded, is this one. A file
/// without a size fits by its name alone.
fn fits(file: &Value, size: u64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "compared to within a kilobyte")]
    let own = size as f64 / 1024.0;
    file.get("sizeKB").and_then(Value::as_f64).is_none_or(|named| (named - own).abs() <= 1.0)
}
