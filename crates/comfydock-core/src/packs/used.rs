//! The node types of a workflow that do not come with ComfyUI.

use std::collections::BTreeMap;

use crate::builtin;
use crate::workflow::{Node, Workflow, node_types};

/// What ComfyUI calls itself where packs are named.
const COMFYUI: &str = "comfy-core";
/// Where a node keeps its type's name although its own `type` is another's.
const NAME: &str = "Node name for S&R";

/// A node type that a workflow uses and that is not known to be ComfyUI's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedType {
    /// The type.
    pub name: String,
    /// What its nodes say of its pack; each once, in the order of the file.
    pub said: Vec<Said>,
    /// Whether one of them runs: it is neither muted nor bypassed.
    pub active: bool,
}

/// What a node says of its pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The id in the registry.
    pub cnr_id: Option<String>,
    /// `owner/name` on GitHub.
    pub aux_id: Option<String>,
    /// A version in the registry, or a commit.
    pub version: Option<String>,
}

/// The types a workflow needs besides ComfyUI's own, sorted by name. Groups and subgraphs stand for
/// what is in them; types that only the editor knows need no pack.
pub fn used_types(workflow: &Workflow) -> Vec<UsedType> {
    let mut found: BTreeMap<String, UsedType> = BTreeMap::new();
    for node in node_types(workflow) {
        let Some(name) = name(&node) else { continue };
        let said = said(&node);
        let of_comfyui = said.cnr_id.as_deref() == Some(COMFYUI);
        let says_nothing = said.cnr_id.is_none() && said.aux_id.is_none();
        if of_comfyui || (says_nothing && builtin::is_node(name)) {
            continue;
        }
        let entry = found.entry(name.to_owned()).or_insert_with(|| UsedType {
            name: name.to_owned(),
            said: Vec::new(),
            active: false,
        });
        entry.active |= node.active;
        if !says_nothing && !entry.said.contains(&said) {
            entry.said.push(said);
        }
    }
    found.into_values().collect()
}

/// The type's name. A group or a subgraph whose definition is not in the file stands for nothing that a
/// pack could have.
fn name<'workflow>(node: &Node<'workflow>) -> Option<&'workflow str> {
    let is_group = |name: &str| {
        name.starts_with("workflow/")
            || name.starts_with("workflow>")
            || (name.starts_with("## ") && name.ends_with(']'))
    };
    let usable = |name: &&str| !name.is_empty() && !is_uuid(name) && !is_group(name);
    Some(node.node_type).filter(usable).or_else(|| property(node, NAME).filter(usable))
}

fn said(node: &Node<'_>) -> Said {
    let text = |key| property(node, key).map(str::to_owned);
    Said { cnr_id: text("cnr_id"), aux_id: text("aux_id"), version: text("ver") }
}

fn property<'workflow>(node: &Node<'workflow>, key: &str) -> Option<&'workflow str> {
    let text = node.value.get("properties")?.get(key)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
