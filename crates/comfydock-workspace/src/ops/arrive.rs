//! An environment that comes to this machine from elsewhere, by `clone` or `import`: planned, asked about, and
//! built in one transaction. Whoever brings it says how its history gets into the prepared folder.

use std::collections::{BTreeMap, BTreeSet};

use comfydock_core::foreign::workflow_path;
use comfydock_core::name::EnvironmentName;
use comfydock_core::plan::found;
use comfydock_core::plan::library::Library;
use comfydock_core::plan::models::{Action, ModelStep};
use comfydock_core::source::Source;
use comfydock_core::torch::Choice;
use comfydock_store::file;

use super::create::{check_free, put_in_place};
use super::elsewhere;
use super::fetch_models::{Fate, Report};
use super::platform::{self, Added};
use super::reach::{Apply, MissingNode, Route, Staged, models_of, way_from_nothing};
use super::{Context, commit, resolve};
use crate::Error;
use crate::environment::Environment;
use crate::machine;
use crate::observe::{self, Committed};
use crate::remote::hub::Hub;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// The folder that an environment is prepared in. It lies in a transaction's stage, and so does everything
/// that is fetched for it.
pub struct Prepared {
    /// The transaction.
    pub transaction: Transaction,
    /// The environment as it is being made.
    pub environment: Environment,
    name: EnvironmentName,
}

impl Prepared {
    /// Makes the folder. `torch` is which build of torch this machine shall have.
    ///
    /// # Errors
    /// When the name is taken, or the folder cannot be made.
    pub fn begin(
        workspace: &Workspace,
        name: EnvironmentName,
        torch: &Choice,
        context: &Context<'_>,
    ) -> Result<Self, Error> {
        check_free(workspace, &name)?;
        Self::within(Transaction::begin(&workspace.home())?, name, torch, context)
    }

    /// As [`begin`](Self::begin), in a transaction that has begun and under a name that was found to be free.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn within(
        transaction: Transaction,
        name: EnvironmentName,
        torch: &Choice,
        context: &Context<'_>,
    ) -> Result<Self, Error> {
        let environment = Environment::at(name.clone(), transaction.stage().join("environment"));
        environment.furnish()?;
        if *torch != Choice::Unsaid {
            machine::choose(torch, context.reporter).save(&environment)?;
        }
        Ok(Self { transaction, environment, name })
    }

    /// Plans how the environment becomes `target`, its tip. With `add_platform` one that is not locked for
    /// this machine is locked for it too, as a change that is not committed.
    ///
    /// # Errors
    /// When it is not locked for this machine, or something cannot be read.
    pub fn plan(
        self,
        workspace: &Workspace,
        mut target: Committed,
        hub: Option<Hub>,
        add_platform: bool,
        context: &Context<'_>,
    ) -> Result<Draft, Error> {
        let Self { transaction, environment, name } = self;
        let added = if add_platform {
            platform::add(workspace, &environment, &mut target, &transaction.stage().join("resolution"), context)?
        } else {
            None
        };
        platform::check(&target)?;
        let plan = way_from_nothing(workspace, &environment, &target)?;
        let models = models_of(workspace, None, &target, hub.as_ref(), context)?;
        let route = Route { target, plan, models };
        let staged = BTreeMap::new();
        Ok(Draft { name, hub, transaction, environment, route, added, staged, choices: Choices::default() })
    }
}

/// What its receiver wants otherwise.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Node packs that are left out, by folder; they stay in the manifest as missing.
    pub without_nodes: BTreeSet<String>,
    /// Models that are not brought, by key.
    pub without_models: BTreeSet<String>,
    /// Models of this machine that stand in for others in every workflow, by the keys of these.
    pub substitutes: BTreeMap<String, String>,
    /// Where models can be had, by key; asked before anybody else.
    pub sources: BTreeMap<String, Source>,
}

/// An environment that came, and what it takes to build it here.
pub struct Draft {
    name: EnvironmentName,
    hub: Option<Hub>,
    transaction: Transaction,
    environment: Environment,
    route: Route,
    added: Option<Added>,
    staged: BTreeMap<String, Staged>,
    choices: Choices,
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

    /// Node packs that came along and need not be fetched.
    pub fn stage(&mut self, staged: BTreeMap<String, Staged>) {
        self.staged = staged;
    }

    /// The models of this machine, under the environment's keys.
    ///
    /// # Errors
    /// When the index fails.
    pub fn library(&self, workspace: &Workspace, context: &Context<'_>) -> Result<Library, Error> {
        observe::library(workspace, None, Some(&self.route.target.manifest), None, context.reporter)
    }

    /// Says what is wanted otherwise.
    pub fn choose(&mut self, choices: Choices) {
        for (key, source) in &choices.sources {
            found::from_here(&mut self.route.models, key, source);
        }
        self.choices = choices;
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

/// What came of it.
pub struct Outcome {
    /// The models.
    pub models: Vec<Report>,
    /// Whether the environment is the active one now.
    pub active: bool,
    /// Node packs that are not there; `comfydock repair` tries again.
    pub missing_nodes: Vec<MissingNode>,
    /// What was reached.
    pub route_target: Committed,
    /// The version that has the models that stand in for others.
    pub substituted: Option<usize>,
    environment: Environment,
    hub: Option<Hub>,
}

impl Outcome {
    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The models that should have come and did not: who was asked may give them another time.
    pub fn failed(&self) -> impl Iterator<Item = &Report> {
        self.models.iter().filter(|report| has_failed(report))
    }

    /// Tries again to bring what failed.
    ///
    /// # Errors
    /// As [`fetch_models::fetch`](super::fetch_models::fetch).
    pub fn try_again(&mut self, workspace: &Workspace, context: &Context<'_>) -> Result<(), Error> {
        let failed: Vec<usize> = (0..self.models.len()).filter(|at| has_failed(&self.models[*at])).collect();
        let steps = failed.iter().map(|at| self.models[*at].step.clone()).collect();
        let again = elsewhere::fetch(workspace, Some(&self.environment), steps, self.hub.as_ref(), context)?;
        for (at, report) in failed.into_iter().zip(again) {
            self.models[at] = report;
        }
        Ok(())
    }

    /// Goes on without what failed: from now on that is a choice.
    pub fn leave_out_failed(&mut self) {
        self.models.iter_mut().filter(|report| has_failed(report)).for_each(|report| report.fate = Fate::LeftOut);
    }
}

fn has_failed(report: &Report) -> bool {
    let asks = matches!(report.step.action, Action::Download | Action::Unverifiable);
    asks && !report.step.sources.is_empty() && matches!(report.fate, Fate::Missing(_))
}

/// Builds the environment: one transaction for everything but the models. What stands in for others is a commit
/// of its own then, and the rest comes one by one.
///
/// # Errors
/// When something cannot be had; nothing is left behind then.
pub fn apply(workspace: &mut Workspace, draft: Draft, activate: bool, context: &Context<'_>) -> Result<Outcome, Error> {
    let Draft { name, hub, mut transaction, environment, route, staged, choices, .. } = draft;
    let parts = (staged, &choices.without_nodes);
    let missing_nodes = build(workspace, &environment, &mut transaction, &route, parts, context)?;
    let active = put_in_place(workspace, transaction, &environment, &name, activate)?;
    let environment = workspace.environment(Some(&name))?;
    let (mut wanted, mut models) = (Vec::new(), Vec::new());
    let (names, substituted) = match stand_in(workspace, &environment, &choices.substitutes, context) {
        Ok((names, version)) => (Ok(names), version),
        // The environment is there, and whole without it.
        Err(error) => (Err(error.to_string()), None),
    };
    for step in route.models {
        let fate = match (choices.substitutes.get(&step.key), &names) {
            (Some(with), Ok(names)) => Fate::Substituted(names.get(with).cloned().unwrap_or_default()),
            (Some(_), Err(reason)) => Fate::Missing(format!("no other could stand in for it: {reason}")),
            // What is left out has its name in the workflows all the same, so that it is found when it comes.
            (None, _) if choices.without_models.contains(&step.key) => Fate::LeftOut,
            (None, _) => {
                wanted.push(step);
                continue;
            }
        };
        models.push(Report::of(step, fate));
    }
    models.splice(0..0, elsewhere::fetch(workspace, Some(&environment), wanted, hub.as_ref(), context)?);
    let route_target = route.target;
    Ok(Outcome { models, active, missing_nodes, route_target, substituted, environment, hub })
}

/// Lets models of this machine stand in for others, as `workflow resolve --substitute` does, and commits that.
/// Returns what they are called, by key, and the version.
fn stand_in(
    workspace: &Workspace,
    environment: &Environment,
    substitutes: &BTreeMap<String, String>,
    context: &Context<'_>,
) -> Result<(BTreeMap<String, String>, Option<usize>), Error> {
    if substitutes.is_empty() {
        return Ok((BTreeMap::new(), None));
    }
    resolve::substitute(workspace, environment, substitutes, context)?;
    let draft = commit::draft(workspace, environment, context)?;
    let known = &draft.plan().models;
    let named = substitutes.values().filter_map(|key| Some((key.clone(), known.get(key)?.filename.clone())));
    let names = named.collect();
    let message = Some("Models of this machine stand in for others".to_owned());
    let options = commit::Options { message, allow_issues: true, no_test: true };
    Ok((names, Some(commit::commit(workspace, environment, draft, &options, context)?.version)))
}

fn build(
    workspace: &Workspace,
    environment: &Environment,
    transaction: &mut Transaction,
    route: &Route,
    (staged, without): (BTreeMap<String, Staged>, &BTreeSet<String>),
    context: &Context<'_>,
) -> Result<Vec<MissingNode>, Error> {
    let mut apply = Apply {
        workspace,
        environment,
        transaction,
        fresh: true,
        context,
        seen: &BTreeMap::new(),
        staged,
        without,
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
