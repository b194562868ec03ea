//! `comfydock clone`: an environment from a remote, on a machine that has nothing yet.

use comfydock_core::name::EnvironmentName;
use comfydock_core::torch::Choice;
use comfydock_git::remote::{self, Remote};
use comfydock_git::repository::{BRANCH, Repository};

use super::Context;
use super::arrive::{Draft, Prepared};
use super::remotes::{DEFAULT, Location, explain};
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::remote::retry::patiently;
use crate::workspace::Workspace;

/// Fetches the environment's history and plans. Everything fetched lies in a transaction's stage.
///
/// # Errors
/// When the remote cannot be reached or is no environment, or the name is taken.
pub fn draft(
    workspace: &Workspace,
    location: Location,
    name: EnvironmentName,
    torch: &Choice,
    add_platform: bool,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let shown = comfydock_git::program::without_credentials(&location.url);
    context.reporter.step(format!("Fetching the environment from {shown}"));
    let prepared = Prepared::begin(workspace, name, torch, context)?;
    let target = fetch(&prepared.environment, &location, &shown, context)?;
    prepared.plan(workspace, target, location.hub, add_platform, context)
}

/// Fetches the history and reads its tip.
fn fetch(
    environment: &Environment,
    location: &Location,
    shown: &str,
    context: &Context<'_>,
) -> Result<Committed, Error> {
    let repository = Repository::init(&environment.cec())?;
    remote::add(&environment.cec(), DEFAULT, &location.url)?;
    let origin = Remote { name: DEFAULT.to_owned(), url: location.url.clone() };
    let credential = location.credential();
    let tip = patiently(context.reporter, || remote::fetch(&environment.cec(), &origin, credential.as_ref()))
        .map_err(|error| explain(error, location))?
        .ok_or_else(|| {
            Error::refused(
                format!("{shown} is no ComfyDock environment: it has no branch `main`"),
                "is this the right address?",
            )
        })?;
    let target = observe::committed(&repository.objects()?, &tip, shown)?;
    repository.update_ref(BRANCH, None, &tip, "clone")?;
    Ok(target)
}
