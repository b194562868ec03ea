//! Two states that went apart, put together (decision 78).
//!
//! What one side alone changed is taken from it. What both changed is put together by key where that
//! has a meaning (tables, sets, requirements by package), else it is a [`Question`]. Nothing here is
//! merged by lines of text, and `uv.lock` and the metadata inside workflows are never merged: they
//! are made anew from the rest.
//!
//! - [`question`]: what is asked, and the answers.
//! - `workflows`: whole workflows. Node by node would be one more way out of its last case.
//! - `manifest`, `table`, `lists`: `pyproject.toml` by key.
//! - `twins`, `uses`: models and the workflows tied to them.
//! - `guest`: two states that have nothing in common.

mod files;
mod guest;
mod lists;
mod manifest;
pub mod question;
mod table;
#[cfg(test)]
mod tests;
mod twins;
mod uses;
mod workflows;

use std::collections::BTreeMap;

use toml_edit::DocumentMut;

pub use self::guest::{is_the_hosts, nothing_in_common};
pub use self::question::{Answer, Answers, Question, Settled, Subject};
use self::question::{Desk, Side};
use crate::diff::{Difference, State, diff};
use crate::foreign::MANIFEST;
use crate::manifest::{Document, Error, Manifest};
use crate::plan::commit::same_references;
use crate::plan::tracked;
use crate::workflow::{Metadata, Workflow, with_metadata, without_metadata};

/// Two states put together.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The manifest.
    pub document: Document,
    /// Tracked workflows, by name.
    pub workflows: BTreeMap<String, String>,
    /// Other files, by path. `uv.lock` is among them; with `relock` it is what locking starts from.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Whether the lock must be made anew: neither side's belongs to these requirements.
    pub relock: bool,
    /// What nobody answered yet. While there is any, the rest is what our own answers would give, and is
    /// not to be written.
    pub questions: Vec<Question>,
    /// What was asked and is answered.
    pub settled: Vec<Settled>,
    /// What was decided without a question although both sides had a part in it, in words.
    pub said: Vec<String>,
    /// What we changed.
    pub ours: Difference,
    /// What they changed.
    pub theirs: Difference,
}

/// The three sides of a merge.
#[derive(Debug, Clone, Copy)]
struct Three<T> {
    base: T,
    ours: T,
    theirs: T,
}

impl<T> Three<T> {
    fn map<U>(self, change: impl Fn(T) -> U) -> Three<U> {
        Three { base: change(self.base), ours: change(self.ours), theirs: change(self.theirs) }
    }

    fn of(self, side: Side) -> T {
        match side {
            Side::Ours => self.ours,
            Side::Theirs => self.theirs,
        }
    }
}

impl<T: PartialEq> Three<T> {
    /// The side that has what is wanted; none where both changed, and not alike.
    fn side(&self) -> Option<Side> {
        if self.ours == self.theirs || self.base == self.theirs {
            Some(Side::Ours)
        } else if self.base == self.ours {
            Some(Side::Theirs)
        } else {
            None
        }
    }
}

/// Puts two states together that have `base` in common. `now` is the time of the merge, RFC 3339 in UTC.
///
/// # Errors
/// When one of the manifests cannot be taken.
pub fn merge(
    base: State<'_>,
    ours: State<'_>,
    theirs: State<'_>,
    answers: &Answers,
    now: &str,
) -> Result<Merge, Error> {
    let (we_changed, they_changed) = (diff(base, ours)?, diff(base, theirs)?);
    // Where one side did nothing the other is taken as it is, to the byte.
    for (same, other, whole) in [(base, theirs, ours), (base, ours, theirs), (ours, theirs, theirs)] {
        if same_state(same, other) {
            return whole_state(whole, we_changed, they_changed);
        }
    }
    let mut desk = Desk::new(answers);
    let states = Three { base, ours, theirs };
    let mut documents = states.map(|state| state.manifest.parse::<DocumentMut>().unwrap_or_default());
    twins::part(&mut documents);
    let read = |document: &DocumentMut| Manifest::parse(&document.to_string());
    let manifests =
        Three { base: read(&documents.base)?, ours: read(&documents.ours)?, theirs: read(&documents.theirs)? };
    let kept = workflows::merge(states.map(|state| state.workflows), &we_changed, &they_changed, &mut desk);
    let uses = uses::merge(&kept, &manifests, &mut desk);
    let merged = manifest::merge(&documents, &manifests, &kept, &uses, &mut desk);
    let mut document = Document::parse(&merged.to_string())?;
    let said = document.manifest()?;
    for (name, entries) in uses.iter().filter(|(name, entries)| said.workflows.get(*name) != Some(*entries)) {
        document.set_workflow(name, entries);
    }
    manifest::sweep(&mut document, &manifests)?;
    let manifest = document.manifest()?;
    let workflows =
        kept.iter().map(|kept| (kept.name.clone(), noted(&kept.name, &kept.text, &manifest, now))).collect();
    let mut files = files::merge(&states, &manifest, &manifests, &mut desk);
    let relock = files::lock(&states, &documents, &merged, &mut files);
    let Desk { questions, settled, said, .. } = desk;
    Ok(Merge { document, workflows, files, relock, questions, settled, said, ours: we_changed, theirs: they_changed })
}

fn same_state(one: State<'_>, other: State<'_>) -> bool {
    one.manifest == other.manifest && one.workflows == other.workflows && one.files == other.files
}

fn whole_state(state: State<'_>, ours: Difference, theirs: Difference) -> Result<Merge, Error> {
    let mut files = state.files.clone();
    files.remove(MANIFEST);
    Ok(Merge {
        document: Document::parse(state.manifest)?,
        workflows: state.workflows.clone(),
        files,
        relock: false,
        questions: Vec::new(),
        settled: Vec::new(),
        said: Vec::new(),
        ours,
        theirs,
    })
}

/// The tracked copy with the metadata that the merged manifest gives it; the text as it is if that says
/// the same of its models already.
fn noted(name: &str, text: &str, manifest: &Manifest, now: &str) -> String {
    let Ok(workflow) = Workflow::parse(text.to_owned()) else { return text.to_owned() };
    let entries = manifest.workflows.get(name).map_or(&[][..], Vec::as_slice);
    let metadata = tracked::recorded_metadata(&workflow, entries, &manifest.models, now);
    let carried = Metadata::of(&workflow).ok().flatten();
    if carried.is_some_and(|carried| same_references(&carried, &metadata)) {
        return text.to_owned();
    }
    let anew = without_metadata(text).and_then(|text| with_metadata(&text, &metadata));
    anew.unwrap_or_else(|_| text.to_owned())
}
