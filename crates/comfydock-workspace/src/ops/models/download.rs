//! Getting models: those that are missing, or one that is named.

use comfydock_core::category;
use comfydock_core::digest::Sha256;
use comfydock_core::plan::models::ModelStep;
use comfydock_core::resolve::ladder::Outcome as Found;
use comfydock_core::source::Source;

use super::new_file::{self, NewFile, Options};
use super::sought::Sought;
use crate::Error;
use crate::environment::Environment;
use crate::observe;
use crate::ops::fetch_models::{self, Report};
use crate::ops::look_up::How;
use crate::ops::reach::models_of;
use crate::ops::{Context, elsewhere, remotes};
use crate::remote::hub::Hub;
use crate::workspace::Workspace;

/// What a download would bring. Dropping it changes nothing.
pub struct Draft {
    hub: Option<Hub>,
    what: What,
}

enum What {
    /// Models of the environment.
    Steps(Vec<ModelStep>),
    /// A file that belongs to none yet and is still to be looked for.
    Sought(Box<Sought>),
    /// A file that belongs to none yet.
    New(Box<NewFile>),
}

/// What a download came to.
pub enum Outcome {
    /// Models of the environment.
    Models(Vec<Report>),
    /// A file that belongs to none yet.
    New(Box<new_file::Outcome>),
}

impl Draft {
    /// The names of the files that may come.
    pub fn names(&self) -> Vec<&str> {
        match &self.what {
            What::Steps(steps) => fetch_models::downloads(steps).map(|step| step.name.as_str()).collect(),
            What::New(new) => vec![new.filename()],
            What::Sought(_) => Vec::new(),
        }
    }

    /// What is to be done for each model of the environment, for a look-up to add to.
    pub fn models_mut(&mut self) -> Option<&mut [ModelStep]> {
        match &mut self.what {
            What::Steps(steps) => Some(steps),
            What::Sought(_) | What::New(_) => None,
        }
    }

    /// How many files that belong to no environment would be looked for outside.
    pub fn sought(&self) -> usize {
        usize::from(matches!(&self.what, What::Sought(sought) if sought.is_open()))
    }

    /// Looks for a file that belongs to no environment, if need be, and gives it its place.
    ///
    /// # Errors
    /// When nobody says where it can be had, or what it is called, or which category it is for.
    pub fn seek(&mut self, workspace: &Workspace, how: How<'_>, context: &Context<'_>) -> Result<Found, Error> {
        let What::Sought(sought) = &self.what else { return Ok(Found::default()) };
        let how = How { hub: self.hub.as_ref(), ..how };
        let (new, outcome) = sought.clone().seek(workspace, how, context)?;
        self.what = What::New(Box::new(new));
        Ok(outcome)
    }
}

/// Drafts the models of an environment's last commit that are missing here.
///
/// # Errors
/// When the index or the history fails.
pub fn draft_missing(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Result<Draft, Error> {
    let hub = remotes::hub_of(Some(environment), context);
    let steps = steps_of(workspace, environment, hub.as_ref(), context)?;
    Ok(Draft { hub, what: What::Steps(steps) })
}

/// Drafts the one model that a word means: a model of the environment, by file name or by the start of
/// a hash; a source; a SHA-256 that the hub knows.
///
/// # Errors
/// When it means none, or several.
pub fn draft_word(
    workspace: &Workspace,
    environment: Option<&Environment>,
    word: &str,
    options: &Options,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let hub = remotes::hub_of(environment, context);
    let source = Source::parse(word).ok();
    if let Some(environment) = environment {
        let mut steps = steps_of(workspace, environment, hub.as_ref(), context)?;
        steps.retain(|step| means(step, word, source.as_ref()));
        let first = steps.first().map(|step| step.key.clone());
        if steps.iter().any(|step| Some(&step.key) != first.as_ref()) {
            let line = |step: &ModelStep| {
                let hash = step.sha256.as_ref().map_or(step.key.as_str(), Sha256::as_str);
                format!("{} {}", &hash[..12.min(hash.len())], step.relative_path)
            };
            return Err(Error::Refused {
                message: format!("`{word}` means several models"),
                details: steps.iter().map(line).collect(),
                hint: Some("name one by its hash".to_owned()),
            });
        }
        if !steps.is_empty() {
            return Ok(Draft { hub, what: What::Steps(steps) });
        }
    }
    if let Some(Source::Unclear { .. }) = source {
        Source::given(word).map_err(|error| Error::refused(error.to_string(), "name exactly one file"))?;
    }
    let mut sought = match source {
        Some(source) => Sought::of_source(source, options),
        None => Sought::of_hash(word, options)?,
    };
    if let Some(new) = sought.here(workspace, environment, context)? {
        return Ok(Draft { hub, what: What::New(Box::new(new)) });
    }
    if let Some(hub) = hub.as_ref().filter(|_| sought.is_open()) {
        sought.ask(hub, context);
    }
    Ok(Draft { hub, what: What::Sought(Box::new(sought)) })
}

/// Brings what was drafted.
///
/// # Errors
/// When the index fails; models that do not come are in the outcome.
pub fn apply(
    workspace: &Workspace,
    environment: Option<&Environment>,
    draft: Draft,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let hub = draft.hub.as_ref();
    let new = match draft.what {
        What::Steps(steps) => {
            return elsewhere::fetch(workspace, environment, steps, hub, context).map(Outcome::Models);
        }
        What::New(new) => *new,
        What::Sought(sought) => sought.seek(workspace, How { hub, ..How::default() }, context)?.0,
    };
    new_file::bring(workspace, environment, new, hub, context).map(|outcome| Outcome::New(Box::new(outcome)))
}

/// Whether a word means this model.
fn means(step: &ModelStep, word: &str, source: Option<&Source>) -> bool {
    if let Some(source) = source {
        return step.sources.contains(source);
    }
    let lower = word.to_ascii_lowercase();
    let hash = lower.strip_prefix("sha256:").unwrap_or(&lower);
    let is_hash = hash.len() >= 6 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has = |known: &str| known.starts_with(hash);
    let by_hash = is_hash
        && (has(&step.key)
            || step.sha256.as_ref().is_some_and(|sha256| has(sha256.as_str()))
            || step.blake3.as_ref().is_some_and(|blake3| has(blake3.as_str())));
    by_hash
        || [&step.filename, &step.name, &step.relative_path].into_iter().any(|name| name == word)
        || word.split_once('/').is_some_and(|(folder, rest)| {
            category::of_folder(folder) == step.category && (rest == step.name || rest == step.filename)
        })
}

fn steps_of(
    workspace: &Workspace,
    environment: &Environment,
    hub: Option<&Hub>,
    context: &Context<'_>,
) -> Result<Vec<ModelStep>, Error> {
    let head = observe::head(environment)?;
    models_of(workspace, Some(environment), &head, hub, context)
}
