//! What is not clear in a workflow.

use std::collections::BTreeMap;

use crate::category::Criticality;
use crate::digest::Sha256;
use crate::manifest::{Manifest, Model, ModelUse};
use crate::plan::library::Library;
use crate::plan::tracked::{self, Mention, Reading, UNKNOWN_CATEGORY};
use crate::resolve::{Index, is_disproved, is_proved, similar};
use crate::workflow::{Confidence, EmbeddedSource, ModelRef, RefKind, normalise_for_lookup};

/// Similar names that are worth reading.
const SUGGESTIONS: usize = 5;

/// A name that means no model here, or several.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The name as the workflow has it.
    pub value: String,
    /// The category it is looked up in, where that is known.
    pub category: Option<String>,
    /// What the string names.
    pub kind: RefKind,
    /// How sure it is that it names a model.
    pub confidence: Confidence,
    /// Where it stands.
    pub uses: Vec<ModelUse>,
    /// How much it matters.
    pub criticality: Criticality,
    /// The model it means, when that is known and not on this machine; with its key.
    pub absent: Option<(String, Model)>,
    /// Models of this machine that could be meant, the likeliest first.
    pub choices: Vec<Choice>,
    /// What the workflow says about where to get it.
    pub told: Vec<EmbeddedSource>,
    /// A person chose to leave it.
    pub skipped: bool,
}

/// A model that could be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its key.
    pub key: String,
    /// Its category.
    pub category: String,
    /// Its path below the category's folder.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Its identity, once measured.
    pub sha256: Option<Sha256>,
    /// Why it is offered.
    pub likeness: Likeness,
}

/// Why a model is offered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Likeness {
    /// It is the file whose SHA-256 the workflow gives.
    SameContent,
    /// The name fits it as well as others.
    SameName,
    /// The name fits it, and it is not the file whose SHA-256 the workflow gives.
    OtherFile,
    /// It stands in for the model that is meant, by an earlier choice.
    Substitute,
    /// Its name is similar, from 0 to 1.
    Similar(f64),
}

impl Question {
    /// Whether a person means this question by a word: the name, or its last part.
    pub fn is_called(&self, word: &str) -> bool {
        self.value == word || self.value.rsplit(['/', '\\']).next() == Some(word)
    }
}

type Group<'a> = ((&'a str, &'a str, RefKind, Option<&'a str>, bool), Vec<&'a Mention>);

pub(super) fn of(
    workflow: &str,
    reading: &Reading,
    manifest: &Manifest,
    library: &Library,
    index: &Index<'_>,
) -> Vec<Question> {
    let entries = tracked::entries(workflow, reading, manifest);
    let mut groups: BTreeMap<_, Vec<&Mention>> = BTreeMap::new();
    for mention in &reading.mentions {
        let key = mention.key.as_deref();
        if key.is_some_and(|key| library.has(key)) {
            continue;
        }
        let reference = &mention.reference;
        let category = reference.category.as_deref().unwrap_or(UNKNOWN_CATEGORY);
        let group = (category, reference.value.as_str(), reference.kind, key, mention.skipped);
        groups.entry(group).or_default().push(mention);
    }
    groups.into_iter().filter_map(|group| question(group, &entries, manifest, library, index)).collect()
}

fn question(
    ((_, value, kind, key, skipped), mentions): Group<'_>,
    entries: &[crate::manifest::WorkflowModel],
    manifest: &Manifest,
    library: &Library,
    index: &Index<'_>,
) -> Option<Question> {
    let first = mentions.first()?;
    let uses: Vec<ModelUse> = mentions.iter().map(|mention| ModelUse::of(&mention.reference)).collect();
    let entry =
        entries.iter().find(|entry| entry.nodes.iter().any(|at| uses.iter().any(|of| of.place() == at.place())));
    let absent = key.and_then(|key| Some((key.to_owned(), manifest.models.get(key)?.clone())));
    let mut told: Vec<EmbeddedSource> = Vec::new();
    for source in mentions.iter().flat_map(|mention| &mention.reference.embedded) {
        if !told.contains(source) {
            told.push(source.clone());
        }
    }
    let mut question = Question {
        value: value.to_owned(),
        category: first.reference.category.clone(),
        kind,
        confidence: mentions.iter().map(|mention| mention.reference.confidence).max()?,
        uses,
        criticality: entry.map_or(Criticality::Required, |entry| entry.criticality),
        absent,
        choices: Vec::new(),
        told,
        skipped,
    };
    let mut same: Vec<_> =
        first.candidates.iter().map(|key| (key.as_str(), likeness(index, &first.reference, key))).collect();
    same.sort_by_key(|(_, likeness)| match likeness {
        Likeness::SameContent => 0,
        Likeness::OtherFile => 2,
        _ => 1,
    });
    let stands_in = stand_in(&question, manifest).map(|key| (key, Likeness::Substitute));
    let alike: Vec<_> = similar(index, &first.reference, SUGGESTIONS)
        .into_iter()
        .map(|similar| match likeness(index, &first.reference, &similar.file.key) {
            Likeness::OtherFile if has_file_name(&similar.file.name, value) => {
                (&*similar.file.key, Likeness::OtherFile)
            }
            _ => (&*similar.file.key, Likeness::Similar(similar.score)),
        })
        .collect();
    let mut choices: Vec<Choice> = Vec::new();
    for (key, likeness) in same.into_iter().chain(stands_in).chain(alike) {
        if choices.iter().all(|known| known.key != key) {
            choices.extend(choice(key, likeness, question.category.as_deref(), library, index));
        }
    }
    question.choices = choices;
    Some(question)
}

/// How a model of this name stands to what the workflow says of the file.
fn likeness(index: &Index<'_>, reference: &ModelRef, key: &str) -> Likeness {
    if is_proved(index, reference, key) {
        Likeness::SameContent
    } else if is_disproved(index, reference, key) {
        Likeness::OtherFile
    } else {
        Likeness::SameName
    }
}

fn has_file_name(path: &str, value: &str) -> bool {
    path.rsplit('/').next() == Some(normalise_for_lookup(value).file_name())
}

/// What was chosen to stand in for the model that the question means.
fn stand_in<'a>(question: &Question, manifest: &'a Manifest) -> Option<&'a str> {
    let asked = normalise_for_lookup(&question.value);
    let file_name = asked.file_name();
    let meant = |(key, known): &(&String, &crate::manifest::Substitution)| {
        let by_key = question.absent.as_ref().is_some_and(|(absent, _)| absent == *key);
        let told = |sha256: &Sha256| question.told.iter().any(|told| told.sha256.as_deref() == Some(sha256.as_str()));
        by_key
            || known.sha256.as_ref().is_some_and(told)
            || (known.filename == file_name
                && question.category.as_deref().is_none_or(|category| category == known.category))
    };
    manifest.substitutions.iter().find(meant).map(|(_, known)| known.with.as_str())
}

fn choice(
    key: &str,
    likeness: Likeness,
    category: Option<&str>,
    library: &Library,
    index: &Index<'_>,
) -> Option<Choice> {
    let row = library.rows(key).next()?;
    let file = category.and_then(|category| index.visible(key, category)).or_else(|| index.files_of(key).next())?;
    Some(Choice {
        key: key.to_owned(),
        category: file.category.clone(),
        name: file.name.clone(),
        size: row.size,
        sha256: row.sha256.clone(),
        likeness,
    })
}
