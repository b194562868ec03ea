//! Whether a lock locks what a manifest asks for.
//!
//! uv writes into the lock what it was asked: `requires-python`, overrides and constraints, and under
//! the root package the requirements and dependency groups. They are compared by name and version, not
//! by markers: uv rewrites those.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use toml_edit::{DocumentMut, TableLike};

use crate::requirements::normalised;

/// Dependency groups of a manifest: each node pack has one. They may include each other, so that more
/// would be work without end.
const GROUP_LIMIT: usize = 1_000;

/// Where a manifest asks for packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The project itself: ComfyUI, and what a user added for all.
    Project,
    /// A dependency group, in the one spelling.
    Group(String),
    /// `override-dependencies` of [tool.uv].
    Overrides,
    /// `constraint-dependencies` of [tool.uv].
    Constraints,
}

/// One thing that lock and manifest do not agree about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Where the manifest asks for it, or asked when it was locked.
    pub place: Place,
    /// What it is, in words.
    text: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// What both sides say, in a form that can be compared.
#[derive(Debug, Default)]
struct Wants {
    /// None where it is not said, or in a way that uv writes anew.
    python: Option<BTreeSet<String>>,
    places: BTreeMap<Place, BTreeSet<Requirement>>,
}

/// A package and its versions; none when they cannot be compared: it comes from one place, not an
/// index, or its versions are spelled in a way that uv writes anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Requirement {
    name: String,
    versions: Option<BTreeSet<String>>,
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<&str> = self.versions.iter().flatten().map(String::as_str).collect();
        write!(formatter, "{}{}", self.name, versions.join(","))
    }
}

/// What lock and manifest do not agree about; nothing when they belong together.
///
/// # Errors
/// When the lock is no lock of an environment. A manifest that is no TOML has nothing to compare.
pub fn disagreements(manifest: &str, lock: &str) -> Result<Vec<Disagreement>, String> {
    let Ok(manifest) = manifest.parse::<DocumentMut>() else { return Ok(Vec::new()) };
    let lock: DocumentMut =
        lock.parse().map_err(|error: toml_edit::TomlError| format!("cannot be read: {}", error.message()))?;
    let groups = manifest.get("dependency-groups").and_then(|item| item.as_table_like());
    if groups.is_some_and(|groups| groups.len() > GROUP_LIMIT) {
        return Err(format!("cannot be compared: there are more than {GROUP_LIMIT} dependency groups"));
    }
    let (asked, locked) = (asked(&manifest), locked(&lock)?);
    let mut found = Vec::new();
    if let (Some(asked), Some(locked)) = (&asked.python, &locked.python)
        && asked != locked
    {
        let text = |clauses: &BTreeSet<String>| clauses.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        let text = format!("requires-python is {} there and {} here", text(asked), text(locked));
        found.push(Disagreement { place: Place::Project, text });
    }
    let nothing = BTreeSet::new();
    let places: BTreeSet<&Place> = asked.places.keys().chain(locked.places.keys()).collect();
    for place in places {
        let [asked, locked] = [&asked, &locked].map(|side| side.places.get(place).unwrap_or(&nothing));
        let vague: BTreeSet<&str> = [asked, locked]
            .into_iter()
            .flatten()
            .filter(|requirement| requirement.versions.is_none())
            .map(|requirement| requirement.name.as_str())
            .collect();
        let comparable = |side: &BTreeSet<Requirement>| -> BTreeSet<Requirement> {
            let without = |requirement: &Requirement| {
                let known = !vague.contains(requirement.name.as_str());
                let versions = requirement.versions.clone().filter(|_| known);
                Requirement { name: requirement.name.clone(), versions }
            };
            side.iter().map(without).collect()
        };
        let (asked, locked) = (comparable(asked), comparable(locked));
        let at = match place {
            Place::Project => String::new(),
            Place::Group(name) => format!(" in the group `{name}`"),
            Place::Overrides => " in override-dependencies".to_owned(),
            Place::Constraints => " in constraint-dependencies".to_owned(),
        };
        let missing = asked.difference(&locked).map(|missing| format!("{missing}{at} is not locked"));
        let extra = locked.difference(&asked).map(|extra| format!("{extra}{at} is locked and not asked for"));
        found.extend(missing.chain(extra).map(|text| Disagreement { place: place.clone(), text }));
    }
    Ok(found)
}

fn asked(manifest: &DocumentMut) -> Wants {
    let project = manifest.get("project").and_then(|project| project.as_table_like());
    let mut wants = Wants::default();
    let Some(project) = project else { return wants };
    wants.python = project.get("requires-python").and_then(|item| item.as_str()).and_then(python);
    let strings = |item: Option<&toml_edit::Item>| -> Vec<String> {
        let values = item.and_then(|item| item.as_array()).into_iter().flatten();
        values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let own = wants.places.entry(Place::Project).or_default();
    own.extend(strings(project.get("dependencies")).iter().filter_map(|text| requirement(text)));
    let optional = project.get("optional-dependencies").and_then(|item| item.as_table_like());
    for (_, item) in optional.into_iter().flat_map(TableLike::iter) {
        own.extend(strings(Some(item)).iter().filter_map(|text| requirement(text)));
    }
    let groups = manifest.get("dependency-groups").and_then(|item| item.as_table_like());
    let groups: Groups =
        groups.into_iter().flat_map(TableLike::iter).map(|(key, item)| (normalised(key), item)).collect();
    for name in groups.keys() {
        let mut found = BTreeSet::new();
        collect(&groups, name, &mut BTreeSet::new(), &mut found);
        wants.places.insert(Place::Group(name.clone()), found);
    }
    let uv = manifest.get("tool").and_then(|tool| tool.get("uv")).and_then(|uv| uv.as_table_like());
    for (place, key) in [(Place::Overrides, "override-dependencies"), (Place::Constraints, "constraint-dependencies")] {
        let lines = strings(uv.and_then(|uv| uv.get(key)));
        wants.places.insert(place, lines.iter().filter_map(|text| requirement(text)).collect());
    }
    wants
}

type Groups<'a> = BTreeMap<String, &'a toml_edit::Item>;

/// The requirements of a group with those of the groups it includes.
fn collect(groups: &Groups<'_>, name: &str, seen: &mut BTreeSet<String>, found: &mut BTreeSet<Requirement>) {
    if !seen.insert(name.to_owned()) {
        return;
    }
    for value in groups.get(name).and_then(|item| item.as_array()).into_iter().flatten() {
        if let Some(text) = value.as_str() {
            found.extend(requirement(text));
        } else if let Some(other) = value.as_inline_table().and_then(|table| table.get("include-group")?.as_str()) {
            collect(groups, &normalised(other), seen, found);
        }
    }
}

fn locked(lock: &DocumentMut) -> Result<Wants, String> {
    let mut wants = Wants {
        python: lock.get("requires-python").and_then(|item| item.as_str()).and_then(python),
        ..Wants::default()
    };
    let packages = lock.get("package").and_then(|item| item.as_array_of_tables());
    let is_root = |package: &&toml_edit::Table| {
        let source = package.get("source").and_then(|source| source.as_table_like());
        source.is_some_and(|source| {
            ["virtual", "editable", "directory"]
                .iter()
                .any(|kind| source.get(kind).and_then(|path| path.as_str()) == Some("."))
        })
    };
    let root = packages
        .and_then(|packages| packages.iter().find(is_root))
        .ok_or("has no package with the source `.`: it is not the lock of an environment")?;
    let metadata = root.get("metadata").and_then(|item| item.as_table_like());
    let entries = |item: Option<&toml_edit::Item>| -> BTreeSet<Requirement> {
        let values = item.and_then(|item| item.as_array()).into_iter().flatten();
        values.filter_map(|value| entry(value.as_inline_table()?)).collect()
    };
    wants.places.insert(Place::Project, entries(metadata.and_then(|metadata| metadata.get("requires-dist"))));
    let groups = metadata.and_then(|metadata| metadata.get("requires-dev")).and_then(|item| item.as_table_like());
    for (name, item) in groups.into_iter().flat_map(TableLike::iter) {
        wants.places.insert(Place::Group(normalised(name)), entries(Some(item)));
    }
    let asked = lock.get("manifest").and_then(|item| item.as_table_like());
    for (place, key) in [(Place::Overrides, "overrides"), (Place::Constraints, "constraints")] {
        wants.places.insert(place, entries(asked.and_then(|asked| asked.get(key))));
    }
    Ok(wants)
}

fn entry(table: &toml_edit::InlineTable) -> Option<Requirement> {
    let name = normalised(table.get("name")?.as_str()?);
    let elsewhere =
        ["git", "url", "path", "directory", "editable", "virtual"].iter().any(|key| table.contains_key(key));
    let specifier = table.get("specifier").and_then(|specifier| specifier.as_str()).unwrap_or_default();
    Some(Requirement { name, versions: if elsewhere { None } else { versions(specifier) } })
}

/// Reads the name and the versions of a requirement; extras, markers and URLs are passed over.
fn requirement(text: &str) -> Option<Requirement> {
    let text = text.split(';').next().unwrap_or(text).trim();
    let in_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let end = text.find(|character| !in_name(character)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest).trim_start(),
        None => rest,
    };
    let versions = if rest.starts_with('@') { None } else { versions(rest.trim_matches(['(', ')'])) };
    (!name.is_empty()).then(|| Requirement { name: normalised(name), versions })
}

/// The package a requirement asks for, in the one spelling; none if it starts with no name.
pub fn package_name(requirement: &str) -> Option<String> {
    self::requirement(requirement).map(|asked| asked.name)
}

/// Versions that uv writes as they were; leading zeros aside (`2024.01`).
fn versions(text: &str) -> Option<BTreeSet<String>> {
    let version = |clause: &String| {
        let start = clause.find(|character| !"<>=!~".contains(character)).unwrap_or(clause.len());
        let (operator, version) = clause.split_at(start);
        let part = |part: &str| match part {
            "*" => Some("*".to_owned()),
            digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.trim_start_matches('0').to_owned())
            }
            _ => None,
        };
        let parts: Option<Vec<String>> = version.split('.').map(part).collect();
        Some(format!(
            "{operator}{}",
            parts?.iter().map(|part| if part.is_empty() { "0" } else { part }).collect::<Vec<_>>().join(".")
        ))
    };
    clauses(text).iter().map(version).collect()
}

/// Versions of Python as uv writes them: `~=3.11` is `>=3.11,<4`, and trailing zeros go.
fn python(text: &str) -> Option<BTreeSet<String>> {
    let mut range = BTreeSet::new();
    for clause in versions(text)? {
        let start = clause.find(|character: char| character.is_ascii_digit())?;
        let (operator, version) = clause.split_at(start);
        let mut parts: Vec<&str> = version.split('.').collect();
        if operator == "~=" {
            let last = parts.len().checked_sub(2)?;
            let next: u64 = parts[last].parse().ok()?;
            let upper: Vec<String> =
                parts[..last].iter().map(|part| (*part).to_owned()).chain([(next + 1).to_string()]).collect();
            range.insert(format!("<{}", upper.join(".")));
        } else if ![">=", "<", "=="].contains(&operator) {
            return None;
        }
        while parts.len() > 1 && parts.last() == Some(&"0") {
            parts.pop();
        }
        range.insert(format!("{}{}", if operator == "~=" { ">=" } else { operator }, parts.join(".")));
    }
    Some(range)
}

/// `>=1, <2` as a set without spaces.
fn clauses(text: &str) -> BTreeSet<String> {
    let clause = |clause: &str| clause.split_whitespace().collect::<String>().to_ascii_lowercase();
    text.split(',').map(clause).filter(|clause| !clause.is_empty()).collect()
}
