//! Where each model of an environment comes from on this machine (decision 7).

use std::collections::{BTreeMap, BTreeSet};

use crate::category;
use crate::digest::{Blake3, Sha256};
use crate::manifest::{Manifest, Model, ModelStatus};
use crate::path::ModelPath;
use crate::plan::library::{Library, Place};
use crate::plan::tracked::{UNKNOWN_CATEGORY, local_name};
use crate::resolve::Index;
use crate::source::Source;
use crate::workflow::{ModelRef, Workflow, model_refs, normalise_for_lookup, rewrite};

/// What is to be done for one model in one category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// ComfyUI sees it already.
    Here,
    /// It lies where ComfyUI does not look for this category: link it in.
    Link {
        /// Where it lies.
        from: Place,
    },
    /// It is to be downloaded.
    Download,
    /// It is to be downloaded, and nobody says from where.
    NoSource,
    /// It has no SHA-256: what would arrive could not be checked.
    Unverifiable,
}

/// A model that workflows refer to, and what is to be done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStep {
    /// The manifest's key.
    pub key: String,
    /// The category a loader asks for.
    pub category: String,
    /// The file's name on the machine it comes from.
    pub filename: String,
    /// Bytes; nought when nobody says.
    pub size: u64,
    /// What the bytes must hash to.
    pub sha256: Option<Sha256>,
    /// The other hash, when known.
    pub blake3: Option<Blake3>,
    /// Where it can be had, in order.
    pub sources: Vec<Source>,
    /// What to do.
    pub action: Action,
    /// Its path below the target models folder, once it is linked or downloaded.
    pub relative_path: String,
    /// The name a loader's widget must show here.
    pub name: String,
    /// The workflows that need it.
    pub workflows: Vec<String>,
}

/// Plans every model of the manifest. `catalog` holds what the hub adds, by SHA-256; its sources
/// are asked before the manifest's of the same rank.
pub fn plan_models(manifest: &Manifest, library: &Library, catalog: &BTreeMap<Sha256, Vec<Source>>) -> Vec<ModelStep> {
    let index = Index::new(&library.files);
    let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (workflow, models) in &manifest.workflows {
        for model in models.iter().filter(|model| model.status == ModelStatus::Resolved) {
            if let Some(hash) = &model.hash {
                wanted.entry((hash, &model.category)).or_default().insert(workflow);
            }
        }
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut steps = Vec::new();
    for ((key, category), workflows) in wanted {
        let Some(model) = manifest.models.get(key) else { continue };
        let category = if category == UNKNOWN_CATEGORY { model.category.as_str() } else { category };
        let (action, relative_path, name) = place(key, category, model, library, &index, &taken);
        taken.insert(relative_path.clone());
        let mut sources = model.sha256.as_ref().and_then(|sha256| catalog.get(sha256)).cloned().unwrap_or_default();
        sources.extend(model.sources.iter().cloned());
        let mut seen = BTreeSet::new();
        sources.retain(|source| seen.insert(source.clone()));
        sources.sort_by_key(Source::rank);
        let action = match action {
            Action::Download if model.sha256.is_none() => Action::Unverifiable,
            Action::Download if sources.is_empty() => Action::NoSource,
            other => other,
        };
        steps.push(ModelStep {
            key: key.to_owned(),
            category: category.to_owned(),
            filename: model.filename.clone(),
            size: model.size,
            sha256: model.sha256.clone(),
            blake3: model.blake3.clone(),
            sources,
            action,
            relative_path,
            name,
            workflows: workflows.into_iter().map(str::to_owned).collect(),
        });
    }
    steps
}

fn place(
    key: &str,
    category: &str,
    model: &Model,
    library: &Library,
    index: &Index<'_>,
    taken: &BTreeSet<String>,
) -> (Action, String, String) {
    let mut places: Vec<&Place> = library.rows(key).flat_map(|row| &row.places).collect();
    // The path it has elsewhere first, then the order ComfyUI searches.
    places.sort_by_key(|place| {
        (place.relative_path != model.relative_path.as_str(), place.root, place.relative_path.clone())
    });
    for place in &places {
        let Some((folder, name)) = place.relative_path.split_once('/') else { continue };
        // A file of the same name in an earlier folder is the one ComfyUI would load.
        let loaded = index.file(category, name).is_some_and(|file| *file.key == *key);
        if category::of_folder(folder) == category && loaded {
            return (Action::Here, place.relative_path.clone(), name.to_owned());
        }
    }
    let folder = if category::of_folder(model.relative_path.folder()) == category {
        model.relative_path.folder()
    } else {
        category::folders(category).first().copied().unwrap_or(category)
    };
    let plain = local_name(model, false);
    let collides = index.file(category, &plain).is_some_and(|file| *file.key != *key)
        || taken.contains(&format!("{folder}/{plain}"));
    let name = local_name(model, collides);
    let action = match places.into_iter().chain(library.rows(key).flat_map(|row| &row.elsewhere)).next() {
        Some(place) => Action::Link { from: place.clone() },
        None => Action::Download,
    };
    (action, format!("{folder}/{name}"), name)
}

/// The place in a category that a name asks for, if a file can have it.
pub fn place_asked_for(category: &str, value: &str) -> Option<ModelPath> {
    let asked = normalise_for_lookup(value);
    let usable = !asked.basename_only && category::wide_model_extension(&asked.path);
    let folder = category::folders(category).first().copied().unwrap_or(category);
    ModelPath::parse(&format!("{folder}/{}", asked.path)).ok().filter(|_| usable)
}

/// A free place in a category for a file that lies elsewhere: the folder below a models folder, and
/// a name below it that no other model of the category has.
pub(super) fn free_name<'a>(
    index: &Index<'_>,
    key: &str,
    category: &'a str,
    relative_path: &'a str,
    sha256: Option<&Sha256>,
) -> (&'a str, String) {
    let folder = category::folders(category).first().copied().unwrap_or(category);
    let (from, name) = relative_path.split_once('/').unwrap_or(("", relative_path));
    let folder = if category::of_folder(from) == category { from } else { folder };
    let is_taken = index.file(category, name).is_some_and(|file| *file.key != *key);
    let name = match (name.rsplit_once('.'), is_taken) {
        (Some((stem, extension)), true) => {
            format!("{stem}-{}.{extension}", sha256.map_or(&key[..8.min(key.len())], |sha256| sha256.short(8)))
        }
        _ => name.to_owned(),
    };
    (folder, name)
}

/// A tracked workflow as this machine's ComfyUI must read it: model names of this machine, no
/// metadata. Everything else stays byte for byte (decision 10).
pub fn localise(name: &str, tracked: &Workflow, manifest: &Manifest, steps: &[ModelStep]) -> String {
    let models = manifest.workflows.get(name).map_or(&[][..], Vec::as_slice);
    let mut changes: Vec<(&ModelRef, String)> = Vec::new();
    let references = model_refs(tracked);
    for reference in &references {
        let entry = models.iter().find(|model| model.nodes.iter().any(|at| at.place() == reference.place()));
        let Some((hash, category)) = entry.and_then(|entry| Some((entry.hash.as_ref()?, entry.category.as_str())))
        else {
            continue;
        };
        let step =
            steps.iter().find(|step| step.key == *hash && (step.category == category || category == UNKNOWN_CATEGORY));
        if let Some(name) = step.map(|step| reference.spelling_of(&step.name)).filter(|name| *name != reference.value) {
            changes.push((reference, name));
        }
    }
    let text = if changes.is_empty() { tracked.text().to_owned() } else { rewrite(tracked, &changes) };
    crate::workflow::without_metadata(&text).unwrap_or(text)
}
