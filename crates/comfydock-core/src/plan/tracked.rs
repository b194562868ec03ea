//! A workflow as ComfyUI has it, held against the copy that is tracked.

use std::collections::{BTreeMap, HashMap};

use crate::category::{self, Criticality};
use crate::manifest::{Manifest, Model, ModelStatus, ModelUse, WorkflowModel};
use crate::resolve::{Index, Resolution, resolve};
use crate::workflow::{
    self, EmbeddedSource, Metadata, ModelRef, NodeModels, Place, RefKind, Reference, Status, Workflow, model_refs,
    normalise_for_lookup,
};

/// The category written for a model whose category nobody knows.
pub const UNKNOWN_CATEGORY: &str = "unknown";

/// One mention of a model, and what it was found to mean.
#[derive(Debug, Clone)]
pub struct Mention {
    /// Where and how the workflow names it.
    pub reference: ModelRef,
    /// The model's key, when it is one model.
    pub key: Option<String>,
    /// The keys to choose from, when it could be several.
    pub candidates: Vec<String>,
    /// The user chose to leave it.
    pub skipped: bool,
}

/// A workflow of ComfyUI, read against its tracked copy.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Every mention of a model.
    pub mentions: Vec<Mention>,
    /// Folders of files that running nodes name: they do not travel.
    pub folders: Vec<ModelRef>,
    /// The places of the tracked copy that name models, and whether their nodes ran.
    tracked_active: Vec<(ModelUse, bool)>,
    /// The mentions' references as the canonical text spells them, when it spells any differently.
    respelled: Option<Vec<ModelRef>>,
    /// The workflow in the spelling of the tracked copy (decision 6), without metadata.
    pub canonical: String,
    /// Whether it differs from the tracked copy in more than the spelling of models.
    pub changed: bool,
}

/// Reads ComfyUI's copy `live` against the tracked copy and the decisions in the manifest.
///
/// # Errors
/// When metadata inside the file makes it impossible to take out, which means a broken `extra`.
pub fn read(
    name: &str,
    live: &Workflow,
    tracked: Option<&Workflow>,
    manifest: &Manifest,
    index: &Index<'_>,
) -> Result<Reading, workflow::Error> {
    let decided = decisions(manifest.workflows.get(name).map_or(&[][..], Vec::as_slice));
    // What a node fetches by itself, and folders, are told by `workflow show`; no file stands for them.
    let (references, folders) = files_of(live);
    // The usual case: what was committed, byte for byte. Nothing needs to be respelled or compared.
    let stripped = tracked.map(|tracked| workflow::without_metadata(tracked.text())).transpose()?;
    let untouched = stripped.as_deref() == Some(live.text());
    let tracked_refs = if untouched { references.clone() } else { tracked.map(model_refs).unwrap_or_default() };
    let tracked_at: HashMap<Place<'_>, &ModelRef> =
        tracked_refs.iter().map(|reference| (reference.place(), reference)).collect();
    let tracked_active = tracked_refs.iter().map(|was| (ModelUse::of(was), was.active)).collect();
    let mut mentions: Vec<Mention> = Vec::new();
    for reference in references {
        let before = decided.get(&reference.place());
        let was = tracked_at.get(&reference.place());
        let stands = before.is_some_and(|(at, model)| {
            let named = at.value.as_deref().or(was.map(|was| was.value.as_str()));
            still_names(&reference.value, named, model, manifest)
        });
        let before = before.map(|(_, model)| model);
        let previous = before.filter(|_| stands).and_then(|model| model.hash.as_deref());
        let skipped = stands && before.is_some_and(|model| model.status == ModelStatus::Skipped);
        let (key, candidates) = match resolve(index, &reference, previous) {
            // A decision whose file is away yields to what ComfyUI would load, and to no mere likeness.
            Resolution::Resolved { by, .. } if previous.is_some() && !by.is_exact() => {
                (previous.map(str::to_owned), Vec::new())
            }
            Resolution::Resolved { key, .. } => (Some(key), Vec::new()),
            Resolution::Ambiguous { keys } => (None, keys),
            Resolution::Missing => (previous.map(str::to_owned), Vec::new()),
        };
        mentions.push(Mention { skipped: skipped && key.is_none(), reference, key, candidates });
    }
    if untouched {
        return Ok(Reading {
            mentions,
            folders,
            tracked_active,
            respelled: None,
            canonical: live.text().to_owned(),
            changed: false,
        });
    }
    let keys: HashMap<Place<'_>, &str> =
        mentions.iter().filter_map(|mention| Some((mention.reference.place(), mention.key.as_deref()?))).collect();
    let same_model = |tracked: &ModelRef, live: &ModelRef| {
        let before = decided.get(&tracked.place()).and_then(|(_, model)| model.hash.as_deref());
        before.is_some() && before == keys.get(&live.place()).copied()
    };
    let canonical = match tracked {
        Some(tracked) => workflow::with_spelling_of(tracked, live, same_model),
        None => live.text().to_owned(),
    };
    let respelled =
        if canonical == live.text() { None } else { Some(model_refs(&Workflow::parse(canonical.clone())?)) };
    let canonical = workflow::without_metadata(&canonical)?;
    let changed = tracked.is_none_or(|tracked| !workflow::same_content(tracked.text(), &canonical));
    Ok(Reading { mentions, folders, tracked_active, respelled, canonical, changed })
}

/// The mentions of one file each, with what the file itself tells of them.
pub fn references(live: &Workflow) -> Vec<ModelRef> {
    files_of(live).0
}

/// The mentions of one file each, with what the file itself still knows of them (metadata travels
/// with a workflow that is passed on by hand), and those of folders.
fn files_of(live: &Workflow) -> (Vec<ModelRef>, Vec<ModelRef>) {
    let (mut references, others): (Vec<ModelRef>, Vec<ModelRef>) =
        model_refs(live).into_iter().partition(|reference| reference.kind.is_one_file());
    let folders = others.into_iter().filter(|other| other.kind == RefKind::Folder && other.active).collect();
    let Ok(Some(metadata)) = Metadata::of(live) else { return (references, folders) };
    for reference in &mut references {
        let Some(known) = metadata.find(reference) else { continue };
        let sha256 = known.sha256.as_ref().map(ToString::to_string);
        let said = known.sources.iter().map(|source| EmbeddedSource {
            url: source.clone(),
            directory: None,
            sha256: sha256.clone(),
        });
        let said: Vec<EmbeddedSource> = said.collect();
        let only_hash = EmbeddedSource { url: String::new(), directory: None, sha256: sha256.clone() };
        let fallback = (said.is_empty() && sha256.is_some()).then_some(only_hash);
        for source in said.into_iter().chain(fallback) {
            if !reference.embedded.contains(&source) {
                reference.embedded.push(source);
            }
        }
    }
    (references, folders)
}

fn decisions(models: &[WorkflowModel]) -> HashMap<Place<'_>, (&ModelUse, &WorkflowModel)> {
    models.iter().flat_map(|model| model.nodes.iter().map(move |at| (at.place(), (at, model)))).collect()
}

/// Whether two readings of a workflow tie the same places to the same models.
pub fn same_models(one: &[WorkflowModel], other: &[WorkflowModel]) -> bool {
    let hashes = |models| -> BTreeMap<Place<'_>, Option<&str>> {
        decisions(models).into_iter().map(|(at, (_, model))| (at, model.hash.as_deref())).collect()
    };
    hashes(one) == hashes(other)
}

/// Whether a decision still applies: the widget names what it named, or the same model as this
/// machine spells it.
fn still_names(value: &str, tracked: Option<&str>, model: &WorkflowModel, manifest: &Manifest) -> bool {
    let Some(tracked) = tracked else { return false };
    if value == tracked {
        return true;
    }
    let normalised = normalise_for_lookup(value).path;
    normalised == normalise_for_lookup(tracked).path
        || model
            .hash
            .as_ref()
            .and_then(|hash| manifest.models.get(hash))
            .is_some_and(|known| known.relative_path.name() == normalised || local_name(known, true) == normalised)
}

/// The name a model gets below its category on a machine where it is brought in; `collides` when
/// the plain one belongs to another model there.
pub fn local_name(model: &Model, collides: bool) -> String {
    let name = model.relative_path.name();
    match (&model.sha256, name.rsplit_once('.')) {
        (Some(sha256), Some((stem, extension))) if collides => format!("{stem}-{}.{extension}", sha256.short(8)),
        _ => name.to_owned(),
    }
}

/// What a model matters when nobody has said so: ComfyUI runs on without what a text names, and
/// without what only rests.
fn usual_criticality(category: &str, active: bool, is_tag: bool) -> Criticality {
    if active && !is_tag { category::default_criticality(category) } else { Criticality::Optional }
}

/// Whether somebody chose how much a model matters: it is said, or it is not what follows by itself.
fn is_choice(known: &WorkflowModel, ran: &HashMap<Place<'_>, bool>, is_tag: bool) -> bool {
    let ran: Vec<bool> = known.nodes.iter().filter_map(|at| ran.get(&at.place()).copied()).collect();
    let usual = |active| usual_criticality(&known.category, active, is_tag) == known.criticality;
    let by_itself = if ran.is_empty() { usual(true) || usual(false) } else { usual(ran.contains(&true)) };
    known.chosen || !by_itself
}

/// The manifest's entries for a workflow, one a model, in a stable order; users' choices of
/// criticality are kept.
pub fn entries(name: &str, reading: &Reading, manifest: &Manifest) -> Vec<WorkflowModel> {
    let ran: HashMap<Place<'_>, bool> =
        reading.tracked_active.iter().map(|(at, active)| (at.place(), *active)).collect();
    let before = manifest.workflows.get(name).map_or(&[][..], Vec::as_slice);
    let decided = decisions(before);
    let mut grouped: BTreeMap<(String, String, Option<String>), Vec<&Mention>> = BTreeMap::new();
    for mention in &reading.mentions {
        let asked = normalise_for_lookup(&mention.reference.value);
        let filename = match mention.key.as_ref().and_then(|key| manifest.models.get(key)) {
            Some(model) => model.filename.clone(),
            None => asked.file_name().to_owned(),
        };
        let category = mention.reference.category.clone().unwrap_or_else(|| UNKNOWN_CATEGORY.to_owned());
        let hash = mention.key.clone().filter(|key| manifest.models.contains_key(key));
        grouped.entry((category, filename, hash)).or_default().push(mention);
    }
    grouped
        .into_iter()
        .map(|((category, filename, hash), mentions)| {
            // A choice belongs to the place it was made at; where the place is new, to the model.
            let known = mentions
                .iter()
                .find_map(|mention| decided.get(&mention.reference.place()).map(|(_, model)| *model))
                .or_else(|| {
                    before.iter().find(|known| hash.is_some() && known.hash == hash && known.category == category)
                });
            let is_tag = mentions.iter().all(|mention| mention.reference.kind != RefKind::File);
            let chosen = known.filter(|known| is_choice(known, &ran, is_tag)).map(|known| known.criticality);
            let active = mentions.iter().any(|mention| mention.reference.active);
            let criticality = chosen.unwrap_or_else(|| usual_criticality(&category, active, is_tag));
            let status = match (&hash, mentions.iter().all(|mention| mention.skipped)) {
                (Some(_), _) => ModelStatus::Resolved,
                (None, true) => ModelStatus::Skipped,
                (None, false) => ModelStatus::Unresolved,
            };
            let mut nodes: Vec<ModelUse> = mentions.iter().map(|mention| ModelUse::of(&mention.reference)).collect();
            nodes.sort();
            WorkflowModel { filename, category, hash, status, criticality, chosen: chosen.is_some(), nodes }
        })
        .collect()
}

/// The metadata of a tracked copy as the manifest has its models, for a state that was put together and
/// that no library was asked about: each mention is what the manifest's entries say of its place.
pub fn recorded_metadata(
    workflow: &Workflow,
    entries: &[WorkflowModel],
    models: &BTreeMap<String, Model>,
    now: &str,
) -> Metadata {
    let decided = decisions(entries);
    let mentions = references(workflow).into_iter().map(|reference| {
        let known = decided.get(&reference.place()).map(|(_, model)| *model);
        let skipped = known.is_some_and(|model| model.status == ModelStatus::Skipped);
        let key = known.and_then(|model| model.hash.clone()).filter(|key| models.contains_key(key));
        Mention { reference, key, candidates: Vec::new(), skipped }
    });
    let reading = Reading {
        mentions: mentions.collect(),
        folders: Vec::new(),
        tracked_active: Vec::new(),
        respelled: None,
        canonical: String::new(),
        changed: false,
    };
    metadata(&reading, models, now)
}

/// The metadata the tracked copy carries, so that a file that travels alone knows its models.
pub fn metadata(reading: &Reading, models: &BTreeMap<String, Model>, now: &str) -> Metadata {
    let by_place: HashMap<Place<'_>, &ModelRef> =
        reading.respelled.iter().flatten().map(|reference| (reference.place(), reference)).collect();
    let mut metadata = Metadata::new(now.to_owned());
    for mention in &reading.mentions {
        let reference = by_place.get(&mention.reference.place()).copied().unwrap_or(&mention.reference);
        let model = mention.key.as_ref().and_then(|key| models.get(key));
        let status = match (&mention.key, mention.skipped) {
            (Some(_), _) => Status::Resolved,
            (None, true) => Status::Skipped,
            (None, false) => Status::Unresolved,
        };
        let node = metadata
            .models
            .entry(reference.node_id.clone())
            .or_insert_with(|| NodeModels { node_type: reference.node_type.clone(), refs: Vec::new() });
        node.refs.push(Reference {
            widget_index: reference.widget_index,
            widget_path: reference.widget_path.clone(),
            kind: reference.kind,
            path: reference.value.clone(),
            hash: mention.key.clone(),
            sha256: model.and_then(|model| model.sha256.clone()),
            blake3: model.and_then(|model| model.blake3.clone()),
            size: model.map(|model| model.size),
            sources: model.map(|model| model.sources.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            status,
            confidence: reference.confidence,
        });
    }
    metadata
}
