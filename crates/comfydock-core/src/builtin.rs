//! ComfyUI's own nodes, and which of their widgets name models.
//!
//! The table lists (node type, widget index, input) of ComfyUI 0.3.64. It was measured by running the
//! nodes' own declarations; nodes that are missing here are found by extension instead.

use std::collections::{HashMap, HashSet};
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
    /// The input's name.
    pub input: String,
    /// Position among the widgets.
    pub widget_index: usize,
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
    input: String,
    category: String,
    #[serde(default)]
    kind: Kind,
}

static SLOTS: LazyLock<HashMap<String, Vec<Slot>>> = LazyLock::new(|| {
    let rows: Vec<Row> = serde_json::from_str(include_str!("builtin_loaders.json"))
        .expect("the table is part of the program and a test reads it");
    let mut slots: HashMap<String, Vec<Slot>> = HashMap::new();
    for Row { class_type, widget_index, input, category, kind } in rows {
        let category = category::canonical(&category).to_owned();
        slots.entry(class_type).or_default().push(Slot { category, kind, input, widget_index });
    }
    slots
});

static NODES: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("builtin_nodes.txt").lines().collect());

static WIDGETS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let rows = include_str!("builtin_widgets.txt").lines().filter_map(|line| line.split_once('\t'));
    rows.map(|(node_type, names)| (node_type, names.split(' ').collect())).collect()
});

/// The names of a node's widgets in the editor's order, the editor's own control behind a seed
/// included. ComfyUI 0.3.64; another version may have more or fewer, so the count has to fit.
pub fn widgets(node_type: &str) -> Option<&'static [&'static str]> {
    WIDGETS.get(node_type).map(Vec::as_slice)
}

/// What the widget at this index of this node type names, if the node is one of ComfyUI's loaders.
pub fn slot(node_type: &str, widget_index: usize) -> Option<&'static Slot> {
    SLOTS.get(node_type)?.iter().find(|slot| slot.widget_index == widget_index)
}

/// The same by the input's name, which API format has instead of positions.
pub fn slot_named(node_type: &str, input: &str) -> Option<&'static Slot> {
    SLOTS.get(node_type)?.iter().find(|slot| slot.input == input)
}

/// Whether the node comes with ComfyUI 0.3.64; newer ones say so by `cnr_id: "comfy-core"`.
pub fn is_node(node_type: &str) -> bool {
    NODES.contains(node_type) || SLOTS.contains_key(node_type)
}

/// Whether a loader offers this word for choosing nothing.
pub fn is_nothing(name: &str) -> bool {
    name.is_empty() || name.eq_ignore_ascii_case("none") || name.eq_ignore_ascii_case("[none]")
}

impl Slot {
    /// Whether the widget offers this name without a file of that name. Only `VAELoader` does: the tiny
    /// autoencoders that stand for a pair of `vae_approx` files, and the identity VAE.
    pub fn is_virtual(&self, name: &str) -> bool {
        let is_tiny = name == "taef1" || (name.starts_with("taesd") && !category::model_extension(name));
        self.input == "vae_name" && (is_tiny || name == "pixel_space")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let category = |node_type, index| slot(node_type, index).map(|slot| slot.category.as_str());
        assert_eq!(SLOTS.values().map(Vec::len).sum::<usize>(), 36);
        assert_eq!(category("CheckpointLoaderSimple", 0), Some("checkpoints"));
        assert_eq!(category("CheckpointLoader", 1), Some("checkpoints"));
        assert_eq!(slot("CheckpointLoader", 0).unwrap().kind, Kind::Config);
        assert_eq!(slot("DiffusersLoader", 0).unwrap().kind, Kind::Directory);
        assert_eq!(category("QuadrupleCLIPLoader", 3), Some("text_encoders"));
        assert_eq!(category("TrainLoraNode", 13), Some("loras"));
        assert_eq!(category("VAELoader", 0), Some("vae"));
        assert_eq!(category("VAELoader", 1), None);
        assert_eq!(category("KSampler", 0), None);
        assert_eq!(slot_named("CheckpointLoader", "ckpt_name"), slot("CheckpointLoader", 1));
        assert_eq!(slot_named("CheckpointLoader", "nothing"), None);
    }

    #[test]
    fn nodes_of_comfyui() {
        assert_eq!(NODES.len(), 394);
        for name in ["KSampler", "Epsilon Scaling", "VAELoader", "T2IAdapterLoader"] {
            assert!(is_node(name), "{name}");
        }
        assert!(!is_node("SAMLoader"));
    }

    #[test]
    fn widgets_have_names() {
        let sampler = ["seed", "control_after_generate", "steps", "cfg", "sampler_name", "scheduler", "denoise"];
        assert_eq!(widgets("KSampler"), Some(&sampler[..]));
        assert_eq!(widgets("NoSuchNode"), None);
        let without = ["T2IAdapterLoader"];
        let known = SLOTS.iter().filter(|(class, _)| !without.contains(&class.as_str()));
        for slot in known.flat_map(|(class, slots)| slots.iter().map(move |slot| (class, slot))) {
            let Some(names) = widgets(slot.0) else { panic!("{}", slot.0) };
            assert_eq!(names.get(slot.1.widget_index), Some(&slot.1.input.as_str()), "{}", slot.0);
        }
    }

    #[test]
    fn names_without_a_file() {
        for name in ["", "None", "[None]", "none", "NONE"] {
            assert!(is_nothing(name), "{name}");
        }
        assert!(!is_nothing("nonesuch"));
        let (vae, lora) = (slot("VAELoader", 0).unwrap(), slot("LoraLoader", 0).unwrap());
        for name in ["taesd", "taesdxl", "taesd3", "taef1", "pixel_space"] {
            assert!(vae.is_virtual(name) && !lora.is_virtual(name), "{name}");
        }
        for name in ["taesd_decoder.safetensors", "ae.safetensors", "taef1.pt"] {
            assert!(!vae.is_virtual(name), "{name}");
        }
    }
}
