//! Which indexed model a name in a workflow means.
//!
//! The order follows what ComfyUI would load, then what is proved, then what a person would mean: the
//! exact name in the category; the decision made before; the SHA-256 that the workflow itself gives;
//! the name in other case; the name without a leading category; the file name alone. Different models
//! at one step are a question for the user, never a guess, and so is a file of exactly this name
//! that is not the one whose SHA-256 the workflow gives.

mod index;
pub mod ladder;
mod sight;
mod similar;

pub use index::{Index, IndexedFile, stem};
pub use sight::{Sight, sight};
pub use similar::{Similar, by_likeness, similar};

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
    /// The workflow gives the SHA-256 of this model.
    Sha256,
    /// The same, but for upper and lower case.
    CaseInsensitive,
    /// The same, after a leading `models/` or category folder was taken off.
    WithoutCategory,
    /// One model of the category (of any, if it is unknown) has this file name.
    FileName,
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
    let proved = || given(reference).flat_map(|sha256| index.sha256(sha256));

    let exact = match category {
        Some(category) if is_tag => tagged(index, category, name, reference.kind, false),
        _ if in_folders => found(index.exact(category, name), Evidence::Exact),
        _ => None,
    };
    match exact {
        // What was decided before knew of the file; else a person says which of the two is meant.
        Some(Resolution::Resolved { key, .. }) if previous.is_none() && is_disproved(index, reference, &key) => {
            let mut keys: Vec<String> = proved().map(str::to_owned).chain([key]).collect();
            keys.sort();
            keys.dedup();
            return Resolution::Ambiguous { keys };
        }
        Some(resolved @ Resolution::Resolved { .. }) => return resolved,
        _ => {}
    }
    if let Some(key) = previous.filter(|key| index.contains(key)) {
        return Resolution::Resolved { key: key.to_owned(), by: Evidence::Previous };
    }
    if let Some(resolved @ Resolution::Resolved { .. }) = found(proved(), Evidence::Sha256) {
        return resolved;
    }
    let by_name = exact.or_else(|| match category {
        Some(category) if is_tag => tagged(index, category, name, reference.kind, true),
        _ => by_name(index, reference, category, name, in_folders),
    });
    match by_name {
        Some(resolved @ Resolution::Resolved { .. }) => resolved,
        unclear => previous
            .map(|key| Resolution::Resolved { key: key.to_owned(), by: Evidence::Previous })
            .or(unclear)
            .unwrap_or(Resolution::Missing),
    }
}

/// The SHA-256 that the workflow gives for what it names.
fn given(reference: &ModelRef) -> impl Iterator<Item = &str> {
    reference.embedded.iter().filter_map(|source| source.sha256.as_deref())
}

/// Whether the workflow gives a SHA-256 and the model of this key was measured to have another.
pub fn is_disproved(index: &Index<'_>, reference: &ModelRef, key: &str) -> bool {
    let measured = index.sha256_of(key);
    measured.is_some_and(|measured| given(reference).next().is_some() && given(reference).all(|told| told != measured))
}

/// Whether the model of this key was measured to be what the workflow gives the SHA-256 of.
pub fn is_proved(index: &Index<'_>, reference: &ModelRef, key: &str) -> bool {
    index.sha256_of(key).is_some_and(|measured| given(reference).any(|told| told == measured))
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

/// The steps by likeness. The first that finds anything that is not disproved decides.
fn by_name(
    index: &Index<'_>,
    reference: &ModelRef,
    category: Option<&str>,
    name: &str,
    in_folders: bool,
) -> Option<Resolution> {
    let found = |keys: Vec<&str>, by| found(keys.into_iter().filter(|key| !is_disproved(index, reference, key)), by);
    let mut answer = None;
    if in_folders {
        answer = found(index.case_insensitive(category, name), Evidence::CaseInsensitive).or_else(|| {
            let (category, rest) = without_category(category, name)?;
            found(index.exact(Some(category), rest), Evidence::WithoutCategory)
                .or_else(|| found(index.case_insensitive(Some(category), rest), Evidence::WithoutCategory))
        });
    }
    let file_name = name.rsplit('/').next().filter(|name| !name.is_empty())?;
    answer.or_else(|| found(index.file_name(category, file_name), Evidence::FileName))
}

/// Takes `models/` and a folder of the category off the front. A prefix that names another category
/// than the loader's is no prefix; where the category is unknown, the prefix tells it.
fn without_category<'name>(category: Option<&str>, name: &'name str) -> Option<(&'name str, &'name str)> {
    let below_models = name.strip_prefix("models/").unwrap_or(name);
    let (folder, rest) = below_models.split_once('/')?;
    let named = category::of_folder(folder);
    category.is_none_or(|category| category == named).then_some((named, rest))
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
