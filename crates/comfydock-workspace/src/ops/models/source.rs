//! Where models can be had.

use comfydock_core::source::Source;

use super::{Listed, find, list};
use crate::Error;
use crate::models::index::Index;
use crate::ops::Context;
use crate::ops::look_up::{Found, How, sources_for};
use crate::workspace::Workspace;

/// Remembers where a model can be had. Returns whether that was new.
///
/// # Errors
/// When the model is not known or the source not usable.
pub fn add_source(
    workspace: &Workspace,
    word: &str,
    source: &str,
    context: &Context<'_>,
) -> Result<(Listed, Source, bool), Error> {
    let source = Source::given(source)?;
    let found = find(workspace, word, context)?;
    let fresh = Index::open(workspace)?.add_source(found.model.id, &source, "user")?;
    Ok((found, source, fresh))
}

/// Forgets that a model can be had there. Returns whether it was known.
///
/// # Errors
/// When the model is not known or the source not readable.
pub fn remove_source(
    workspace: &Workspace,
    word: &str,
    source: &str,
    context: &Context<'_>,
) -> Result<(Listed, Source, bool), Error> {
    let source = Source::parse(source)?;
    let found = find(workspace, word, context)?;
    let known = Index::open(workspace)?.remove_source(found.model.id, &source)?;
    Ok((found, source, known))
}

/// The models that sources are to be looked for: those that are named, else all that have none.
///
/// # Errors
/// When a word means no model or several, or the index fails.
pub fn without_source(workspace: &Workspace, words: &[String], context: &Context<'_>) -> Result<Vec<Listed>, Error> {
    if words.is_empty() {
        return Ok(list(workspace, context)?.into_iter().filter(|listed| listed.model.sources.is_empty()).collect());
    }
    words.iter().map(|word| find(workspace, word, context)).collect()
}

/// Looks for sources of these models and notes what is found.
///
/// # Errors
/// As [`sources_for`].
pub fn find_sources(
    workspace: &Workspace,
    models: &[Listed],
    how: How<'_>,
    context: &Context<'_>,
) -> Result<Found, Error> {
    let models: Vec<_> = models.iter().map(|listed| &listed.model).collect();
    sources_for(workspace, &models, how, context)
}
