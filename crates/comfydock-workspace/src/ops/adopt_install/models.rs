//! Models of an installation: registered where they lie, or wanted by their hash.

use std::path::PathBuf;

use comfydock_core::adoption::{Left, WantedModel};
use comfydock_core::category;
use comfydock_core::hint::Hint as _;
use comfydock_core::plan::library::{KnownModel, Library};
use comfydock_core::plan::models::{Action, ModelStep};
use comfydock_core::source::Source;

use crate::Error;
use crate::adoption::models::ModelsFound;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Unmeasured};
use crate::observe;
use crate::ops::Context;
use crate::workspace::Workspace;

/// Makes the folders the workspace's, in its settings; they are saved by the caller. A folder that
/// cannot be taken is named and costs nothing else. Returns what was added.
pub(super) fn register(workspace: &mut Workspace, models: &ModelsFound, left: &mut Vec<Left>) -> Vec<PathBuf> {
    let mut added = Vec::new();
    for folder in &models.folders {
        match workspace.add_models_folders(std::slice::from_ref(folder)) {
            Ok(true) => added.push(folder.clone()),
            Ok(false) => {}
            Err(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                left.push(Left::new(format!("models folder `{}`", folder.display()), format!("{error}{hint}")));
            }
        }
    }
    for file in &models.configurations {
        if !workspace.settings.extra_model_paths.contains(file) {
            workspace.settings.extra_model_paths.push(file.clone());
            added.push(file.clone());
        }
    }
    added
}

/// What is to be done for models that are wanted by hash.
///
/// # Errors
/// When the index fails, or a file that may be one of them cannot be read.
pub(super) fn steps(
    workspace: &Workspace,
    environment: &Environment,
    wanted: &[WantedModel],
    context: &Context<'_>,
) -> Result<Vec<ModelStep>, Error> {
    let roots = Roots::of(workspace, Some(environment))?;
    let mut library = observe::library(workspace, Some(environment), None, None, context.reporter)?;
    let sizes: Vec<u64> = wanted.iter().filter_map(|model| model.size).collect();
    let candidates = Unmeasured::of(&library, &roots, |model| model.sha256.is_none() && sizes.contains(&model.size));
    if !candidates.is_empty() {
        let mut index = Index::open(workspace)?;
        scan::measure(&mut index, &candidates, context.reporter)?;
        library = Library::new(index.models(&roots)?, None);
    }
    Ok(wanted.iter().map(|model| step(model, &library)).collect())
}

fn step(model: &WantedModel, library: &Library) -> ModelStep {
    let same = |known: &&KnownModel| known.sha256.as_ref() == Some(&model.sha256);
    let row = library.iter().map(|(_, known)| known).find(same);
    let folders = category::folders(category::of_folder(model.path.folder()));
    let is_seen = |path: &str| {
        path.split_once('/').is_some_and(|(folder, name)| folders.contains(&folder) && name == model.path.name())
    };
    let places = row.map(|row| row.places.as_slice()).unwrap_or_default();
    let elsewhere = row.and_then(|row| row.places.first().or(row.elsewhere.first()));
    let action = match elsewhere {
        _ if places.iter().any(|place| is_seen(&place.relative_path)) => Action::Here,
        Some(place) => Action::Link { from: place.clone() },
        None if model.sources.is_empty() => Action::NoSource,
        None => Action::Download,
    };
    let mut sources = model.sources.clone();
    sources.sort_by_key(Source::rank);
    ModelStep {
        key: String::new(),
        category: category::of_folder(model.path.folder()).to_owned(),
        filename: model.path.file_name().to_owned(),
        size: model.size.unwrap_or_default(),
        sha256: Some(model.sha256.clone()),
        blake3: None,
        sources,
        action,
        relative_path: model.path.as_str().to_owned(),
        name: model.path.name().to_owned(),
        workflows: Vec::new(),
    }
}
