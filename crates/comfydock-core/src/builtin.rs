//! Which widgets of ComfyUI's own nodes name models.
//!
//! The table lists (node type, widget index) of ComfyUI 0.3.64. It was measured by running the
//! nodes' own declarations; nodes that are missing here are found by extension instead.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::category;

/// What a widget of a loader names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The category the name is looked up in, canonical.
    pub category: String,
    /// Whether the name is a model at all.
    pub kind: Kind,
}

/// What kind of thing a loader's widget names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A model file.
    #[default]
    File,
    /// A yaml file that ships with ComfyUI; not a model.
    Config,
    /// A folder holding a model in several files.
    Directory,
}

#[derive(Deserialize)]
struct Row {
    class_type: String,
    widget_index: usize,
    category: String,
    #[serde(default)]
    kind: Kind,
}

static SLOTS: LazyLock<HashMap<String, HashMap<usize, Slot>>> = LazyLock::new(|| {
    let rows: Vec<Row> = serde_json::from_str(include_str!("builtin_loaders.json"))
        .expect("the table is part of the program and a test reads it");
    let mut slots: HashMap<String, HashMap<usize, Slot>> = HashMap::new();
    for row in rows {
        let slot = Slot { category: category::canonical(&row.category).to_owned(), kind: row.kind };
        slots.entry(row.class_type).or_default().insert(row.widget_index, slot);
    }
    slots
});

/// What the widget at this index of this node type names, if the node is one of ComfyUI's loaders.
pub fn slot(node_type: &str, widget_index: usize) -> Option<&'static Slot> {
    SLOTS.get(node_type)?.get(&widget_index)
}

/// Whether a loader offers this name without a file of that name: nothing chosen, the tiny
/// autoencoders that stand for a pair of `vae_approx` files, and the identity VAE.
pub fn is_virtual(name: &str) -> bool {
    matches!(name, "" | "None" | "[None]" | "taef1" | "pixel_space")
        || (name.starts_with("taesd") && !category::model_extension(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let category = |node_type, index| slot(node_type, index).map(|slot| slot.category.as_str());
        assert_eq!(SLOTS.values().map(HashMap::len).sum::<usize>(), 36);
        assert_eq!(category("CheckpointLoaderSimple", 0), Some("checkpoints"));
        assert_eq!(category("CheckpointLoader", 1), Some("checkpoints"));
        assert_eq!(slot("CheckpointLoader", 0).unwrap().kind, Kind::Config);
        assert_eq!(slot("DiffusersLoader", 0).unwrap().kind, Kind::Directory);
        assert_eq!(category("QuadrupleCLIPLoader", 3), Some("text_encoders"));
        assert_eq!(category("TrainLoraNode", 13), Some("loras"));
        assert_eq!(category("VAELoader", 0), Some("vae"));
        assert_eq!(category("VAELoader", 1), None);
        assert_eq!(category("KSampler", 0), None);
    }

    #[test]
    fn names_without_a_file() {
        for name in ["", "None", "[None]", "taesd", "taesdxl", "taesd3", "taef1", "pixel_space"] {
            assert!(is_virtual(name), "{name}");
        }
        assert!(!is_virtual("taesd_decoder.safetensors"));
        assert!(!is_virtual("ae.safetensors"));
    }
}
