//! Downloads for names that mean nothing here: found by the ladder, brought by the engine.

use comfydock_core::category;
use comfydock_core::digest::Sha256;
use comfydock_core::path::ModelPath;
use comfydock_core::plan::models::place_asked_for;
use comfydock_core::plan::resolve::Question;
use comfydock_core::resolve::ladder::{Offer, Outcome, Said, Wanted};
use comfydock_core::source::Source;
use comfydock_core::workflow::normalise_for_lookup;

use super::Draft;
use crate::Error;
use crate::environment::Environment;
use crate::ops::look_up::{How, look_up};
use crate::ops::models::new_file::{self, NewFile};
use crate::ops::{Context, remotes};
use crate::workspace::Workspace;

/// Looks for what the draft's questions name: one finding for each, in order.
///
/// # Errors
/// When the configuration cannot be read.
pub fn find(
    workspace: &Workspace,
    environment: &Environment,
    draft: &Draft,
    how: How<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let hub = remotes::hub_of(Some(environment), context);
    let wanted = draft.questions().iter().map(wanted).collect();
    look_up(workspace, wanted, How { hub: hub.as_ref(), ..how }, context)
}

/// What is known of the model that a question is about.
fn wanted(question: &Question) -> Wanted {
    let hash = |text: &Option<String>| text.as_deref().and_then(|text| Sha256::parse(text).ok());
    let absent = question.absent.as_ref().map(|(_, model)| model);
    let told = question
        .told
        .iter()
        .filter_map(|told| Some(Said { source: Source::parse(&told.url).ok()?, sha256: hash(&told.sha256) }));
    let recorded = absent.into_iter().flat_map(|model| {
        model.sources.iter().map(|source| Said { source: source.clone(), sha256: model.sha256.clone() })
    });
    Wanted {
        filename: normalise_for_lookup(&question.value).file_name().to_owned(),
        sha256: absent
            .and_then(|model| model.sha256.clone())
            .or_else(|| question.told.iter().find_map(|told| hash(&told.sha256))),
        blake3: absent.and_then(|model| model.blake3.clone()),
        said: recorded.chain(told).collect(),
    }
}

/// Brings what is offered to where the name leads ComfyUI; returns its path below the folder for new
/// files, or why it did not come.
///
/// # Errors
/// When the index fails, or no category or name can be told.
pub(super) fn bring(
    workspace: &Workspace,
    environment: &Environment,
    question: &Question,
    offer: &Offer,
    context: &Context<'_>,
) -> Result<Result<String, String>, Error> {
    let path = path_for(question, offer)?;
    let hub = remotes::hub_of(Some(environment), context);
    let new = NewFile::at(&path, offer.sha256.clone(), vec![offer.source.clone()]);
    let outcome = new_file::bring(workspace, Some(environment), new, hub.as_ref(), context)?;
    Ok(outcome.arrived().map(|_| path.as_str().to_owned()).map_err(str::to_owned))
}

/// The place the name asks for, if it asks for one that can be; else the offer's own name.
fn path_for(question: &Question, offer: &Offer) -> Result<ModelPath, Error> {
    let category = question.category.as_deref().map(category::canonical).ok_or_else(|| {
        Error::refused(
            format!("nobody knows what kind of model `{}` is", question.value),
            format!("`comfydock models download {} --category CATEGORY` brings it", offer.source),
        )
    })?;
    let folder = category::folders(category).first().copied().unwrap_or(category);
    let file_name = offer.filename.rsplit(['/', '\\']).next().unwrap_or_default();
    place_asked_for(category, &question.value).map_or_else(
        || {
            ModelPath::parse(&format!("{folder}/{file_name}"))
                .map_err(|error| Error::refused(error.to_string(), "download it by hand and use --locate"))
        },
        Ok,
    )
}
