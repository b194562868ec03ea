//! What comfygit's manifests say of models: `[tool.comfygit.models]`, and the older
//! `[tool.comfydock.models]` of the predecessor, by a hash that nobody else has.

use toml_edit::{DocumentMut, Item, TableLike};

use crate::source::Source;

/// A model of such a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's name.
    pub filename: String,
    /// Bytes.
    pub size: u64,
    /// Where it can be had.
    pub sources: Vec<Source>,
}

/// The models with a source. Its hashes are of another kind and are left out.
pub fn read(manifest: &str) -> Vec<Entry> {
    let Ok(document) = manifest.parse::<DocumentMut>() else { return Vec::new() };
    let tool = document.get("tool").and_then(Item::as_table_like);
    let tables = ["comfygit", "comfydock"]
        .into_iter()
        .filter_map(|name| tool?.get(name)?.as_table_like()?.get("models")?.as_table_like());
    tables.flat_map(models).collect()
}

fn models(table: &dyn TableLike) -> Vec<Entry> {
    let models = table.iter().filter_map(|(key, item)| Some((key, item.as_table_like()?)));
    models
        .filter_map(|(key, model)| {
            // Ours have 64 digits; a manifest of this program's own is read elsewhere.
            if key.len() > 32 {
                return None;
            }
            let sources = model.get("sources")?.as_array()?.iter();
            let sources: Vec<Source> = sources.filter_map(|source| source_of(source.as_str()?)).collect();
            let size = model.get("size").or_else(|| model.get("file_size"))?.as_integer()?;
            Some(Entry {
                filename: model.get("filename")?.as_str()?.to_owned(),
                size: u64::try_from(size).ok()?,
                sources,
            })
        })
        .filter(|entry| !entry.sources.is_empty() && !entry.filename.is_empty())
        .collect()
}

/// A source as comfygit wrote it: a URL, with or without a word before it.
pub fn source_of(text: &str) -> Option<Source> {
    let url = text.find("https://").map(|at| &text[at..])?;
    Source::parse(url).ok()
}
