//! Where models can be had.

use comfydock_core::source::Source;

use super::{Listed, find};
use crate::Error;
use crate::models::index::Index;
use crate::ops::Context;
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
    let source = Source::parse(source)?;
    let found = find(workspace, word, context)?;
    let fresh = Index::open(workspace)?.add_source(found.model.id, &source, "user")?;
    Ok((found, source, fresh))
}
