//! What changed between two states of an environment, in the user's terms: nodes, widgets, links,
//! models, packs, packages. Never lines of JSON (decision 77).
//!
//! - [`workflow`]: two workflows, in either of ComfyUI's formats.
//! - [`manifest`]: what `pyproject.toml` says besides, and the packages of `uv.lock`.
//! - [`words`]: each difference on a line.

pub mod manifest;
pub mod value;
pub mod words;
pub mod workflow;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use self::manifest::{
    FieldDifference, ModelDifference, PackDifference, PackageDifference, RequirementDifference, UseDifference,
};
use self::workflow::Content;
use crate::foreign;
use crate::manifest::{Error, Manifest};
use crate::workflow::without_metadata;

/// One side: a version, or what lies there uncommitted.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The manifest's text.
    pub manifest: &'a str,
    /// Tracked workflows, by name.
    pub workflows: &'a BTreeMap<String, String>,
    /// Other files, by path; a manifest among them is passed over.
    pub files: &'a BTreeMap<String, Vec<u8>>,
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It is another.
    Changed,
}

impl Change {
    /// Of a thing that is on one side, or on both and differs.
    fn of<T>(before: Option<&T>, after: Option<&T>) -> Self {
        match (before, after) {
            (None, _) => Self::Added,
            (_, None) => Self::Removed,
            _ => Self::Changed,
        }
    }
}

/// What a thing was and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

impl Pair {
    /// The two, if they differ.
    fn of(before: String, after: String) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }
}

/// A workflow that is new, gone, changed or has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkflowDifference {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// The name it had before.
    pub was: Option<String>,
    /// How many nodes it has, or had, if it is new or gone.
    pub node_count: Option<usize>,
    /// What changed in it.
    #[serde(flatten)]
    pub content: Content,
    /// Models that it needs now, needs no more, or needs in another file.
    pub models: Vec<UseDifference>,
}

/// A file besides workflows, manifest and lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDifference {
    /// What became of it.
    pub change: Change,
    /// Its path.
    pub path: String,
}

/// How two states differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Workflows.
    pub workflows: Vec<WorkflowDifference>,
    /// ComfyUI's version, Python's, the platforms.
    pub environment: Vec<FieldDifference>,
    /// Node packs.
    pub packs: Vec<PackDifference>,
    /// Models of the environment.
    pub models: Vec<ModelDifference>,
    /// What stands in for models: by the key of the model that is not used.
    pub substitutions: Vec<FieldDifference>,
    /// What is asked for of Python packages.
    pub requirements: Vec<RequirementDifference>,
    /// What is locked of them.
    pub packages: Vec<PackageDifference>,
    /// Whatever else the manifest says.
    pub settings: Vec<FieldDifference>,
    /// Other files.
    pub files: Vec<FileDifference>,
}

impl Difference {
    /// Whether nothing differs, not even how workflows look.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Holds two states against each other.
///
/// # Errors
/// When a manifest cannot be taken.
pub fn diff(before: State<'_>, after: State<'_>) -> Result<Difference, Error> {
    let manifests = [Manifest::parse(before.manifest)?, Manifest::parse(after.manifest)?];
    let [one, other] = &manifests;
    let mut found = Difference { workflows: workflows(before, after, one, other), ..Difference::default() };
    if before.manifest != after.manifest {
        found.environment = manifest::environment(one, other);
        found.packs = manifest::packs(one, other);
        found.models = manifest::models(one, other);
        found.substitutions = manifest::substitutions(one, other);
        (found.requirements, found.settings) = manifest::texts(before.manifest, after.manifest);
    }
    let lock = |state: State<'_>| state.files.get(foreign::PYTHON_LOCK).cloned().unwrap_or_default();
    found.packages = manifest::packages(&lock(before), &lock(after));
    found.files = files(before, after, found.packages.is_empty());
    Ok(found)
}

/// Files that differ; the lock among them only if no package tells how.
fn files(before: State<'_>, after: State<'_>, with_lock: bool) -> Vec<FileDifference> {
    let paths: BTreeSet<&String> = before.files.keys().chain(after.files.keys()).collect();
    let told = |path: &&String| **path != foreign::MANIFEST && (with_lock || **path != foreign::PYTHON_LOCK);
    let sides = |path: &String| (before.files.get(path), after.files.get(path));
    let differ = paths.into_iter().filter(told).filter(|path| sides(path).0 != sides(path).1);
    differ
        .map(|path| {
            let (before, after) = sides(path);
            FileDifference { change: Change::of(before, after), path: path.clone() }
        })
        .collect()
}

fn workflows(before: State<'_>, after: State<'_>, one: &Manifest, other: &Manifest) -> Vec<WorkflowDifference> {
    let mut renamed = renamed(before, after);
    let names: BTreeSet<&String> = before.workflows.keys().chain(after.workflows.keys()).collect();
    let mut found = Vec::new();
    let left: BTreeSet<String> = renamed.values().cloned().collect();
    for name in names.into_iter().filter(|name| !left.contains(*name)) {
        let was = renamed.remove(name);
        let earlier = was.as_ref().unwrap_or(name);
        let (text_before, text_after) = (before.workflows.get(earlier), after.workflows.get(name));
        let content = match (text_before, text_after) {
            (Some(before), Some(after)) if before != after => workflow::compare(before, after),
            _ => Content::default(),
        };
        let models = manifest::uses((earlier, one), (name, other));
        let change = Change::of(text_before, text_after);
        if change == Change::Changed && was.is_none() && content.is_empty() && models.is_empty() {
            continue;
        }
        let alone =
            if change == Change::Added { text_after } else { text_before.filter(|_| change == Change::Removed) };
        let node_count = alone.and_then(|text| workflow::node_count(text));
        found.push(WorkflowDifference { name: name.clone(), change, was, node_count, content, models });
    }
    found
}

/// New names of workflows whose content was under a name that is gone, each with that one.
fn renamed(before: State<'_>, after: State<'_>) -> BTreeMap<String, String> {
    let plain = |text: &String| without_metadata(text).unwrap_or_else(|_| text.clone());
    let mut gone: HashMap<String, Vec<&String>> = HashMap::new();
    for (name, text) in before.workflows.iter().rev().filter(|(name, _)| !after.workflows.contains_key(*name)) {
        gone.entry(plain(text)).or_default().push(name);
    }
    let mut found = BTreeMap::new();
    if gone.is_empty() {
        return found;
    }
    for (name, text) in after.workflows.iter().filter(|(name, _)| !before.workflows.contains_key(*name)) {
        if let Some(was) = gone.get_mut(&plain(text)).and_then(Vec::pop) {
            found.insert(name.clone(), was.clone());
        }
    }
    found
}
