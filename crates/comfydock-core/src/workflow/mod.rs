//! ComfyUI workflow files: which models they mention, and edits that change nothing else.
//!
//! A workflow is text first. It is read through spans and changed by replacing spans; it is never
//! written from a data model (decision 10).
//!
//! - [`nodes`]: every node, those inside subgraphs included.
//! - [`model_refs`]: the model names among their widgets.
//! - [`normalise_for_lookup`]: how a name is compared with files.
//! - [`Metadata`], [`with_metadata`], [`without_metadata`], [`same_content`]: what travels in
//!   `extra._comfydock_metadata`.
//! - [`rewrite`], [`with_spelling_of`], [`same_content_with`]: one model, spelled differently on
//!   different machines.

mod candidate;
mod embed;
mod embedded;
mod found;
mod groups;
mod held;
mod inside;
mod leaf;
mod links;
mod localise;
mod lookup;
mod metadata;
mod migrate;
mod mirrors;
mod model_refs;
mod nodes;
mod primitives;
mod promoted;
mod promotion;
mod reason;
mod same;
mod seat;
mod tags;

use crate::hint::Hint;
use crate::json::{self, Value};

pub(crate) use candidate::EDITOR_ONLY;
pub use embed::{KEY, with_metadata, without_metadata};
pub use embedded::EmbeddedSource;
pub(crate) use links::spelled;
pub use localise::{rewrite, same_content_with, with_spelling_of};
pub use lookup::{Lookup, normalise_for_lookup};
pub use metadata::{Metadata, NodeModels, Reference, Status, VERSION};
pub use model_refs::{Alias, Confidence, ModelRef, PathStep, Place, RefKind, model_refs};
pub(crate) use nodes::collect_definitions;
pub use nodes::{Node, node_types, nodes};
pub use reason::Reason;
pub use same::same_content;
pub(crate) use same::same_value;

/// What some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The longest text that is taken for a version.
const LONGEST_VERSION: usize = 32;

/// A workflow file as it is: its text and where everything stands in it.
#[derive(Debug, Clone)]
pub struct Workflow {
    text: String,
    root: Value,
    format: Format,
}

/// How a workflow is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As the editor saves it: a graph with positions, widgets in order.
    Editor,
    /// "Export (API)": a map of nodes with named inputs, as the queue takes it.
    Api,
}

impl Workflow {
    /// Reads a workflow as ComfyUI's editor saves it. API format is refused: it has no place for
    /// metadata, because every member of it is a node, so it cannot be tracked (decision 58).
    ///
    /// # Errors
    /// When the text is not JSON, or is JSON but no workflow.
    pub fn parse(text: String) -> Result<Self, Error> {
        let root = json::parse(&text)?;
        if root.get("nodes").and_then(Value::as_array).is_none() {
            return Err(Error::NotAWorkflow { reason: looks_like(&root) });
        }
        Ok(Self { text, root, format: Format::Editor })
    }

    /// Reads a workflow in either format, to look at it: also as a request to ComfyUI's queue, which has
    /// API format inside, and behind a byte order mark, which is no part of the text then.
    ///
    /// # Errors
    /// When the text is not JSON, or is JSON but no workflow.
    pub fn parse_any(mut text: String) -> Result<Self, Error> {
        if text.starts_with(BYTE_ORDER_MARK) {
            text.remove(0);
        }
        let root = json::parse(&text)?;
        if is_api(&root) {
            return Ok(Self { text, root, format: Format::Api });
        }
        if let Some(prompt) = root.get("prompt").filter(|prompt| root.get("nodes").is_none() && is_api(prompt)) {
            let root = prompt.clone();
            return Ok(Self { text, root, format: Format::Api });
        }
        Self::parse(text)
    }

    /// How it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The version of the format as the file says it (`0.4`, `1`), `api` for API format, `unknown` if
    /// what it says is no version.
    pub fn version(&self) -> &str {
        let said = match (self.format, self.root.get("version")) {
            (Format::Api, _) => return "api",
            (Format::Editor, None) => return "0.4",
            (Format::Editor, Some(version)) => match &version.kind {
                json::Kind::String(string) => string,
                json::Kind::Number => version.text(&self.text),
                _ => return "unknown",
            },
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
        if !said.is_empty() && said.len() <= LONGEST_VERSION && said.bytes().all(plain) { said } else { "unknown" }
    }

    /// The text, byte for byte as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parsed text; spans point into [`text`](Self::text).
    pub fn root(&self) -> &Value {
        &self.root
    }
}

/// A name in the one spelling that is compared and written: Unicode's composed form.
pub fn nfc(name: &str) -> String {
    unicode_normalization::UnicodeNormalization::nfc(name).collect()
}

/// Whether this is a map of nodes. A group node in API format has a class too, so one is enough.
fn is_api(root: &Value) -> bool {
    let members = root.as_object().unwrap_or_default();
    let is_node = |value: &Value| value.get("class_type").is_some_and(|class| class.as_str().is_some());
    root.get("nodes").is_none() && members.iter().any(|member| is_node(&member.value))
}

fn looks_like(root: &Value) -> &'static str {
    let Some(members) = root.as_object() else {
        return if root.as_array().is_some() {
            "it is a list; a workflow is an object with a list of nodes"
        } else {
            "it is a single value; a workflow is an object with a list of nodes"
        };
    };
    if root.get("nodes").is_some() {
        "its `nodes` is not a list"
    } else if root.get("favorites").is_some() {
        "it looks like ComfyUI's list of bookmarked workflows (.index.json)"
    } else if members.iter().any(|member| member.value.get("class_type").is_some()) {
        "it is in API format (\"Export (API)\"); save it from the editor instead"
    } else if root.get("prompt").is_some_and(|prompt| prompt.as_object().is_some()) {
        "it looks like a request to ComfyUI's queue, in API format; save it from the editor instead"
    } else {
        "it has no list of nodes"
    }
}

/// A workflow that cannot be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not JSON; [`json::Error::truncated`] tells a file still being written.
    #[error("the workflow is not JSON: {0}")]
    Json(#[from] json::Error),
    /// It is JSON, but not what ComfyUI's editor saves.
    #[error("not a workflow: {reason}")]
    NotAWorkflow {
        /// What the file looks like instead.
        reason: &'static str,
    },
    /// `extra` belongs to ComfyUI and is an object or absent; anything else is left alone.
    #[error("the workflow's `extra` is not an object, so nothing can be kept in it")]
    Extra,
    /// The metadata has no readable shape.
    #[error("the workflow's model metadata cannot be read: {reason}")]
    Metadata {
        /// What is wrong with it.
        reason: String,
    },
    /// The metadata was written by a newer ComfyDock.
    #[error("the workflow's model metadata has version {version}, newer than {VERSION}")]
    NewerMetadata {
        /// The version found.
        version: String,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Json(error) if error.truncated => Some(
                "the file is empty or cut off: if it is being saved just now, try again, else save it anew".to_owned(),
            ),
            Self::NewerMetadata { .. } => Some("update ComfyDock".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
