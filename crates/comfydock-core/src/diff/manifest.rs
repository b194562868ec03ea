//! What a manifest and a lock say, side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::Change;
use super::value::Json;
use crate::manifest::{Manifest, Model, Substitution, WorkflowModel};
use crate::python_lock;

/// Something with a name that says another thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldDifference {
    /// Its name; of settings the way to it: `tool.uv.exclude-newer`.
    pub field: String,
    /// What it said.
    pub before: Option<Json>,
    /// What it says.
    pub after: Option<Json>,
}

/// A node pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackDifference {
    /// What became of it.
    pub change: Change,
    /// The folder in `custom_nodes`.
    pub name: String,
    /// What is said of it, as the manifest's keys: `source`, `commit`.
    pub fields: Vec<FieldDifference>,
}

/// A model of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelDifference {
    /// What became of it.
    pub change: Change,
    /// Its key.
    pub key: String,
    /// Its file's name.
    pub filename: String,
    /// Its SHA-256, where measured.
    pub sha256: Option<String>,
    /// Sources that were not known.
    pub sources_added: Vec<String>,
    /// Sources that are not known any more.
    pub sources_removed: Vec<String>,
    /// What else is said of it.
    pub fields: Vec<FieldDifference>,
}

/// What a workflow says of a model it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tie {
    /// `resolved`, `unresolved` or `skipped`.
    pub status: Json,
    /// `required`, `flexible` or `optional`.
    pub criticality: Json,
    /// The model's key.
    pub key: Option<String>,
    /// The model's SHA-256, where measured.
    pub sha256: Option<String>,
}

/// A model of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UseDifference {
    /// What became of it.
    pub change: Change,
    /// The file's name.
    pub filename: String,
    /// The category it is looked up in.
    pub category: String,
    /// What was said of it.
    pub before: Option<Tie>,
    /// What is said of it.
    pub after: Option<Tie>,
}

/// What is asked for of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequirementDifference {
    /// What became of it.
    pub change: Change,
    /// The dependency group; none for ComfyUI's own requirements.
    pub group: Option<String>,
    /// The package's name.
    pub package: String,
    /// The requirements as they were written.
    pub before: Vec<String>,
    /// As they are written.
    pub after: Vec<String>,
}

/// A locked package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageDifference {
    /// What became of it.
    pub change: Change,
    /// The package's name.
    pub name: String,
    /// Its versions; several for different platforms.
    pub before: Vec<String>,
    /// Its versions now.
    pub after: Vec<String>,
}

/// A value's fields by name, each as JSON.
fn fields<T: Serialize>(value: Option<&T>) -> BTreeMap<String, Json> {
    let value = value.and_then(|value| serde_json::to_value(value).ok());
    let members = value.as_ref().and_then(serde_json::Value::as_object).into_iter().flatten();
    members.filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), Json::from(value))).collect()
}

/// The fields in which two values differ.
fn differing<T: Serialize>(before: Option<&T>, after: Option<&T>) -> Vec<FieldDifference> {
    let (one, other) = (fields(before), fields(after));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differ = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
    differ
        .map(|name| FieldDifference {
            field: name.clone(),
            before: one.get(name).cloned(),
            after: other.get(name).cloned(),
        })
        .collect()
}

/// The keys of two tables whose values differ.
fn keys<'a, T: PartialEq>(
    before: &'a BTreeMap<String, T>,
    after: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, Option<&'a T>, Option<&'a T>)> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter().map(|key| (key, before.get(key), after.get(key))).filter(|(_, before, after)| before != after)
}

pub(super) fn environment(before: &Manifest, after: &Manifest) -> Vec<FieldDifference> {
    differing(Some(&before.environment), Some(&after.environment))
}

pub(super) fn packs(before: &Manifest, after: &Manifest) -> Vec<PackDifference> {
    keys(&before.nodes, &after.nodes)
        .map(|(key, before, after)| PackDifference {
            change: Change::of(before, after),
            name: after.or(before).map_or_else(|| key.clone(), |node| node.name.to_string()),
            fields: differing(before, after),
        })
        .collect()
}

pub(super) fn models(before: &Manifest, after: &Manifest) -> Vec<ModelDifference> {
    keys(&before.models, &after.models)
        .filter_map(|(key, before, after)| {
            let shown = after.or(before)?;
            let sources = |one: Option<&Model>, other: Option<&Model>| {
                let known: Vec<String> =
                    other.into_iter().flat_map(|model| &model.sources).map(ToString::to_string).collect();
                let all = one.into_iter().flat_map(|model| &model.sources).map(ToString::to_string);
                all.filter(|source| !known.contains(source)).collect()
            };
            let mut fields = differing(before, after);
            fields.retain(|field| field.field != "sources");
            Some(ModelDifference {
                change: Change::of(before, after),
                key: key.clone(),
                filename: shown.filename.clone(),
                sha256: shown.sha256.as_ref().map(ToString::to_string),
                sources_added: sources(after, before),
                sources_removed: sources(before, after),
                fields,
            })
        })
        .collect()
}

pub(super) fn substitutions(before: &Manifest, after: &Manifest) -> Vec<FieldDifference> {
    keys(&before.substitutions, &after.substitutions)
        .map(|(key, before, after)| {
            let json = |side: Option<&Substitution>| serde_json::to_value(side?).ok().map(|value| Json::from(&value));
            FieldDifference { field: key.clone(), before: json(before), after: json(after) }
        })
        .collect()
}

/// The models of one workflow on both sides, each under its name there.
pub(super) fn uses(before: (&str, &Manifest), after: (&str, &Manifest)) -> Vec<UseDifference> {
    type Named<'a> = BTreeMap<(&'a str, &'a str, usize), Tie>;
    fn named<'a>((name, manifest): (&str, &'a Manifest)) -> Named<'a> {
        let mut found = Named::new();
        let mut models: Vec<&WorkflowModel> = manifest.workflows.get(name).into_iter().flatten().collect();
        // Of several files with one name each is told, in an order that does not move.
        models.sort_by(|one, other| one.hash.cmp(&other.hash));
        for model in models {
            let known = model.hash.as_ref().and_then(|key| manifest.models.get(key));
            let tie = Tie {
                status: Json::from(&serde_json::json!(model.status)),
                criticality: Json::from(&serde_json::json!(model.criticality)),
                key: model.hash.clone(),
                sha256: known.and_then(|known| known.sha256.as_ref()).map(ToString::to_string),
            };
            let at = (model.filename.as_str(), model.category.as_str());
            let count = found.range((at.0, at.1, 0)..=(at.0, at.1, usize::MAX)).count();
            found.insert((at.0, at.1, count), tie);
        }
        found
    }
    let (one, other) = (named(before), named(after));
    let places: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let sides = places.into_iter().map(|place| (place, one.get(place), other.get(place)));
    sides
        .filter(|(_, before, after)| !same_tie(*before, *after))
        .map(|((filename, category, _), before, after)| UseDifference {
            change: Change::of(before, after),
            filename: (*filename).to_owned(),
            category: (*category).to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        })
        .collect()
}

/// Whether two ties are to one file: by SHA-256 where both know it, else by key.
fn same_tie(before: Option<&Tie>, after: Option<&Tie>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return before == after };
    let same_file = match (&before.sha256, &after.sha256) {
        (Some(one), Some(other)) => one == other,
        _ => before.key == after.key,
    };
    same_file && before.status == after.status && before.criticality == after.criticality
}

/// Requirements, and whatever else two manifests say that no other part tells.
pub(super) fn texts(before: &str, after: &str) -> (Vec<RequirementDifference>, Vec<FieldDifference>) {
    let [one, other] = [before, after].map(|text| text.parse::<DocumentMut>().unwrap_or_default());
    (requirements(&asked(&one), &asked(&other)), settings(&one, &other))
}

/// By group (none for ComfyUI's own) and package: the requirements as they are written.
type Asked = BTreeMap<(Option<String>, String), Vec<String>>;

fn asked(document: &DocumentMut) -> Asked {
    let mut found = Asked::new();
    let mut add = |group: Option<&str>, item: Option<&Item>| {
        for value in item.and_then(Item::as_array).into_iter().flatten() {
            let text = match value {
                Value::String(text) => text.value().clone(),
                other => other.to_string().trim().to_owned(),
            };
            let package = python_lock::package_name(&text).unwrap_or_else(|| text.clone());
            found.entry((group.map(str::to_owned), package)).or_default().push(text);
        }
    };
    add(None, document.get("project").and_then(|project| project.get("dependencies")));
    let groups = document.get("dependency-groups").and_then(Item::as_table_like);
    for (name, item) in groups.into_iter().flat_map(TableLike::iter) {
        add(Some(name), Some(item));
    }
    found.values_mut().for_each(|lines| lines.sort());
    found
}

fn requirements(before: &Asked, after: &Asked) -> Vec<RequirementDifference> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let sides = keys.into_iter().map(|key| (key, before.get(key), after.get(key)));
    sides
        .filter(|(_, before, after)| before != after)
        .map(|((group, package), before, after)| RequirementDifference {
            change: Change::of(before, after),
            group: group.clone(),
            package: package.clone(),
            before: before.cloned().unwrap_or_default(),
            after: after.cloned().unwrap_or_default(),
        })
        .collect()
}

/// What other parts tell.
const TOLD: [&str; 7] = [
    "project.dependencies",
    "dependency-groups",
    "tool.comfydock.environment",
    "tool.comfydock.nodes",
    "tool.comfydock.workflows",
    "tool.comfydock.models",
    "tool.comfydock.substitutions",
];

fn settings(before: &DocumentMut, after: &DocumentMut) -> Vec<FieldDifference> {
    let [one, other] = [before, after].map(|document| {
        let mut found = BTreeMap::new();
        leaves(document.as_item(), "", &mut found);
        found
    });
    keys(&one, &other)
        .map(|(field, before, after)| FieldDifference {
            field: field.clone(),
            before: before.cloned(),
            after: after.cloned(),
        })
        .collect()
}

fn leaves(item: &Item, path: &str, found: &mut BTreeMap<String, Json>) {
    if TOLD.contains(&path) {
        return;
    }
    match item.as_table_like() {
        Some(table) => {
            for (key, item) in table.iter() {
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                leaves(item, &path, found);
            }
        }
        None => {
            let value = json(item);
            found.insert(path.to_owned(), Json::from(&value));
        }
    }
}

/// TOML as JSON, comments left out; dates as their text.
pub(crate) fn json(item: &Item) -> serde_json::Value {
    fn of(value: &Value) -> serde_json::Value {
        match value {
            Value::String(text) => text.value().as_str().into(),
            Value::Integer(number) => (*number.value()).into(),
            Value::Float(number) => (*number.value()).into(),
            Value::Boolean(is) => (*is.value()).into(),
            Value::Datetime(time) => time.value().to_string().into(),
            Value::Array(items) => items.iter().map(of).collect(),
            Value::InlineTable(table) => table.iter().map(|(key, value)| (key.to_owned(), of(value))).collect(),
        }
    }
    match item {
        Item::None => serde_json::Value::Null,
        Item::Value(value) => of(value),
        Item::Table(table) => table.iter().map(|(key, item)| (key.to_owned(), json(item))).collect(),
        Item::ArrayOfTables(tables) => {
            let table = |table: &toml_edit::Table| -> serde_json::Value {
                table.iter().map(|(key, item)| (key.to_owned(), json(item))).collect()
            };
            tables.iter().map(table).collect()
        }
    }
}

/// The packages of two locks. A lock that cannot be read has none.
pub(super) fn packages(before: &[u8], after: &[u8]) -> Vec<PackageDifference> {
    if before == after {
        return Vec::new();
    }
    let [one, other] =
        [before, after].map(|lock| python_lock::packages(&String::from_utf8_lossy(lock)).unwrap_or_default());
    keys(&one, &other)
        .map(|(name, before, after)| {
            let versions = |side: Option<&BTreeSet<String>>| side.into_iter().flatten().cloned().collect();
            PackageDifference {
                change: Change::of(before, after),
                name: name.clone(),
                before: versions(before),
                after: versions(after),
            }
        })
        .collect()
}
