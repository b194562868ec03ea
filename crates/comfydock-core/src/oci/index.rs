//! Lists of manifests, and the list of referrers that clients keep where a registry keeps none.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Descriptor, Digest, IMAGE_INDEX};

/// An OCI image index, as far as we read it: entries with digests of other algorithms are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageIndex {
    /// The manifests it lists, in its order.
    #[serde(deserialize_with = "readable")]
    pub manifests: Vec<Descriptor>,
}

/// One entry that cannot be read must not hide the others.
fn readable<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Descriptor>, D::Error> {
    let entries = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect())
}

/// Whether an index lists a manifest of this digest.
pub fn listed(index: &[u8], digest: &Digest) -> bool {
    serde_json::from_slice::<ImageIndex>(index)
        .is_ok_and(|index| index.manifests.iter().any(|entry| entry.digest == *digest))
}

/// The index with one more entry; whatever else is in it stays. Without an index a new one is made.
///
/// # Errors
/// When the bytes are no index.
pub fn appended(index: Option<&[u8]>, entry: &Descriptor) -> Result<Vec<u8>, serde_json::Error> {
    let mut document = match index {
        Some(bytes) => serde_json::from_slice::<serde_json::Map<String, Value>>(bytes)?,
        None => serde_json::Map::new(),
    };
    document.entry("schemaVersion").or_insert(json!(2));
    document.entry("mediaType").or_insert(json!(IMAGE_INDEX));
    let entry = serde_json::to_value(entry)?;
    match document.get_mut("manifests") {
        Some(Value::Array(entries)) => entries.push(entry),
        _ => {
            document.insert("manifests".to_owned(), json!([entry]));
        }
    }
    serde_json::to_vec(&document)
}
