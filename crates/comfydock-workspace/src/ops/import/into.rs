//! A bundle into an environment that is here already, as changes that are not committed (decision 89).

use std::collections::{BTreeMap, BTreeSet};

use comfydock_core::bundle::Description;
use comfydock_core::foreign::{PYTHON_LOCK, PYTHON_VERSION};
use comfydock_core::merge::{Answer, Answers, Question, Settled, is_the_hosts, nothing_in_common};
use comfydock_core::plan::models::ModelStep;
use comfydock_core::plan::reach::{NodeStep, Terms};
use comfydock_git::repository::Repository;
use comfydock_store::space::same_file_system;

use super::opened::{DevNode, staged};
use super::{Opened, Source, committed};
use crate::Error;
use crate::adoption::copy::copy;
use crate::environment::Environment;
use crate::observe::Committed;
use crate::ops::arrive::Choices;
use crate::ops::change::{self, Standing};
use crate::ops::fetch_models::{Fate, Report};
use crate::ops::reach::{MissingNode, Route, models_of};
use crate::ops::together::{Base, Keeps, Sides, Together, refuse_uncommitted};
use crate::ops::{Context, elsewhere, platform, remotes};
use crate::remote::hub::Hub;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// A bundle that was opened beside an environment. Nothing of the environment has changed.
pub struct Guest {
    opened: Opened,
    state: Committed,
    standing: Standing,
    base: Base,
    transaction: Transaction,
}

/// Unpacks a bundle and holds it to every rule.
///
/// # Errors
/// When it is no bundle or breaks a rule, or the environment has changes of manifest or lock that no commit has.
pub fn look(
    workspace: &Workspace,
    environment: &Environment,
    source: &Source,
    context: &Context<'_>,
) -> Result<Guest, Error> {
    let shown = source.shown();
    let standing = Standing::of(environment)?;
    refuse_uncommitted(
        environment,
        &standing.head,
        "there are changes that are not committed, so nothing can be merged into them; nothing was changed",
        "run `comfydock commit` first, or undo them; then import again",
    )?;
    let transaction = Transaction::begin(&environment.home())?;
    let opened = source
        .open(workspace, &transaction.stage().join("bundle"), context)?
        .into_bundle(&shown, "what other programs made becomes an environment of its own: leave --env out")?;
    // A history of its own: what is judged there leaves no trace in the environment's.
    let scratch = Repository::init(&transaction.stage().join("history"))?;
    let mut state = committed(&opened, &scratch, &shown, context)?;
    // Which files a history tracks is the host's affair.
    state.files.retain(|path, _| [PYTHON_LOCK, PYTHON_VERSION].contains(&path.as_str()));
    let base = Base::of(nothing(&standing.head, &state)?);
    Ok(Guest { opened, state, standing, base, transaction })
}

/// What the two have in common: next to nothing.
fn nothing(home: &Committed, guest: &Committed) -> Result<Committed, Error> {
    let unusable = || Error::of_manifest("a manifest cannot be taken");
    let manifest_text = nothing_in_common(&home.manifest_text, &guest.manifest_text).map_err(unusable())?;
    let manifest = comfydock_core::manifest::Manifest::parse(&manifest_text).map_err(unusable())?;
    Ok(Committed {
        commit: home.commit.clone(),
        manifest_text,
        manifest,
        workflows: BTreeMap::new(),
        files: BTreeMap::new(),
    })
}

impl Guest {
    fn sides(&self) -> Sides<'_> {
        Sides { base: &self.base, ours: &self.standing.head, theirs: &self.state, keeps: Keeps::Ours }
    }

    /// What the bundle says of itself.
    pub fn description(&self) -> &Description {
        &self.opened.description
    }

    /// What nobody answered yet: both have it, and not alike. Without such answers there is no draft. ComfyUI's and
    /// Python's version are not asked about: they stay unless an answer says otherwise.
    ///
    /// # Errors
    /// When a side cannot be read, or an answer is to something that is not asked.
    pub fn questions(&self, answers: &Answers) -> Result<Vec<Question>, Error> {
        let mut questions = self.sides().questions(answers, |word, asked| {
            let hint = if asked.is_empty() {
                "the bundle can be merged without an answer".to_owned()
            } else {
                format!("these are: {}", asked.join(", "))
            };
            Error::refused(format!("`{word}` is not another here and in the bundle; nothing was changed"), hint)
        })?;
        questions.retain(|question| !is_the_hosts(&question.subject));
        Ok(questions)
    }

    /// The answers with those that nobody has to give.
    fn answered(&self, answers: &Answers) -> Result<Answers, Error> {
        let mut answers = answers.clone();
        let open = self.sides().questions(&answers, |word, _| {
            Error::refused(format!("nothing asks about `{word}`; nothing was changed"), "leave it out")
        })?;
        for question in open.iter().filter(|question| is_the_hosts(&question.subject)) {
            answers.named.insert(question.subject.word(), Answer::Ours);
        }
        Ok(answers)
    }
}

/// A bundle that comes into an environment, planned.
pub struct Draft {
    change: change::Draft,
    transaction: Transaction,
    description: Description,
    dev_nodes: Vec<DevNode>,
    opened: Opened,
    said: Vec<String>,
    settled: Vec<Settled>,
    without_models: BTreeSet<String>,
}

/// Plans; changes nothing. Packages may be locked anew, in the transaction's stage.
///
/// # Errors
/// When a question is open, the requirements contradict each other, or the user's work is in the way.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    guest: Guest,
    answers: &Answers,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let answers = guest.answered(answers)?;
    let Guest { opened, state, standing, base, transaction } = guest;
    let sides = Sides { base: &base, ours: &standing.head, theirs: &state, keeps: Keeps::Ours };
    let again = "import again";
    let Together { target, said, settled, mut transaction } =
        sides.put_together(workspace, environment, &answers, transaction, again, context)?;
    let custom_nodes = environment.custom_nodes();
    let scratch = environment.repository()?.in_memory()?;
    let mut dev_nodes = opened.dev_nodes(&scratch, |name, folder| {
        if same_file_system(&folder, &custom_nodes) {
            return Ok(folder);
        }
        let near = transaction.stage_for(&custom_nodes)?.join("nodes").join(name.as_str());
        copy(&folder, &near)?;
        Ok(near)
    })?;
    // Of one that both have, the manifest says whose it is now.
    dev_nodes.retain(|found| target.manifest.nodes.get(&found.node.name.normalised()) == Some(&found.node));
    refuse_what_lies_there(environment, &standing, &dev_nodes)?;
    let hub = hub(environment, context);
    let models = models_of(workspace, Some(environment), &target, hub.as_ref(), context)?;
    let terms = Terms { follow_development: true, ..Terms::default() };
    let mut change = change::draft(workspace, environment, standing, target, models, &terms, &[], context)?;
    let route = change.route_mut();
    for step in &mut route.plan.nodes {
        // A folder of that name that was set aside is another's work: it stays aside.
        let came =
            dev_nodes.iter().find(|found| matches!(step, NodeStep::Enable(name) if *name == found.node.name.as_str()));
        if let Some(came) = came {
            *step = NodeStep::Add(came.node.clone());
        }
    }
    if route.plan.python {
        platform::check(&route.target)?;
    }
    let (description, without_models) = (opened.description.clone(), BTreeSet::new());
    Ok(Draft { change, transaction, description, dev_nodes, opened, said, settled, without_models })
}

/// The hub whose catalog is asked: the environment's, or the one that is logged in to.
fn hub(environment: &Environment, context: &Context<'_>) -> Option<Hub> {
    remotes::hub_of(Some(environment), context).or_else(|| remotes::hub_of(None, context))
}

/// A development node is whatever lies in its folder: one that comes must not find another there.
fn refuse_what_lies_there(environment: &Environment, standing: &Standing, coming: &[DevNode]) -> Result<(), Error> {
    let known = |found: &&DevNode| standing.manifest.nodes.contains_key(&found.node.name.normalised());
    let details: Vec<String> = coming
        .iter()
        .filter(|found| !known(found))
        .filter(|found| environment.custom_nodes().join(found.node.name.as_str()).symlink_metadata().is_ok())
        .map(|found| format!("custom_nodes/{} is in the way of the development node of that name", found.node.name))
        .collect();
    if details.is_empty() {
        return Ok(());
    }
    Err(Error::Refused {
        message: "node packs lie here that nobody tracks; nothing was changed".to_owned(),
        details,
        hint: Some("rename or move it, or track it with `comfydock node add NAME --dev`; then import again".to_owned()),
    })
}

impl Draft {
    /// What is to be done.
    pub fn route(&self) -> &Route {
        self.change.route()
    }

    /// What is to be done for each model, for a look-up to add to.
    pub fn models_mut(&mut self) -> &mut [ModelStep] {
        &mut self.change.route_mut().models
    }

    /// Adds the install scripts that are to be run to the places of code that are asked about.
    ///
    /// # Errors
    /// When the environments of this machine cannot be listed.
    pub fn with_install_scripts(&mut self, workspace: &Workspace) -> Result<(), Error> {
        self.change.route_mut().ask_about_scripts(workspace)
    }

    /// What the bundle says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What was decided although both sides have a part in it, in words.
    pub fn said(&self) -> &[String] {
        &self.said
    }

    /// What was asked, and the answers; what stays as it is here without a question is among it.
    pub fn settled(&self) -> &[Settled] {
        &self.settled
    }

    /// Whether the environment has everything of the bundle already.
    pub fn is_empty(&self) -> bool {
        let (route, standing) = (self.change.route(), self.change.standing());
        !route.plan.moves_code()
            && route.plan.workflows.is_empty()
            && route.target.manifest_text == standing.head.manifest_text
            && route.target.workflows == standing.head.workflows
    }

    /// Leaves something out.
    pub fn choose(&mut self, choices: Choices) {
        self.change.go_without(choices.without_nodes);
        self.without_models = choices.without_models;
    }
}

/// What came of it.
pub struct Outcome {
    /// The models.
    pub models: Vec<Report>,
    /// Where files of the user's went that were in the way.
    pub kept: Vec<std::path::PathBuf>,
    /// Node packs that could not be had; `comfydock repair` tries again.
    pub missing_nodes: Vec<MissingNode>,
    /// What was reached.
    pub target: Committed,
}

/// Brings it in: one transaction for everything but the models, which come one by one. Nothing is committed.
///
/// # Errors
/// When something cannot be had or ComfyUI runs; nothing has changed then.
pub fn apply(
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let Draft { change, transaction, dev_nodes, opened, without_models, .. } = draft;
    let Route { target, models, .. } = change.route();
    let (target, models) = (target.clone(), models.clone());
    let repository = environment.repository()?;
    // Objects that nothing refers to yet; the references follow what they are for.
    opened.dev_nodes(&repository, |_, folder| Ok(folder))?;
    let snapshots: Vec<_> = dev_nodes.iter().map(|found| found.snapshot.clone()).collect();
    let outcome = change::apply(workspace, environment, change, transaction, staged(dev_nodes), context)?;
    snapshots.iter().try_for_each(|snapshot| snapshot.keep(&repository))?;
    let is_left = |step: &ModelStep| without_models.contains(&step.key);
    let (left, wanted): (Vec<ModelStep>, Vec<ModelStep>) = models.into_iter().partition(is_left);
    let hub = hub(environment, context);
    let mut models = elsewhere::fetch(workspace, Some(environment), wanted, hub.as_ref(), context)?;
    models.extend(left.into_iter().map(|step| Report::of(step, Fate::LeftOut)));
    Ok(Outcome { models, kept: outcome.kept, missing_nodes: outcome.missing, target })
}
