//! A manifest with some of its workflows: `export --workflows`.

use std::collections::BTreeSet;

use crate::manifest::{Document, Error};

/// The text of a manifest without the other workflows, and without the models that only these need.
///
/// # Errors
/// When the manifest cannot be taken.
pub fn narrowed(manifest: &str, keep: &BTreeSet<&str>) -> Result<String, Error> {
    let mut document = Document::parse(manifest)?;
    let before = document.manifest()?;
    for name in before.workflows.keys().filter(|name| !keep.contains(name.as_str())) {
        document.remove_workflow(name);
    }
    let after = document.manifest()?;
    for key in after.models.keys().filter(|key| after.workflows_using(key).is_empty()) {
        document.remove_model(key);
    }
    Ok(document.text())
}
