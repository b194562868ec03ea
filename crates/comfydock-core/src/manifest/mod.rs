//! The manifest: `.cec/pyproject.toml` of an environment (formats.md, `.cec/`).
//!
//! [`Manifest`] is what it says, in types. [`Document`] edits it and keeps the user's comments,
//! order and unknown keys.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::category::Criticality;
use crate::digest::{Blake3, CommitId, Sha256};
use crate::hint::Hint;
use crate::name::NodeName;
use crate::path::{ModelPath, TreePath};
use crate::source::Source;
use crate::workflow::{ModelRef, PathStep, Place};

mod document;
mod python;
mod raw;
#[cfg(test)]
mod tests;

pub use document::Document;

/// The newest `schema_version` this program reads and the one it writes.
pub const SCHEMA_VERSION: u32 = 1;

/// What stands before a pack's id where the Comfy registry is named as an origin of code.
pub const REGISTRY_ORIGIN: &str = "registry:";

/// What `[project].name` always is: the environment's name is local (decision 14).
pub const PROJECT_NAME: &str = "comfydock-environment";

/// A manifest that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not TOML, or a value has the wrong type or is refused by its type's rules.
    #[error("pyproject.toml: {0}")]
    Toml(String),
    /// There is no `[tool.comfydock]` table.
    #[error("pyproject.toml has no [tool.comfydock] table: this is no ComfyDock environment")]
    NotAnEnvironment,
    /// It was written by a newer program.
    #[error("pyproject.toml has schema_version {found}; this comfydock knows up to {SCHEMA_VERSION}")]
    NewerSchema {
        /// The version found.
        found: u32,
    },
    /// It is well formed but says something that may not stand.
    #[error("pyproject.toml: {0}")]
    Invalid(String),
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NewerSchema { .. } => {
                Some("it was made by a newer version: update the program that says this, then try again".to_owned())
            }
            Self::NotAnEnvironment => {
                Some("is this the right repository? `comfydock create` makes an environment".to_owned())
            }
            Self::Toml(_) | Self::Invalid(_) => None,
        }
    }
}

/// `[tool.comfydock.environment]`: what the environment is built from (decision 14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentFacts {
    /// The ref that was asked for: a tag, a branch or a commit.
    pub comfyui_version: String,
    /// The commit it resolved to.
    pub comfyui_commit: CommitId,
    /// Where ComfyUI was cloned from.
    pub comfyui_url: String,
    /// Major and minor version of Python.
    pub python_version: String,
    /// Platforms the lock covers, as `linux-x86_64`.
    #[serde(default)]
    pub platforms: Vec<String>,
}

/// How a node pack is had (decision 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeSource {
    /// From the Comfy registry, as a zip.
    Registry,
    /// From a git repository, at a commit.
    Git,
    /// Worked on here.
    Development,
}

/// A custom node pack as the manifest records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The folder in `custom_nodes`.
    pub name: NodeName,
    /// How it is had.
    pub source: NodeSource,
    /// Where its git repository is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit it stands at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// The ref that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_ref: Option<String>,
    /// The dependency group that carries its requirements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The identity of what it asked of Python when that group was written: its requirement lines, each
    /// ended by a line feed. None when it asked for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirements_sha256: Option<Sha256>,
    /// The identity of its install script when that was last run for this environment. The pack's own may
    /// be another by now; none when it was never run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install_script_sha256: Option<Sha256>,
    /// Its id in the Comfy registry, as it is written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_id: Option<String>,
    /// Its version in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The identity of the zip the registry gave for it, measured when it was first had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
}

impl Node {
    /// A pack of which nothing is recorded but its folder and how it is had.
    pub fn new(name: NodeName, source: NodeSource) -> Self {
        Self {
            name,
            source,
            repository: None,
            commit: None,
            requested_ref: None,
            group: None,
            requirements_sha256: None,
            install_script_sha256: None,
            registry_id: None,
            version: None,
            sha256: None,
        }
    }

    /// Whether the manifest says enough to have it on another machine.
    pub fn can_be_had(&self) -> bool {
        match self.source {
            NodeSource::Registry => self.registry_id.is_some() && self.version.is_some(),
            NodeSource::Git => self.repository.is_some() && self.commit.is_some(),
            // Without a repository the commit is a snapshot in the environment's own history.
            NodeSource::Development => self.commit.is_some(),
        }
    }

    /// Whether its source travels as a snapshot in the environment's own history: it is worked on and has
    /// no repository that others could reach.
    pub fn is_snapshot(&self) -> bool {
        self.source == NodeSource::Development && self.repository.is_none()
    }

    /// What it stands at, for people: a version, the start of a commit, or nothing.
    pub fn stands_at(&self) -> &str {
        match (&self.version, &self.commit) {
            (Some(version), _) => version,
            (None, Some(commit)) => commit.short(12),
            (None, None) => "",
        }
    }
}

/// Whether a workflow's model is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelStatus {
    /// It is tied to a model by hash.
    Resolved,
    /// No file was found for it.
    Unresolved,
    /// The user chose to leave it.
    Skipped,
}

/// A place in a workflow that names a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelUse {
    /// The node's path: `16`, or `<subgraph uuid>:16`.
    pub node_id: String,
    /// The node's class.
    pub node_type: String,
    /// Position in `widgets_values`.
    pub widget_index: usize,
    /// The way into a nested widget, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widget_path: Option<Vec<PathStep>>,
    /// The name itself, where it is one of several in a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What the widget named when it was decided, as long as no commit holds the workflow so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl ModelUse {
    /// The use that a reference is.
    pub fn of(reference: &ModelRef) -> Self {
        Self {
            node_id: reference.node_id.clone(),
            node_type: reference.node_type.clone(),
            widget_index: reference.widget_index,
            widget_path: reference.widget_path.clone(),
            tag: reference.place().tag.map(str::to_owned),
            value: None,
        }
    }

    /// Where it stands.
    pub fn place(&self) -> Place<'_> {
        Place {
            node_id: &self.node_id,
            widget_index: self.widget_index,
            widget_path: self.widget_path.as_deref(),
            tag: self.tag.as_deref(),
        }
    }
}

/// A model as one workflow needs it (decision 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowModel {
    /// The file's name, without folders.
    pub filename: String,
    /// ComfyUI's category, or `unknown`.
    pub category: String,
    /// The key into `models`, when resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Whether it is known.
    pub status: ModelStatus,
    /// How much it matters; a user's choice is kept.
    pub criticality: Criticality,
    /// Whether that was chosen, and does not follow from category and use.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chosen: bool,
    /// Where the workflow names it.
    #[serde(default)]
    pub nodes: Vec<ModelUse>,
}

/// A model the environment refers to (decision 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The file's name.
    pub filename: String,
    /// Bytes.
    pub size: u64,
    /// Where it lies below a models folder.
    pub relative_path: ModelPath,
    /// ComfyUI's category.
    pub category: String,
    /// The identity; absent until measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Measured in the same pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<Blake3>,
    /// Where its bytes can be had.
    #[serde(default)]
    pub sources: Vec<Source>,
}

/// A model that another stands in for, in every workflow of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substitution {
    /// The file name of the model that is not used.
    pub filename: String,
    /// Its category.
    pub category: String,
    /// Its identity, when it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// The key of the model that is used instead.
    pub with: String,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Facts about ComfyUI and Python.
    pub environment: EnvironmentFacts,
    /// Node packs by normalised name.
    pub nodes: BTreeMap<String, Node>,
    /// Models each workflow needs, by the workflow's name.
    pub workflows: BTreeMap<String, Vec<WorkflowModel>>,
    /// Models by quick hash (with a suffix where two share one).
    pub models: BTreeMap<String, Model>,
    /// What stands in for models, by the key of the model that is not used.
    pub substitutions: BTreeMap<String, Substitution>,
    /// Package indexes named in `[[tool.uv.index]]`, and URLs in requirements: origins of code.
    pub package_origins: BTreeSet<String>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is no TOML, no environment's manifest, from a newer program, or breaks a rule of
    /// its types; nothing of a newer schema is interpreted.
    pub fn parse(text: &str) -> Result<Self, Error> {
        raw::parse(text)
    }

    /// The names of the workflows that use this model, in order.
    pub fn workflows_using(&self, key: &str) -> Vec<&str> {
        self.workflows
            .iter()
            .filter(|(_, models)| models.iter().any(|model| model.hash.as_deref() == Some(key)))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Every place that code comes from: ComfyUI, node repositories, indexes, direct URLs
    /// (decision 20).
    pub fn code_origins(&self) -> BTreeSet<String> {
        let mut origins = self.package_origins.clone();
        origins.insert(self.environment.comfyui_url.clone());
        origins.extend(self.nodes.values().filter_map(|node| match node.source {
            NodeSource::Registry => node.registry_id.as_ref().map(|id| format!("{REGISTRY_ORIGIN}{id}")),
            NodeSource::Git | NodeSource::Development => node.repository.clone(),
        }));
        origins
    }
}

/// Checks a workflow's name: with `.json` it is a path below `workflows/`.
pub(crate) fn check_workflow_name(name: &str) -> Result<(), Error> {
    TreePath::parse(&crate::foreign::workflow_path(name))
        .map(|_| ())
        .map_err(|error| Error::Invalid(format!("workflow `{name}`: {}", error.reason())))
}
