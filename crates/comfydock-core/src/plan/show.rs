//! What a workflow needs: its models with what is known of each, and its node types.

use std::collections::{BTreeMap, HashMap};

use crate::builtin;
use crate::manifest::Manifest;
use crate::plan::library::Library;
use crate::plan::tracked::Mention;
use crate::resolve::{Index, Resolution, Sight, resolve, sight};
use crate::source::Source;
use crate::workflow::{self, Metadata, ModelRef, Node, Place, RefKind, Status, Workflow, model_refs, node_types};

/// What is known on this machine, as far as there is anything.
#[derive(Clone, Copy, Default)]
pub struct Knowledge<'a> {
    /// The models of this machine, and the same by name; none when nobody has looked.
    pub library: Option<(&'a Library, &'a Index<'a>)>,
    /// The manifest of the environment in question.
    pub manifest: Option<&'a Manifest>,
    /// The environment's own reading of this workflow, where it is one of its workflows.
    pub mentions: Option<&'a [Mention]>,
}

/// What a workflow needs.
#[derive(Debug, Clone)]
pub struct Needs {
    /// Its models, in the order of the file.
    pub models: Vec<Need>,
    /// Its node types, by name.
    pub nodes: Vec<NodeType>,
    /// Why the file's own metadata is not believed, if it is not.
    pub metadata: Option<workflow::Error>,
}

/// A model a workflow names.
#[derive(Debug, Clone)]
pub struct Need {
    /// Where and how.
    pub reference: ModelRef,
    /// Whether it is here.
    pub state: State,
    /// Whether ComfyUI here loads it under the name the workflow has, when it is here.
    pub sight: Option<Sight>,
    /// The model's key, when it is one model.
    pub key: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Where it can be had, as far as manifest, index and workflow tell.
    pub sources: Vec<String>,
}

/// What is known of a model's whereabouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is here.
    Resolved,
    /// Several models could be meant.
    Ambiguous,
    /// None here is meant.
    Unresolved,
    /// The user chose to leave it.
    Skipped,
    /// The node gets it by itself.
    SelfManaged,
    /// Nobody has looked: there is no index at hand.
    Unknown,
}

impl State {
    /// The word in JSON documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Ambiguous => "ambiguous",
            Self::Unresolved => "unresolved",
            Self::Skipped => "skipped",
            Self::SelfManaged => "self_managed",
            Self::Unknown => "unknown",
        }
    }
}

/// A node type a workflow uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeType {
    /// Its class.
    pub name: String,
    /// Whether it comes with ComfyUI.
    pub builtin: bool,
    /// The node pack the workflow says it comes from.
    pub pack: Option<String>,
    /// The pack's version, as the workflow says it: a version or a commit.
    pub version: Option<String>,
    /// Which property of the node says so.
    pub evidence: Option<&'static str>,
}

/// What the workflow needs, with what is known.
pub fn needs(workflow: &Workflow, knowledge: Knowledge<'_>) -> Needs {
    let (library, index) = knowledge.library.unzip();
    let (metadata, unread) = match Metadata::of(workflow) {
        Ok(metadata) => (metadata, None),
        Err(error) => (None, Some(error)),
    };
    let mentions: HashMap<Place<'_>, &Mention> =
        knowledge.mentions.into_iter().flatten().map(|mention| (mention.reference.place(), mention)).collect();
    let models = model_refs(workflow)
        .into_iter()
        .map(|reference| {
            let carried = metadata.as_ref().and_then(|metadata| metadata.find(&reference));
            let previous = carried.and_then(|carried| carried.hash.clone());
            let (state, key) = match (reference.kind, index, mentions.get(&reference.place())) {
                (RefKind::Remote, ..) => (State::SelfManaged, None),
                (_, Some(index), Some(mention)) => settled(mention, index),
                (RefKind::Folder, Some(_), None) => (folder(&reference, library), None),
                (_, Some(index), None) => looked_up(index, &reference, previous.as_deref()),
                (_, None, _) => (State::Unknown, previous),
            };
            let state = match (state, carried.map(|carried| carried.status)) {
                (State::Unresolved | State::Unknown, Some(Status::Skipped)) => State::Skipped,
                (state, _) => state,
            };
            let sight = match (state, index, &key) {
                (State::Resolved, Some(index), Some(key)) => Some(sight(index, &reference, key)),
                _ => None,
            };
            let rows: Vec<_> =
                library.iter().flat_map(|library| library.rows(key.as_deref().unwrap_or_default())).collect();
            let model = key.as_ref().and_then(|key| knowledge.manifest?.models.get(key));
            let said = reference.embedded.iter().map(|source| source.url.clone()).filter(|url| !url.is_empty());
            let mut sources: Vec<String> = Vec::new();
            let known = model.into_iter().flat_map(|model| &model.sources);
            let known = known.chain(rows.iter().flat_map(|row| &row.sources)).map(ToString::to_string);
            let carried_sources = carried.into_iter().flat_map(|carried| carried.sources.iter().cloned());
            // What strangers wrote may hold their keys: that is neither repeated nor used.
            let told = carried_sources.chain(said);
            let told = told.filter_map(|text| Source::parse(&text).ok()).map(|source| source.to_string());
            for source in known.chain(told) {
                if !sources.contains(&source) {
                    sources.push(source);
                }
            }
            let size = model.map(|model| model.size).or_else(|| rows.first().map(|row| row.size));
            let size = size.or_else(|| carried.and_then(|carried| carried.size));
            Need { reference, state, sight, key, size, sources }
        })
        .collect();
    Needs { models, nodes: types(workflow), metadata: unread }
}

fn settled(mention: &Mention, index: &Index<'_>) -> (State, Option<String>) {
    let state = match (&mention.key, mention.skipped, mention.candidates.is_empty()) {
        (Some(key), ..) if index.contains(key) => State::Resolved,
        (Some(_), ..) => State::Unresolved,
        (None, true, _) => State::Skipped,
        (None, false, false) => State::Ambiguous,
        (None, false, true) => State::Unresolved,
    };
    (state, mention.key.clone())
}

fn looked_up(index: &Index<'_>, reference: &ModelRef, previous: Option<&str>) -> (State, Option<String>) {
    match resolve(index, reference, previous) {
        // What metadata says is believed of a model that is here, not taken for its presence.
        Resolution::Resolved { key, .. } if !index.contains(&key) => (State::Unresolved, Some(key)),
        Resolution::Resolved { key, .. } => (State::Resolved, Some(key)),
        Resolution::Ambiguous { .. } => (State::Ambiguous, None),
        Resolution::Missing => (State::Unresolved, None),
    }
}

/// A folder is here if a model of its category lies in it.
fn folder(reference: &ModelRef, library: Option<&Library>) -> State {
    let name = crate::workflow::normalise_for_lookup(&reference.value).path;
    let inside = |file: &crate::resolve::IndexedFile| {
        file.seen
            && reference.category.as_ref().is_none_or(|category| *category == file.category)
            && file.name.strip_prefix(&name).is_some_and(|rest| rest.starts_with('/'))
    };
    if library.is_some_and(|library| library.files.iter().any(inside)) { State::Resolved } else { State::Unresolved }
}

/// The distinct node types. Of several nodes of one type the surest evidence counts.
fn types(workflow: &Workflow) -> Vec<NodeType> {
    let mut found: BTreeMap<&str, NodeType> = BTreeMap::new();
    for node in node_types(workflow) {
        let fresh = node_type(&node);
        let known = found.entry(node.node_type).or_insert_with(|| fresh.clone());
        let rank = |of: &NodeType| match of.evidence {
            Some("cnr_id") => 0,
            Some(_) => 1,
            None => 2,
        };
        if rank(&fresh) < rank(known) {
            *known = fresh;
        }
    }
    found.into_values().collect()
}

fn node_type(node: &Node<'_>) -> NodeType {
    let property = |key: &str| {
        let text = node.value.get("properties").and_then(|properties| properties.get(key))?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let (pack, evidence) = match (property("cnr_id"), property("aux_id")) {
        (Some(id), _) => (Some(id), Some("cnr_id")),
        (None, Some(id)) => (Some(id), Some("aux_id")),
        (None, None) => (None, None),
    };
    let of_comfyui = pack.as_deref() == Some("comfy-core");
    NodeType {
        name: node.node_type.to_owned(),
        builtin: of_comfyui || (evidence.is_none() && builtin::is_node(node.node_type)),
        version: pack.is_some().then(|| property("ver")).flatten(),
        pack,
        evidence,
    }
}
