//! Getting the models that are missing.

use comfydock_git::remote::Remote;

use crate::Error;
use crate::environment::Environment;
use crate::observe;
use crate::ops::fetch_models::{self, Report};
use crate::ops::reach::models_of;
use crate::ops::{Context, remotes};
use crate::workspace::Workspace;

/// Brings the models of an environment's last commit that are missing here.
///
/// # Errors
/// When the index or the history fails; models that do not come are in the reports.
pub fn download_missing(
    workspace: &Workspace,
    environment: &Environment,
    context: &Context<'_>,
) -> Result<Vec<Report>, Error> {
    let head = observe::head(environment)?;
    let origin: Option<Remote> = remotes::find(environment, None).ok();
    let hub =
        origin.and_then(|origin| remotes::at_url(&origin.url, &context.network).ok()).and_then(|location| location.hub);
    let steps = models_of(workspace, Some(environment), &head, hub.as_ref(), context)?;
    fetch_models::fetch(workspace, Some(environment), steps, hub.as_ref(), context)
}
