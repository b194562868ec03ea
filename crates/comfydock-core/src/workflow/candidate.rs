//! What a string among a node's widgets names, if it names a model.

use std::collections::HashMap;
use std::ops::Range;

use super::groups::is_group;
use super::leaf::Leaf;
use super::model_refs::{Confidence, PathStep, RefKind};
use super::reason::Reason;
use super::seat::Seat;
use super::tags::{self, tags};
use crate::builtin;
use crate::category;
use crate::custom::{self, Hit, Holds};
use crate::json::Kind;

/// Longer strings are prompts or scripts, not file names.
const LONGEST_NAME: usize = 400;

/// Nodes that exist only in the editor; their text runs nothing. `PrimitiveNode` holds a copy of
/// another widget's value and is handled as a mirror.
pub(crate) const EDITOR_ONLY: [&str; 4] = ["Note", "MarkdownNote", "PrimitiveNode", "Reroute"];

/// What combos of custom nodes offer beside the names of files and repositories.
const CHOICES_WITHOUT_A_MODEL: [&str; 9] =
    ["none", "baked vae", "default", "disabled", "auto", "automatic", "undefined", "null", "off"];

/// What a string names.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) kind: RefKind,
    /// The name, without what stands around it in the string.
    pub(super) value: String,
    /// The name's places in the string; empty if it is the whole string.
    pub(super) parts: Vec<Range<usize>>,
    pub(super) category: Option<String>,
    pub(super) confidence: Confidence,
    pub(super) reason: Reason,
    /// Whether the node's own switches and counts let it be used.
    pub(super) on: bool,
}

impl Candidate {
    fn whole(kind: RefKind, value: &str, confidence: Confidence, reason: Reason) -> Self {
        let value = value.to_owned();
        Self { kind, value, parts: Vec::new(), category: None, confidence, reason, on: true }
    }

    fn category(mut self, category: Option<&str>) -> Self {
        self.category = category.map(str::to_owned);
        self
    }
}

/// What a string at this seat in the workflow `text` names: nothing, one model, or, for a text with tags,
/// several. `listed` says whether `properties.models` has this very string.
pub(super) fn candidates(text: &str, seat: &Seat<'_>, leaf: &Leaf<'_>, listed: bool) -> Vec<Candidate> {
    let node_type = seat.node_type;
    if EDITOR_ONLY.contains(&node_type) {
        return Vec::new();
    }
    let slot = match seat.path.as_slice() {
        [PathStep::Index(index)] => builtin::slot(node_type, *index),
        [PathStep::Key(input)] => builtin::slot_named(node_type, input),
        _ => None,
    };
    if let Some(slot) = slot {
        return from_builtin(node_type, slot, leaf.value).into_iter().collect();
    }
    let hit = custom::find(node_type, &seat.path);
    if let Some(hit) = hit {
        if hit.holds == Holds::None {
            return Vec::new();
        }
        let node_type = node_type.to_owned();
        let reason = match hit.holds {
            Holds::Remote => Reason::Fetched { node_type },
            _ => Reason::Custom { node_type, pack: hit.pack.to_owned() },
        };
        if let Some(mut found) = from_table(&hit, leaf.value, reason) {
            found.on = is_on(text, seat, &hit);
            return vec![found];
        }
        if matches!(hit.holds, Holds::Text | Holds::Prompt) {
            let sure = |kind| kind == RefKind::Embedding || hit.holds == Holds::Text;
            return in_text(leaf.value, sure);
        }
    }
    if listed {
        return vec![Candidate::whole(RefKind::File, leaf.value, Confidence::High, Reason::Listed)];
    }
    // What a node saves is no model it needs. People call groups by any words.
    if node_type.contains("Save") && !node_type.contains("Load") && !is_group(node_type) {
        return Vec::new();
    }
    by_ending(leaf.value).map_or_else(|| in_text(leaf.value, |_| false), |found| vec![found])
}

fn from_builtin(node_type: &str, slot: &builtin::Slot, value: &str) -> Option<Candidate> {
    let kind = match slot.kind {
        builtin::Kind::File => RefKind::File,
        builtin::Kind::Directory => RefKind::Folder,
        builtin::Kind::Config => return None,
    };
    let reason = Reason::Builtin { node_type: node_type.to_owned(), input: slot.input.clone() };
    (!builtin::is_nothing(value.trim()) && !slot.is_virtual(value.trim()))
        .then(|| Candidate::whole(kind, value, Confidence::High, reason).category(Some(&slot.category)))
}

fn from_table(hit: &Hit, value: &str, reason: Reason) -> Option<Candidate> {
    let kind = match hit.holds {
        Holds::File => return by_ending(value).map(|found| sure(found, hit, reason)),
        Holds::Folder => {
            if let Some(found) = by_ending(value) {
                return Some(sure(found, hit, reason));
            }
            RefKind::Folder
        }
        Holds::Stem if hit.category == Some("embeddings") => RefKind::Embedding,
        Holds::Stem => RefKind::LoraTag,
        Holds::Remote => RefKind::Remote,
        Holds::Prompt | Holds::Text | Holds::None => return None,
    };
    let name = value.trim();
    let is_name = !name.is_empty() && !name.contains(['\n', '\r']) && name.chars().count() <= LONGEST_NAME;
    let is_choice = builtin::is_nothing(name) || CHOICES_WITHOUT_A_MODEL.contains(&name.to_lowercase().as_str());
    (is_name && !is_choice).then(|| Candidate::whole(kind, value, Confidence::High, reason).category(hit.category))
}

fn sure(found: Candidate, hit: &Hit, reason: Reason) -> Candidate {
    Candidate { confidence: Confidence::High, reason, ..found }.category(hit.category)
}

/// Whether the widget's switch is on and its number within the count, where the table tells which
/// widgets these are.
fn is_on(text: &str, seat: &Seat<'_>, hit: &Hit) -> bool {
    let widget = |step: &PathStep| seat.widget(step);
    let counted = hit.counted.as_ref().and_then(|(ordinal, count)| {
        let count: usize = widget(count)?.text(text).parse().ok()?;
        Some(*ordinal < count)
    });
    let switched = hit.switch.as_ref().and_then(widget).map(|switch| match &switch.kind {
        Kind::Bool(on) => *on,
        Kind::String(word) => !word.eq_ignore_ascii_case("off"),
        _ => true,
    });
    counted.unwrap_or(true) && switched.unwrap_or(true)
}

/// A model file by its ending alone, also inside the labels that some packs put into their lists:
/// `name.gguf [~7.5GB]`, `org/repo | name.gguf`.
fn by_ending(value: &str) -> Option<Candidate> {
    if looks_like_a_file(value) {
        return Some(Candidate::whole(RefKind::File, value, Confidence::Medium, Reason::Ending));
    }
    let mut range = 0..value.trim_end().len();
    if value[range.clone()].ends_with(']') {
        range.end = value[..value.rfind(" [")?].trim_end().len();
    }
    if let Some(bar) = value[range.clone()].rfind(" | ") {
        range.start = bar + 3;
    }
    let name = &value[range.clone()];
    (range.len() < value.trim_end().len() && looks_like_a_file(name)).then(|| Candidate {
        parts: vec![range.clone()],
        ..Candidate::whole(RefKind::File, name, Confidence::Medium, Reason::Ending)
    })
}

/// The tags of a text; `read` says which kinds the node is known to read. A name that stands there
/// twice is one candidate with two places.
fn in_text(text: &str, read: impl Fn(RefKind) -> bool) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut known: HashMap<(RefKind, String), usize> = HashMap::new();
    for tags::Tag { kind, range, name } in tags(text) {
        if let Some(&again) = known.get(&(kind, name.clone())) {
            found[again].parts.push(range);
            continue;
        }
        known.insert((kind, name.clone()), found.len());
        let confidence = if read(kind) { Confidence::Medium } else { Confidence::Low };
        let category = if kind == RefKind::Embedding { "embeddings" } else { "loras" };
        let tag = Candidate::whole(kind, &name, confidence, Reason::Tag(kind)).category(Some(category));
        found.push(Candidate { parts: vec![range], ..tag });
    }
    found
}

/// Whether a string looks like a model file's name: one line, a known ending, no prompt syntax.
pub(super) fn looks_like_a_file(value: &str) -> bool {
    value.chars().count() <= LONGEST_NAME
        && !value.contains(['\n', '\r', '<', '>', '|', '*', '?', '"'])
        && !value.contains("://")
        && !value.contains("embedding:")
        && category::wide_model_extension(value.trim_end())
}
