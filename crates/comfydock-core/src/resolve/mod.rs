//! Which indexed model a name in a workflow means.
//!
//! The order follows what ComfyUI would load, then what a person would mean: the exact name in the
//! category; the decision made before; the name in other case; the name without a leading category;
//! the file name alone; a SHA-256 that the workflow itself gives. Different models at one step are
//! a question for the user, never a guess.

mod index;
pub mod ladder;
mod similar;

pub use index::{Index, IndexedFile};
pub use similar::{Similar, similar};

use crate::category;
use crate::workflow::{ModelRef, RefKind, normalise_for_lookup};

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This model.
    Resolved {
        /// The model's key.
        key: String,
        /// What it was recognised by.
        by: Evidence,
    },
    /// One of these models, sorted by key.
    Ambiguous {
        /// Their keys.
        keys: Vec<String>,
    },
    /// No model here.
    Missing,
}

/// What a model was recognised by, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The category has a file of exactly this relative name.
    Exact,
    /// It was decided before for this place and value.
    Previous,
    /// The same, but for upper and lower case.
    CaseInsensitive,
    /// The same, after a leading `models/` or category folder was taken off.
    WithoutCategory,
    /// One model of the category (of any, if it is unknown) has this file name.
    FileName,
    /// The workflow gives the SHA-256 of one model.
    Sha256,
}

impl Evidence {
    /// Whether ComfyUI here would load this model under the name as it stands, given `/` as separator.
    pub fn is_exact(self) -> bool {
        self == Self::Exact
    }
}

/// Finds the model that `reference` means.
///
/// `previous` is the key decided before for the same node path, widget path and exact value. It
/// yields to an exact name, because that is what ComfyUI loads. If its file is not in the index it
/// counts only when nothing else resolves the name.
pub fn resolve(index: &Index<'_>, reference: &ModelRef, previous: Option<&str>) -> Resolution {
    let lookup = normalise_for_lookup(&reference.value);
    let name = lookup.path.as_str();
    let category = reference.category.as_deref().map(category::canonical);
    let in_folders = !lookup.basename_only && !name.is_empty();
    let is_tag = matches!(reference.kind, RefKind::Embedding | RefKind::LoraTag);

    let exact = match category {
        Some(category) if is_tag => tagged(index, category, name, reference.kind, false),
        _ if in_folders => found(index.exact(category, name), Evidence::Exact),
        _ => None,
    };
    if let Some(resolved @ Resolution::Resolved { .. }) = exact {
        return resolved;
    }
    if let Some(key) = previous.filter(|key| index.contains(key)) {
        return Resolution::Resolved { key: key.to_owned(), by: Evidence::Previous };
    }
    let by_name = exact.or_else(|| match category {
        Some(category) if is_tag => tagged(index, category, name, reference.kind, true),
        _ => by_name(index, category, name, in_folders),
    });
    match by_name {
        Some(resolved @ Resolution::Resolved { .. }) => resolved,
        unclear => by_sha256(index, reference, unclear.as_ref())
            .or_else(|| {
                let key = previous?.to_owned();
                Some(Resolution::Resolved { key, by: Evidence::Previous })
            })
            .or(unclear)
            .unwrap_or(Resolution::Missing),
    }
}

/// The order in which ComfyUI tries endings for `embedding:NAME`.
const EMBEDDING_EXTENSIONS: [&str; 3] = [".safetensors", ".pt", ".bin"];

/// A tag's name has no ending as a rule. ComfyUI takes an embedding of the first ending there is;
/// which LoRA a tag means is up to the node that reads it, so there the ending does not decide.
fn tagged(index: &Index<'_>, category: &str, name: &str, kind: RefKind, any_folder: bool) -> Option<Resolution> {
    let files = index.tagged(category, name, any_folder);
    let by = if any_folder { Evidence::FileName } else { Evidence::Exact };
    if kind == RefKind::Embedding && !any_folder {
        let first =
            EMBEDDING_EXTENSIONS.iter().find_map(|ending| files.iter().find(|file| file.name.ends_with(ending)));
        if let Some(first) = first {
            return found([&*first.key], by);
        }
    }
    found(files.into_iter().map(|file| &*file.key), by)
}

/// The steps after the exact name. The first that finds anything decides.
fn by_name(index: &Index<'_>, category: Option<&str>, name: &str, in_folders: bool) -> Option<Resolution> {
    let mut answer = None;
    if in_folders {
        answer = found(index.case_insensitive(category, name), Evidence::CaseInsensitive)
            .or_else(|| without_category(index, category, name));
    }
    let file_name = name.rsplit('/').next().filter(|name| !name.is_empty())?;
    answer.or_else(|| found(index.file_name(category, file_name), Evidence::FileName))
}

/// Takes `models/` and a folder of the category off the front. A prefix that names another category
/// than the loader's is no prefix; where the category is unknown, the prefix tells it.
fn without_category(index: &Index<'_>, category: Option<&str>, name: &str) -> Option<Resolution> {
    let below_models = name.strip_prefix("models/").unwrap_or(name);
    let (folder, rest) = below_models.split_once('/')?;
    let named = category::of_folder(folder);
    if category.is_some_and(|category| category != named) {
        return None;
    }
    let category = Some(named);
    found(index.exact(category, rest), Evidence::WithoutCategory)
        .or_else(|| found(index.case_insensitive(category, rest), Evidence::WithoutCategory))
}

fn by_sha256(index: &Index<'_>, reference: &ModelRef, unclear: Option<&Resolution>) -> Option<Resolution> {
    let mut keys: Vec<&str> = reference
        .embedded
        .iter()
        .filter_map(|source| source.sha256.as_deref())
        .flat_map(|sha256| index.sha256(sha256))
        .collect();
    if let Some(Resolution::Ambiguous { keys: candidates }) = unclear {
        keys.retain(|key| candidates.iter().any(|candidate| candidate == key));
    }
    match found(keys, Evidence::Sha256)? {
        resolved @ Resolution::Resolved { .. } => Some(resolved),
        _ => None,
    }
}

/// One key resolves, however many files have it; several are a question; none is no answer.
fn found<'key>(keys: impl IntoIterator<Item = &'key str>, by: Evidence) -> Option<Resolution> {
    let mut keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
    keys.sort();
    keys.dedup();
    match keys.len() {
        0 => None,
        1 => keys.pop().map(|key| Resolution::Resolved { key, by }),
        _ => Some(Resolution::Ambiguous { keys }),
    }
}

#[cfg(test)]
mod tests;
