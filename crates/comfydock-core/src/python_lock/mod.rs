//! `uv.lock`: where the packages it names come from, and whether it belongs to a manifest.

mod agrees;
mod held;
mod packages;
mod torch_only;

pub use agrees::{Disagreement, Place, disagreements, package_name};
pub use held::packages;
pub use packages::{Lock, Package};

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item, Value};

/// Every place a lock takes packages from (decision 20): indexes and git repositories as written,
/// files by their host. A lock decides what is installed, whatever the manifest says.
///
/// # Errors
/// When it is no TOML.
pub fn origins(text: &str) -> Result<BTreeSet<String>, String> {
    let document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| format!("uv.lock: {}", error.to_string().trim_end()))?;
    let mut origins = BTreeSet::new();
    visit(document.as_item(), "", &mut origins);
    Ok(origins)
}

fn visit(item: &Item, key: &str, origins: &mut BTreeSet<String>) {
    match item {
        Item::Value(value) => visit_value(value, key, origins),
        Item::Table(table) => table.iter().for_each(|(key, item)| visit(item, key, origins)),
        Item::ArrayOfTables(tables) => {
            tables.iter().for_each(|table| table.iter().for_each(|(key, item)| visit(item, key, origins)));
        }
        Item::None => {}
    }
}

fn visit_value(value: &Value, key: &str, origins: &mut BTreeSet<String>) {
    match value {
        Value::InlineTable(table) => table.iter().for_each(|(key, value)| visit_value(value, key, origins)),
        Value::Array(values) => values.iter().for_each(|value| visit_value(value, key, origins)),
        Value::String(text) => {
            let text = text.value();
            let origin = match key {
                "registry" | "directory" | "editable" | "path" => text.clone(),
                "git" => text.split(['?', '#']).next().unwrap_or(text).to_owned(),
                "url" => host(text),
                _ => return,
            };
            origins.insert(origin);
        }
        _ => {}
    }
}

/// Scheme and host of a file's URL: a lock names hundreds of files on one host.
fn host(text: &str) -> String {
    url::Url::parse(text).map_or_else(|_| text.to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests;
