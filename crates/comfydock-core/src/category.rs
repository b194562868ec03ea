//! ComfyUI's model categories.
//!
//! A category is the word a loader asks for; its folders are where the files lie. The set is open:
//! custom nodes and `extra_model_paths.yaml` add their own, which stand for themselves here.
//! Source of the names: ComfyUI 0.3.64, `folder_paths.py`.

use serde::{Deserialize, Serialize};

/// How much a workflow needs a model (`criticality` in the manifest).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criticality {
    /// Without exactly this model the workflow does not do its work.
    Required,
    /// Another model of the category may stand in.
    Flexible,
    /// The workflow runs without it.
    Optional,
}

impl Criticality {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Flexible => "flexible",
            Self::Optional => "optional",
        }
    }
}

/// The categories ComfyUI itself has.
pub const KNOWN: [&str; 19] = [
    "audio_encoders",
    "checkpoints",
    "classifiers",
    "clip_vision",
    "configs",
    "controlnet",
    "diffusers",
    "diffusion_models",
    "embeddings",
    "gligen",
    "hypernetworks",
    "loras",
    "model_patches",
    "photomaker",
    "style_models",
    "text_encoders",
    "upscale_models",
    "vae",
    "vae_approx",
];

/// The extensions ComfyUI lists in its model categories.
const MODEL_EXTENSIONS: [&str; 8] = ["ckpt", "pt", "pt2", "bin", "pth", "safetensors", "pkl", "sft"];

/// What custom nodes load besides.
const FURTHER_EXTENSIONS: [&str; 4] = ["gguf", "onnx", "engine", "patch"];

/// The category's present name: `unet` and `clip` are older words for two of them.
pub fn canonical(category: &str) -> &str {
    match category {
        "unet" => "diffusion_models",
        "clip" => "text_encoders",
        other => other,
    }
}

/// The folders below `models/` that belong to a category, in the order ComfyUI searches them.
pub fn folders(category: &str) -> Vec<&str> {
    match canonical(category) {
        "text_encoders" => vec!["text_encoders", "clip"],
        "diffusion_models" => vec!["unet", "diffusion_models"],
        "controlnet" => vec!["controlnet", "t2i_adapter"],
        other => vec![other],
    }
}

/// The category of a folder below `models/`, given by its first path segment.
pub fn of_folder(first_segment: &str) -> &str {
    match first_segment {
        "t2i_adapter" => "controlnet",
        other => canonical(other),
    }
}

/// Whether ComfyUI lists a file of this name as a model; case does not matter.
pub fn model_extension(name: &str) -> bool {
    extension(name).is_some_and(|extension| MODEL_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

/// Whether a string with this ending probably names a model file of some node.
pub fn wide_model_extension(name: &str) -> bool {
    model_extension(name)
        || extension(name)
            .is_some_and(|extension| FURTHER_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

/// What follows the last dot of the file name; none for `.safetensors` alone, a name without a stem.
fn extension(name: &str) -> Option<&str> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty()).then_some(extension)
}

/// The criticality of a model that is seen for the first time.
pub fn default_criticality(category: &str) -> Criticality {
    match canonical(category) {
        "checkpoints" | "vae" | "text_encoders" | "loras" | "style_models" | "embeddings" | "upscale_models" => {
            Criticality::Flexible
        }
        _ => Criticality::Required,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_names_and_folders_lead_to_the_present_category() {
        assert_eq!(canonical("unet"), "diffusion_models");
        assert_eq!(canonical("clip"), "text_encoders");
        assert_eq!(canonical("my_own"), "my_own");
        assert_eq!(folders("clip"), ["text_encoders", "clip"]);
        assert_eq!(folders("diffusion_models"), ["unet", "diffusion_models"]);
        assert_eq!(folders("ultralytics"), ["ultralytics"]);
        assert_eq!(of_folder("t2i_adapter"), "controlnet");
        for category in ["text_encoders", "diffusion_models", "controlnet", "loras"] {
            assert!(folders(category).into_iter().all(|folder| of_folder(folder) == category));
        }
    }

    #[test]
    fn extensions() {
        for name in ["a.safetensors", "sub/A.SAFETENSORS", "x.vae.pt", "m.sft", "b\\c.PKL"] {
            assert!(model_extension(name), "{name}");
        }
        for name in ["a.gguf", "a.txt", ".safetensors", "x/.pt", "safetensors", "", "a.b/c"] {
            assert!(!model_extension(name), "{name}");
        }
        for name in ["a.gguf", "b.onnx", "c.engine", "i.fooocus.patch", "a.ckpt"] {
            assert!(wide_model_extension(name), "{name}");
        }
        assert!(!wide_model_extension("a.yaml"));
    }

    #[test]
    fn criticality_of_a_new_model() {
        assert_eq!(default_criticality("clip"), Criticality::Flexible);
        assert_eq!(default_criticality("unet"), Criticality::Required);
        assert_eq!(default_criticality("controlnet"), Criticality::Required);
        assert_eq!(serde_json::to_string(&Criticality::Optional).unwrap(), "\"optional\"");
    }
}
