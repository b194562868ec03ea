//! Why a string is taken for the name of a model.

use std::fmt;

use super::model_refs::RefKind;

/// Why a string is taken for the name of a model; as text, a clause that goes on from "because".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// ComfyUI's own loader has a model there.
    Builtin {
        /// The loader's class.
        node_type: String,
        /// Its input.
        input: String,
    },
    /// The table of custom loaders says so.
    Custom {
        /// The node's class.
        node_type: String,
        /// The pack the table lists it under.
        pack: String,
    },
    /// The table of custom nodes says that this one gets it by itself.
    Fetched {
        /// The node's class.
        node_type: String,
    },
    /// The workflow lists it in `properties.models`.
    Listed,
    /// It ends like a model file.
    Ending,
    /// The text names it as a tag of this kind.
    Tag(RefKind),
    /// It stands for a widget of a node inside the subgraph.
    Promoted,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin { node_type, input } => write!(formatter, "it is the {input} of {node_type}"),
            Self::Custom { node_type, pack } => write!(formatter, "{node_type} of {pack} has a model there"),
            Self::Fetched { node_type } => write!(formatter, "{node_type} gets it by itself"),
            Self::Listed => formatter.write_str("properties.models names it"),
            Self::Ending => formatter.write_str("it ends like a model file"),
            Self::Tag(RefKind::LoraTag) => formatter.write_str("the text says <lora:…>"),
            Self::Tag(_) => formatter.write_str("the text says embedding:…"),
            Self::Promoted => formatter.write_str("it stands for a widget inside the subgraph"),
        }
    }
}
