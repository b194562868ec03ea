//! What the model sites answer, read: no word of theirs is taken for more than it says.
//!
//! CivitAI finds by hash. Hugging Face finds nothing by hash: it only tells the SHA-256 of a file one
//! can name. Their answers are read tolerantly, since fields come and go; what decides, ids and full
//! hashes, is read strictly (decision 65).

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod civitai;
pub mod hugging_face;
mod list;
mod refusal;

pub use refusal::Refusal;

/// Somebody who knows where models can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// What lies beside the files on this machine, and what workflows say of themselves.
    Here,
    /// The team's hub.
    Hub,
    /// CivitAI.
    Civitai,
    /// Hugging Face.
    HuggingFace,
}

impl Site {
    /// The word that the index and JSON documents keep.
    pub fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Hub => "hub",
            Self::Civitai => "civitai",
            Self::HuggingFace => "huggingface",
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Here => "this machine",
            Self::Hub => "the hub",
            Self::Civitai => "CivitAI",
            Self::HuggingFace => "Hugging Face",
        })
    }
}
