//! `comfydock clone`: an environment from a remote, on a machine that has nothing yet.

use std::collections::BTreeMap;

use comfydock_core::foreign::workflow_path;
use comfydock_core::name::EnvironmentName;
use comfydock_core::plan::models::ModelStep;
use comfydock_core::torch::Choice;
use comfydock_git::remote::{self, Remote};
use comfydock_git::repository::{BRANCH, Repository};
use comfydock_store::file;

use super::Context;
use super::create::{check_free, put_in_place};
use super::elsewhere;
use super::fetch_models::Report;
use super::platform::{self, Added};
use super::reach::{Apply, MissingNode, Route, models_of, way_from_nothing};
use super::remotes::{DEFAULT, Location, explain};
use crate::Error;
use crate::environment::Environment;
use crate::machine;
use crate::observe::{self, Committed};
use crate::remote::retry::patiently;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// An environment that was fetched, and what it takes to build it here.
pub struct Draft {
    name: EnvironmentName,
    location: Location,
    transaction: Transaction,
    environment: Environment,
    route: Route,
    added: Option<Added>,
}

impl Draft {
    /// What is to be done.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The platform that is added to those it is locked for.
    pub fn added(&self) -> Option<&Added> {
        self.added.as_ref()
    }

    /// Adds the install scripts that are to be run to the places of code that are asked about.
    ///
    /// # Errors
    /// When the environments of this machine cannot be listed.
    pub fn with_install_scripts(&mut self, workspace: &Workspace) -> Result<(), Error> {
        self.route.ask_about_scripts(workspace)
    }

    /// What is to be done for each model, for a look-up to add to.
    pub fn models_mut(&mut self) -> &mut [ModelStep] {
        &mut self.route.models
    }

    /// What the environment will be called here.
    pub fn name(&self) -> &EnvironmentName {
        &self.name
    }

    /// Gives up; nothing is left behind.
    ///
    /// # Errors
    /// When what was fetched cannot be removed.
    pub fn abandon(self) -> Result<(), Error> {
        self.transaction.abandon()
    }
}

/// Fetches the environment's history and plans. Everything fetched lies in a transaction's stage.
/// `torch` is which build of torch this machine shall have. With `add_platform` an environment that is not
/// locked for this machine is locked for it too, as a change that is not committed.
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
    check_free(workspace, &name)?;
    let shown = comfydock_git::program::without_credentials(&location.url);
    context.reporter.step(format!("Fetching the environment from {shown}"));
    let transaction = Transaction::begin(&workspace.home())?;
    let environment = Environment::at(name.clone(), transaction.stage().join("environment"));
    environment.furnish()?;
    if *torch != Choice::Unsaid {
        machine::choose(torch, context.reporter).save(&environment)?;
    }
    let mut target = fetch(&environment, &location, &shown, context)?;
    let added = if add_platform {
        platform::add(workspace, &environment, &mut target, &transaction.stage().join("resolution"), context)?
    } else {
        None
    };
    platform::check(&target)?;
    let plan = way_from_nothing(workspace, &environment, &target)?;
    let models = models_of(workspace, None, &target, location.hub.as_ref(), context)?;
    let route = Route { target, plan, models };
    Ok(Draft { name, location, transaction, environment, route, added })
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

/// What a clone came to.
pub struct Outcome {
    /// The models.
    pub models: Vec<Report>,
    /// Whether the environment is the active one now.
    pub active: bool,
    /// Node packs that could not be had; `comfydock repair` tries again.
    pub missing_nodes: Vec<MissingNode>,
    /// What was reached.
    pub route_target: Committed,
}

/// Builds the environment: one transaction for everything but the models, which come one by one.
///
/// # Errors
/// When something cannot be had; nothing is left behind then.
pub fn apply(workspace: &mut Workspace, draft: Draft, activate: bool, context: &Context<'_>) -> Result<Outcome, Error> {
    let Draft { name, location, mut transaction, environment, route, .. } = draft;
    let missing_nodes = build(workspace, &environment, &mut transaction, &route, context)?;
    let active = put_in_place(workspace, transaction, &environment, &name, activate)?;
    let environment = workspace.environment(Some(&name))?;
    let models = elsewhere::fetch(workspace, Some(&environment), route.models, location.hub.as_ref(), context)?;
    Ok(Outcome { models, active, route_target: route.target, missing_nodes })
}

fn build(
    workspace: &Workspace,
    environment: &Environment,
    transaction: &mut Transaction,
    route: &Route,
    context: &Context<'_>,
) -> Result<Vec<MissingNode>, Error> {
    let mut apply = Apply {
        workspace,
        environment,
        transaction,
        fresh: true,
        context,
        seen: &BTreeMap::new(),
        staged: BTreeMap::new(),
        rebuild: false,
        missing: Some(Vec::new()),
        kept: Vec::new(),
    };
    apply.code_and_workflows(route)?;
    let missing = apply.missing.unwrap_or_default();
    for (path, bytes) in &route.target.files {
        write(environment, path, bytes)?;
    }
    for (name, text) in &route.target.workflows {
        write(environment, &workflow_path(name), text.as_bytes())?;
    }
    environment.repository()?.rebuild_index()?;
    Ok(missing)
}

fn write(environment: &Environment, path: &str, bytes: &[u8]) -> Result<(), Error> {
    let target = environment.cec().join(path);
    if let Some(parent) = target.parent() {
        file::create_folder(parent)?;
    }
    std::fs::write(&target, bytes).map_err(file::Error::at("write", &target))?;
    Ok(())
}
