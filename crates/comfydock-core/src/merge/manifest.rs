//! The manifest: what each of its tables means to a merge.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{DocumentMut, Item, TableLike};

use super::Three;
use super::lists;
use super::question::{Desk, Side, Subject};
use super::table::{self, Rules, Settled, fresh};
use super::uses::Uses;
use super::workflows::Kept;
use crate::diff::manifest::json;
use crate::manifest::{Document, Error, Manifest, Node};

/// Lists of requirements of `[tool.uv]`.
const REQUIREMENTS: [&str; 4] =
    ["constraint-dependencies", "override-dependencies", "build-constraint-dependencies", "dev-dependencies"];

/// Puts the manifests together; the text of the result, in our layout and with our comments.
pub(super) fn merge(
    documents: &Three<DocumentMut>,
    manifests: &Three<Manifest>,
    kept: &[Kept],
    uses: &Uses,
    desk: &mut Desk<'_>,
) -> DocumentMut {
    let mut merged = documents.ours.clone();
    let (comfyui, asked) = comfyui(manifests, desk);
    let python = python(manifests, desk);
    let packs = packs(manifests, desk);
    let groups: BTreeMap<String, Side> = packs
        .iter()
        .flat_map(|(key, side)| {
            let of = |manifest: &Manifest| manifest.nodes.get(key).map(|node| group(key, node));
            [of(&manifests.ours), of(&manifests.theirs)].into_iter().flatten().map(|group| (group, *side))
        })
        .collect();
    let mut rules = Known { comfyui_asked: asked, python_moved: python.1, packs, groups: &groups, desk };
    table::merge(
        &mut Vec::new(),
        Some(documents.base.as_table()),
        merged.as_table_mut(),
        documents.theirs.as_table(),
        &mut rules,
    );
    for (side, fields) in
        [(comfyui, &["comfyui_version", "comfyui_commit", "comfyui_url"][..]), (python.0, &["python_version"])]
    {
        copy(&mut merged, document(documents, side), &["tool", "comfydock", "environment"], fields);
    }
    if python.1 {
        copy(&mut merged, document(documents, python.0), &["project"], &["requires-python"]);
    }
    if asked {
        copy(&mut merged, document(documents, comfyui), &["project"], &["dependencies"]);
        copy(&mut merged, document(documents, comfyui), &["tool", "uv"], &["exclude-newer"]);
    }
    for (group, side) in &groups {
        copy(&mut merged, document(documents, *side), &["dependency-groups"], &[group]);
    }
    workflows(&mut merged, documents, kept);
    models(&mut merged, documents, kept, uses);
    merged
}

fn document(documents: &Three<DocumentMut>, side: Side) -> &DocumentMut {
    match side {
        Side::Ours => &documents.ours,
        Side::Theirs => &documents.theirs,
    }
}

/// The dependency group of a pack.
fn group(key: &str, node: &Node) -> String {
    node.group.clone().unwrap_or_else(|| format!("node-{key}"))
}

/// The side whose ComfyUI it is, and whether that had to be asked.
fn comfyui(manifests: &Three<Manifest>, desk: &mut Desk<'_>) -> (Side, bool) {
    let facts = Three { base: &manifests.base, ours: &manifests.ours, theirs: &manifests.theirs }.map(|manifest| {
        let facts = &manifest.environment;
        (facts.comfyui_version.clone(), facts.comfyui_commit.clone(), facts.comfyui_url.clone())
    });
    if let Some(side) = facts.side() {
        return (side, false);
    }
    let words = |(version, commit, url): &(String, crate::digest::CommitId, String)| {
        let mut words = vec![format!("{version} ({})", commit.short(12))];
        words.extend((*url != facts.base.2).then(|| format!("of {url}")));
        words
    };
    (desk.ask(Subject::ComfyUi, words(&facts.ours), words(&facts.theirs)), true)
}

/// The side whose Python it is, and whether any side changed it.
fn python(manifests: &Three<Manifest>, desk: &mut Desk<'_>) -> (Side, bool) {
    let versions = Three { base: &manifests.base, ours: &manifests.ours, theirs: &manifests.theirs }
        .map(|manifest| manifest.environment.python_version.clone());
    let side = versions
        .side()
        .unwrap_or_else(|| desk.ask(Subject::Python, vec![versions.ours.clone()], vec![versions.theirs.clone()]));
    (side, versions.base != versions.ours || versions.base != versions.theirs)
}

/// The packs that both sides changed, each with the side that was chosen.
fn packs(manifests: &Three<Manifest>, desk: &mut Desk<'_>) -> BTreeMap<String, Side> {
    let keys: BTreeSet<&String> =
        manifests.base.nodes.keys().chain(manifests.ours.nodes.keys()).chain(manifests.theirs.nodes.keys()).collect();
    let mut chosen = BTreeMap::new();
    for key in keys {
        let nodes = Three { base: &manifests.base, ours: &manifests.ours, theirs: &manifests.theirs }
            .map(|manifest| manifest.nodes.get(key));
        if nodes.side().is_some() {
            continue;
        }
        let name = nodes.theirs.or(nodes.ours).map_or_else(|| key.clone(), |node| node.name.to_string());
        let words = |node: Option<&Node>| {
            let fields = node.and_then(|node| serde_json::to_value(node).ok());
            let fields = fields.as_ref().and_then(serde_json::Value::as_object);
            let Some(fields) = fields else { return vec!["removed".to_owned()] };
            let before = nodes.base.and_then(|node| serde_json::to_value(node).ok()).unwrap_or_default();
            let differ = fields.iter().filter(|(key, value)| before.get(*key) != Some(*value));
            differ.map(|(key, value)| format!("{key} {}", value.as_str().unwrap_or_default())).collect()
        };
        let side = desk.ask(Subject::Pack { name }, words(nodes.ours), words(nodes.theirs));
        chosen.insert(key.clone(), side);
    }
    chosen
}

/// What is known of the keys.
struct Known<'a, 'd> {
    /// Whether a ComfyUI was chosen: what goes with it is from its side then.
    comfyui_asked: bool,
    python_moved: bool,
    /// The packs that both changed.
    packs: BTreeMap<String, Side>,
    /// Their dependency groups, which are from the same side.
    groups: &'a BTreeMap<String, Side>,
    desk: &'a mut Desk<'d>,
}

impl Rules for Known<'_, '_> {
    fn is_elsewhere(&self, path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["tool", "comfydock", "workflows"] => true,
            ["tool", "comfydock", "environment", field] => {
                *field != "platforms" && (field.starts_with("comfyui_") || *field == "python_version")
            }
            ["project", "requires-python"] => self.python_moved,
            ["project", "dependencies"] | ["tool", "uv", "exclude-newer"] => self.comfyui_asked,
            ["dependency-groups", group] => self.groups.contains_key(*group),
            _ => false,
        }
    }

    fn is_whole(&self, path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        matches!(path.as_slice(), ["tool", "comfydock", "nodes" | "substitutions", _] | ["tool", "uv", "sources", _])
    }

    fn is_container(&self, path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        matches!(
            path.as_slice(),
            ["dependency-groups" | "tool"]
                | ["tool", _]
                | ["tool", "uv", "sources"]
                | ["tool", "comfydock", "nodes" | "models" | "substitutions"]
        )
    }

    fn settle(&mut self, path: &[String], three: Three<Option<&Item>>) -> Settled {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["project", "dependencies"] => lists::requirements(three, |package, ours, theirs| {
                let subject = Subject::Requirement { group: None, package: package.to_owned() };
                self.desk.ask(subject, ours, theirs)
            }),
            ["dependency-groups", group] => self.requirements(group, three),
            ["tool", "uv", list] if REQUIREMENTS.contains(list) => self.requirements(list, three),
            ["tool", "uv", "environments" | "required-environments"]
            | ["tool", "comfydock", "environment", "platforms"]
            | ["tool", "comfydock", "models", _, "sources"] => lists::set(three),
            ["tool", "uv", "index"] => lists::tables(three, |name, ours, theirs| {
                self.desk.ask(Subject::Index { name: name.to_owned() }, ours, theirs)
            }),
            ["tool", "uv", "exclude-newer"] => match later(three) {
                Some(side) => {
                    self.desk.say("packages are considered up to the later of the two dates".to_owned());
                    Settled::Take(side)
                }
                None => self.ask(path, three),
            },
            ["tool", "comfydock", "schema_version"] => {
                let version = |item: Option<&Item>| item.and_then(Item::as_integer);
                let newer = version(three.theirs) > version(three.ours);
                Settled::Take(if newer { Side::Theirs } else { Side::Ours })
            }
            ["tool", "comfydock", "nodes", key] => Settled::Take(self.packs.get(*key).copied().unwrap_or(Side::Ours)),
            ["tool", "comfydock", "substitutions", key] => {
                let subject = Subject::Substitution { key: (*key).to_owned() };
                Settled::Take(self.desk.ask(subject, shown(three.ours), shown(three.theirs)))
            }
            // Which are needed is seen when the workflows are there.
            ["tool", "comfydock", "models", _] => {
                Settled::Take(if three.theirs.is_some() { Side::Theirs } else { Side::Ours })
            }
            ["tool", "comfydock", "models", key, field] => {
                let key: String = key.chars().take(12).collect();
                self.desk.say(format!("model {key}: its {field} is the one that is published"));
                Settled::Take(if three.theirs.is_some() { Side::Theirs } else { Side::Ours })
            }
            ["project" | "dependency-groups", ..] | ["tool", "uv" | "comfydock", ..] => self.ask(path, three),
            // Nobody here knows what it means.
            _ => {
                self.desk.say(format!("{} was changed on both sides and stays as it is here", path.join(".")));
                Settled::Take(Side::Ours)
            }
        }
    }
}

impl Known<'_, '_> {
    fn requirements(&mut self, group: &str, three: Three<Option<&Item>>) -> Settled {
        lists::requirements(three, |package, ours, theirs| {
            let subject = Subject::Requirement { group: Some(group.to_owned()), package: package.to_owned() };
            self.desk.ask(subject, ours, theirs)
        })
    }

    fn ask(&mut self, path: &[String], three: Three<Option<&Item>>) -> Settled {
        let subject = Subject::Setting { key: path.join(".") };
        Settled::Take(self.desk.ask(subject, shown(three.ours), shown(three.theirs)))
    }
}

fn shown(item: Option<&Item>) -> Vec<String> {
    vec![item.map_or_else(|| "removed".to_owned(), |item| json(item).to_string())]
}

/// The side with the later of two moments in UTC; none if one of them is no such.
fn later(three: Three<Option<&Item>>) -> Option<Side> {
    let moment = |item: Option<&Item>| {
        let text = match item?.as_datetime() {
            Some(time) => time.to_string(),
            None => item?.as_str()?.to_owned(),
        };
        // 2025-10-15T00:00:00Z: moments spelled alike are in order as texts.
        let digits = |part: std::ops::Range<usize>| {
            text.get(part).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let plain = text.len() == 20 && text.ends_with('Z') && digits(0..4) && digits(5..7) && digits(8..10);
        plain.then_some(text)
    };
    let (ours, theirs) = (moment(three.ours)?, moment(three.theirs)?);
    Some(if theirs > ours { Side::Theirs } else { Side::Ours })
}

/// A table of a document, made where it is missing.
fn table_at<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Option<&'a mut dyn TableLike> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for key in path {
        let item = table.entry(key).or_insert_with(|| {
            let mut fresh = toml_edit::Table::new();
            fresh.set_implicit(true);
            Item::Table(fresh)
        });
        table = item.as_table_like_mut()?;
    }
    Some(table)
}

fn find<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a Item> {
    path.iter().try_fold(document.as_item(), |item, key| item.as_table_like()?.get(key))
}

/// Copies fields of a table from another document where they differ.
fn copy(merged: &mut DocumentMut, from: &DocumentMut, path: &[&str], fields: &[&str]) {
    let Some(table) = table_at(merged, path) else { return };
    for field in fields {
        let item = find(from, path).and_then(|item| item.get(field));
        if table.get(field).map(json) != item.map(json) {
            table::put(table, field, item.map(fresh));
        }
    }
}

/// Gives each kept workflow the table it has on its side.
fn workflows(merged: &mut DocumentMut, documents: &Three<DocumentMut>, kept: &[Kept]) {
    const WORKFLOWS: [&str; 3] = ["tool", "comfydock", "workflows"];
    let Some(table) = table_at(merged, &WORKFLOWS) else { return };
    let names: BTreeSet<&str> = kept.iter().map(|kept| kept.name.as_str()).collect();
    let gone: Vec<String> =
        table.iter().map(|(name, _)| name.to_owned()).filter(|name| !names.contains(name.as_str())).collect();
    for name in gone {
        table.remove(&name);
    }
    for kept in kept {
        let item = find(document(documents, kept.side), &WORKFLOWS).and_then(|item| item.get(&kept.was));
        if table.get(&kept.name).map(json) != item.map(json) {
            table::put(table, &kept.name, item.map(fresh));
        }
    }
}

/// Every model that a workflow refers to, now or once its uses are put together, is there, wherever it is
/// from.
fn models(merged: &mut DocumentMut, documents: &Three<DocumentMut>, kept: &[Kept], uses: &Uses) {
    const MODELS: [&str; 3] = ["tool", "comfydock", "models"];
    let substitutes = find(merged, &["tool", "comfydock", "substitutions"]).and_then(Item::as_table_like);
    let stand_in = substitutes.into_iter().flat_map(TableLike::iter);
    let mut wanted: BTreeSet<String> =
        stand_in.filter_map(|(_, item)| item.get("with")?.as_str().map(str::to_owned)).collect();
    wanted.extend(uses.values().flatten().filter_map(|entry| entry.hash.clone()));
    for kept in kept {
        let path = ["tool", "comfydock", "workflows", &kept.name, "models"];
        let Some(models) = find(merged, &path) else { continue };
        let listed = json(models);
        let hashes = listed.as_array().into_iter().flatten().filter_map(|model| model.get("hash")?.as_str());
        wanted.extend(hashes.map(str::to_owned));
    }
    let Some(table) = table_at(merged, &MODELS) else { return };
    for key in &wanted {
        if table.get(key).is_none_or(Item::is_none) {
            let all = [&documents.theirs, &documents.ours, &documents.base];
            let item = all.into_iter().find_map(|document| find(document, &MODELS)?.get(key));
            table::put(table, key, item.map(fresh));
        }
    }
}

/// Takes the models out whose workflows all went; what no workflow ever referred to stays.
pub(super) fn sweep(document: &mut Document, manifests: &Three<Manifest>) -> Result<(), Error> {
    let said = document.manifest()?;
    let hashes = |manifest: &Manifest| -> Vec<String> {
        manifest.workflows.values().flatten().filter_map(|entry| entry.hash.clone()).collect()
    };
    let wanted: BTreeSet<String> =
        hashes(&said).into_iter().chain(said.substitutions.values().map(|other| other.with.clone())).collect();
    let known = [&manifests.base, &manifests.ours, &manifests.theirs].into_iter().flat_map(hashes);
    for key in known.filter(|key| !wanted.contains(key)) {
        document.remove_model(&key);
    }
    Ok(())
}
