//! Whether ComfyUI on this machine finds a model under the name a workflow has for it.
//!
//! ComfyUI compares a widget's value with its list of files, letter by letter, folders and separators
//! included; embeddings in texts it looks up as paths. Who knows which model is meant knows more.

use super::Index;
use super::tagged;
use crate::category;
use crate::workflow::{ModelRef, RefKind, normalise_for_lookup};

/// How ComfyUI here stands to a model that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// It loads it, or nobody can tell.
    Loads,
    /// It has it under this name, which is another than the workflow's.
    Named(String),
    /// It does not look where the file lies.
    Hidden,
}

/// How ComfyUI here stands to the model of `key`, which `reference` means.
pub fn sight(index: &Index<'_>, reference: &ModelRef, key: &str) -> Sight {
    let Some(category) = reference.category.as_deref().map(category::canonical) else { return Sight::Loads };
    let loads = match reference.kind {
        RefKind::File => index.file(category, &reference.value).is_some_and(|file| *file.key == *key),
        RefKind::Embedding => {
            let name = normalise_for_lookup(&reference.value).path;
            matches!(tagged(index, category, &name, reference.kind, false), Some(super::Resolution::Resolved { key: found, .. }) if found == key)
        }
        // Nodes that read such tags look into every folder of the category.
        RefKind::LoraTag => index.visible(key, category).is_some(),
        RefKind::Folder | RefKind::Remote => true,
    };
    if loads {
        return Sight::Loads;
    }
    match index.visible(key, category) {
        Some(file) => {
            let spelled = reference.spelling_of(&file.name);
            if spelled == reference.value { Sight::Loads } else { Sight::Named(spelled) }
        }
        None => Sight::Hidden,
    }
}
