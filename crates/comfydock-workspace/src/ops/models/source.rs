//! Where models can be had.

use comfydock_core::foreign;
use comfydock_core::manifest::{Document, Model};
use comfydock_core::source::Source;
use comfydock_git::repository::NewFile;
use comfydock_store::file;

use super::{Listed, find, list};
use crate::Error;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::ops::Context;
use crate::ops::commit::put_files;
use crate::ops::look_up::{Found, How, sources_for};
use crate::transaction::Transaction;
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

/// Where a source was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// In the index of this machine.
    pub here: bool,
    /// In the environment; its next commit records it.
    pub environment: bool,
}

/// Forgets that a model can be had there, on this machine and in the environment.
///
/// # Errors
/// When the model is not known, the source not readable, or the manifest cannot be written.
pub fn remove_source(
    workspace: &Workspace,
    environment: Option<&Environment>,
    word: &str,
    source: &str,
    context: &Context<'_>,
) -> Result<(Listed, Source, Forgotten), Error> {
    let source = Source::parse(source)?;
    let found = find(workspace, word, context)?;
    let in_environment = match environment {
        Some(environment) => remove_from(environment, &found, &source)?,
        None => false,
    };
    let here = Index::open(workspace)?.remove_source(found.model.id, &source)?;
    Ok((found, source, Forgotten { here, environment: in_environment }))
}

/// Takes a source out of the manifest as it lies there; the next commit records it.
fn remove_from(environment: &Environment, found: &Listed, source: &Source) -> Result<bool, Error> {
    let _lock = environment.lock()?;
    let path = environment.cec().join(foreign::MANIFEST);
    let fault = |source| Error::Manifest { place: format!("`{}`", path.display()), source };
    let mut document = Document::parse(&file::read_text(&path)?).map_err(fault)?;
    let manifest = document.manifest().map_err(fault)?;
    let mut changed = false;
    for (key, model) in manifest.models {
        let same = match (&model.sha256, &found.model.sha256) {
            (Some(recorded), Some(measured)) => recorded == measured,
            _ => key == found.model.quick.as_str(),
        };
        if same && model.sources.contains(source) {
            let sources = model.sources.iter().filter(|known| *known != source).cloned().collect();
            document.set_model(&key, &Model { sources, ..model });
            changed = true;
        }
    }
    if changed {
        let mut transaction = Transaction::begin(&environment.home())?;
        let manifest = NewFile { path: foreign::MANIFEST.to_owned(), bytes: document.text().into_bytes() };
        put_files(environment, &mut transaction, &[manifest])?;
        transaction.commit()?;
    }
    Ok(changed)
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
