//! Models that are here, and that ComfyUI does not find under the names the workflows have for them.

use crate::plan::library::Library;
use crate::plan::tracked::{Mention, Reading};
use crate::resolve::{Index, Sight, sight};

/// A name that ComfyUI on this machine does not load the model by that it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// The workflow.
    pub workflow: String,
    /// The name as the workflow has it.
    pub value: String,
    /// The node's path and class.
    pub node: String,
    /// The name ComfyUI has it under; none when it does not look where the file lies.
    pub name: Option<String>,
}

/// The mentions of models that are here and that ComfyUI does not load, and why.
pub(super) fn mentions<'a>(
    reading: &'a Reading,
    library: &'a Library,
    index: &'a Index<'_>,
) -> impl Iterator<Item = (&'a Mention, &'a str, Sight)> {
    reading.mentions.iter().filter_map(move |mention| {
        let key = mention.key.as_deref().filter(|key| library.has(key))?;
        let sight = sight(index, &mention.reference, key);
        (sight != Sight::Loads).then_some((mention, key, sight))
    })
}

/// What of it a person should know: nodes that rest and names that stand twice are left out.
pub(super) fn of(workflow: &str, reading: &Reading, library: &Library, index: &Index<'_>) -> Vec<Misnamed> {
    let mut found: Vec<Misnamed> = Vec::new();
    for (mention, _, sight) in mentions(reading, library, index) {
        let reference = &mention.reference;
        if !reference.active || found.iter().any(|known| known.value == reference.value) {
            continue;
        }
        found.push(Misnamed {
            workflow: workflow.to_owned(),
            value: reference.value.clone(),
            node: reference.node(),
            name: match sight {
                Sight::Named(name) => Some(name),
                Sight::Loads | Sight::Hidden => None,
            },
        });
    }
    found
}
