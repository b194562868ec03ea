//! Which pack a node type comes from (decision 73).
//!
//! Everything but an installed pack's own declaration is an inference, and a wrong one runs somebody's
//! code: so what is found is a list of claims with what speaks for each, and nothing here chooses.

mod declared;
mod manager_map;
mod python;
mod resolve;
#[cfg(test)]
mod tests;
mod used;

use std::fmt;

pub use declared::node_types;
pub use manager_map::{Error, ManagerMap};
pub use resolve::{Installed, Knowledge, MissingPack, MissingType, missing};
pub use used::{Said, UsedType, used_types};

use crate::pack_identifier::RegistryId;
use crate::repository_url::RepositoryUrl;

/// A pack that may have a node type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pack {
    /// A pack of the Comfy registry.
    Registry(RegistryId),
    /// A git repository.
    Repository(RepositoryUrl),
    /// Something at a URL that is neither, such as a single file; it cannot be added.
    Elsewhere(String),
}

impl Pack {
    /// What a claim's URL stands for.
    pub(crate) fn of_url(url: &str) -> Self {
        match RepositoryUrl::parse(url) {
            Ok(repository) if !url.to_ascii_lowercase().ends_with(".py") => Self::Repository(repository),
            _ => Self::Elsewhere(url.chars().filter(|letter| !letter.is_control()).take(300).collect()),
        }
    }
}

impl fmt::Display for Pack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(id) => write!(formatter, "{id}"),
            Self::Repository(url) => formatter.write_str(url.fetch_url()),
            Self::Elsewhere(url) => formatter.write_str(url),
        }
    }
}

/// A pack that is said to have a node type, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The pack.
    pub pack: Pack,
    /// The version or commit that the workflow was made with, if it says so.
    pub version: Option<String>,
    /// What speaks for it.
    pub evidence: Evidence,
}

/// What speaks for a claim, the surest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The user said so.
    Chosen,
    /// The node's `cnr_id` in a workflow.
    CnrId,
    /// The node's `aux_id` in a workflow.
    AuxId,
    /// ComfyUI-Manager's map says that the pack goes before others that have the type too; the title there.
    Preempts(String),
    /// ComfyUI-Manager's map lists the type; the pack's title there.
    Listed(String),
    /// The type fits a pattern of ComfyUI-Manager's map; the pack's title and the pattern.
    Fits(String, String),
    /// The registry says that the pack has the type.
    Registry,
}

impl Evidence {
    /// The word that stands for it in documents.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::CnrId => "cnr_id",
            Self::AuxId => "aux_id",
            Self::Preempts(_) => "manager_map_preempts",
            Self::Listed(_) => "manager_map",
            Self::Fits(..) => "manager_map_pattern",
            Self::Registry => "registry",
        }
    }
}

impl fmt::Display for Evidence {
    /// As a clause that says why.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen => formatter.write_str("you said so"),
            Self::CnrId => formatter.write_str("the workflow names it (cnr_id)"),
            Self::AuxId => formatter.write_str("the workflow names it (aux_id)"),
            Self::Preempts(title) => write!(formatter, "ComfyUI-Manager's map puts it first ({title})"),
            Self::Listed(title) => write!(formatter, "ComfyUI-Manager's map lists it ({title})"),
            Self::Fits(title, pattern) => {
                write!(formatter, "its name fits `{pattern}` of ComfyUI-Manager's map ({title})")
            }
            Self::Registry => formatter.write_str("the Comfy registry lists it"),
        }
    }
}
