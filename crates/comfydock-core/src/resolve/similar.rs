//! Models whose names are like a name that leads nowhere: suggestions to a person, never a decision.

use super::{Index, IndexedFile};
use crate::category;
use crate::workflow::{ModelRef, normalise_for_lookup};

/// How alike two names must be to be worth showing, from 0 to 1.
const ALIKE: f64 = 0.5;

/// A file whose name is like the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similar<'files> {
    /// The file.
    pub file: &'files IndexedFile,
    /// How alike, from 0 to 1.
    pub score: f64,
}

/// The files with the most similar names, the best first, each model once; of the reference's
/// category where that is known.
pub fn similar<'files>(index: &Index<'files>, reference: &ModelRef, limit: usize) -> Vec<Similar<'files>> {
    let mut found = by_likeness(index, &normalise_for_lookup(&reference.value).path, reference.category.as_deref());
    found.retain(|similar| similar.score >= ALIKE);
    found.truncate(limit);
    found
}

/// Every model of a category, or of all, by how alike the names of its files are to `path`: the most alike first.
pub fn by_likeness<'files>(index: &Index<'files>, path: &str, category: Option<&str>) -> Vec<Similar<'files>> {
    let wanted = letters(path);
    let mut found: Vec<Similar<'files>> = index
        .reachable(category.map(category::canonical))
        .map(|file| Similar { file, score: strsim::sorensen_dice(&wanted, &letters(&file.name)) })
        .collect();
    found.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.file.name.cmp(&other.file.name)));
    let mut seen = std::collections::HashSet::new();
    found.retain(|similar| seen.insert(&similar.file.key));
    found
}

/// What tells names apart: the letters and digits of the file name, its folders and ending aside.
fn letters(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem =
        if category::wide_model_extension(name) { name.rsplit_once('.').map_or(name, |(stem, _)| stem) } else { name };
    stem.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
