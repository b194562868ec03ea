//! The models a commit records: what the workflows refer to, with what this machine knows of it.

use std::collections::BTreeMap;

use crate::category;
use crate::digest::Sha256;
use crate::manifest::{Manifest, Model};
use crate::path::ModelPath;
use crate::plan::commit::ReadAll;
use crate::plan::library::{KnownModel, Library};
use crate::source::Source;
use crate::workflow::{ModelRef, normalise_for_lookup};

/// The models of a manifest to be written.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// By the manifest's key.
    pub(super) models: BTreeMap<String, Model>,
    /// Rows of the index that are referred to and lack a full hash, with their bytes.
    pub(super) unmeasured: Vec<(i64, u64)>,
    /// Things worth saying that stop nothing.
    pub(super) warnings: Vec<String>,
}

/// The manifest's models: all that a workflow refers to, with what this machine knows of them.
pub(super) fn models(readings: &ReadAll<'_>, before: &Manifest, library: &Library) -> Needed {
    let mut needed = Needed::default();
    for (name, (reading, _)) in readings {
        for mention in &reading.mentions {
            let Some(key) = &mention.key else { continue };
            if !needed.models.contains_key(key) {
                let rows: Vec<&KnownModel> = library.rows(key).collect();
                needed.unmeasured.extend(rows.iter().filter(|row| row.sha256.is_none()).map(|row| (row.id, row.size)));
                if let Some(model) = known(before.models.get(key), &rows, &mention.reference) {
                    needed.models.insert(key.clone(), model);
                }
            }
            let Some(model) = needed.models.get_mut(key) else { continue };
            for embedded in &mention.reference.embedded {
                let claimed = embedded.sha256.as_deref().and_then(|text| Sha256::parse(text).ok());
                if let (Some(claimed), Some(measured)) = (&claimed, &model.sha256)
                    && claimed != measured
                {
                    needed.warnings.push(format!(
                        "workflow `{name}`: `{}` here is not the file its author used (SHA-256 {}… instead of {}…)",
                        mention.reference.value,
                        measured.short(8),
                        claimed.short(8)
                    ));
                    continue;
                }
                if embedded.url.is_empty() {
                    continue;
                }
                match Source::parse(&embedded.url) {
                    Ok(source) if !model.sources.contains(&source) => model.sources.push(source),
                    Ok(_) => {}
                    Err(error) => needed.warnings.push(format!("workflow `{name}`: {error}")),
                }
            }
        }
    }
    needed
}

/// A model's entry: what the manifest says stays, what was measured or learned here is added.
pub(super) fn known(before: Option<&Model>, rows: &[&KnownModel], reference: &ModelRef) -> Option<Model> {
    let row = rows.first();
    let mut model = match (before, row) {
        (Some(model), _) => model.clone(),
        (None, Some(row)) => {
            let place = visible_place(rows, reference).or_else(|| place_to_be(rows, reference))?;
            Model {
                filename: place.file_name().to_owned(),
                size: row.size,
                category: category::of_folder(place.folder()).to_owned(),
                relative_path: place,
                sha256: None,
                blake3: None,
                sources: Vec::new(),
            }
        }
        (None, None) => return None,
    };
    if rows.len() == 1
        && let Some(row) = row
    {
        model.sha256 = model.sha256.or_else(|| row.sha256.clone());
        model.blake3 = model.blake3.or_else(|| row.blake3.clone());
    }
    for source in rows.iter().flat_map(|row| &row.sources) {
        if !model.sources.contains(source) {
            model.sources.push(source.clone());
        }
    }
    Some(model)
}

/// Of a model's places, the one the mention's category sees, else the first.
fn visible_place(rows: &[&KnownModel], reference: &ModelRef) -> Option<ModelPath> {
    let wanted = reference.category.as_deref();
    let mut places: Vec<_> = rows.iter().flat_map(|row| &row.places).collect();
    places.sort_by_key(|place| {
        let category = place.relative_path.split('/').next().map(category::of_folder);
        (wanted.is_some() && category != wanted, place.root)
    });
    places.into_iter().find_map(|place| ModelPath::parse(&place.relative_path).ok())
}

/// Where a model belongs that lies nowhere ComfyUI looks: in the folder of the category that asks for
/// it, by the name it is asked for.
fn place_to_be(rows: &[&KnownModel], reference: &ModelRef) -> Option<ModelPath> {
    rows.iter().flat_map(|row| &row.elsewhere).next()?;
    let folder = *category::folders(reference.category.as_deref()?).first()?;
    ModelPath::parse(&format!("{folder}/{}", normalise_for_lookup(&reference.value).path)).ok()
}
