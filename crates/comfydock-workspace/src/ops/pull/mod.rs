//! `comfydock pull`: what was pushed elsewhere, brought here.
//!
//! - `merging`: both sides have commits that the other lacks.
//! - `uncommitted`: what lies here and no commit has.
//! - `applying`: the one transaction.

mod applying;
mod merging;
mod uncommitted;

use comfydock_core::merge::{Answers, Question, Settled};
use comfydock_core::name::RemoteName;
use comfydock_core::plan::models::ModelStep;
use comfydock_core::plan::reach::{Terms, WorkflowStep};
use comfydock_git::remote;
use comfydock_store::lock::Lock;

pub use applying::{Outcome, apply};
use merging::{Diverged, Merging};
use uncommitted::Seen;

use super::Context;
use super::platform::{self, Added};
use super::reach::{Route, Start, models_of, way};
use super::remotes::{self, Location};
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::remote::retry::patiently;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What the remote has. Nothing here has changed but the note of where it stands.
pub struct Fetched {
    head: Committed,
    tip: Committed,
    location: Location,
    /// Commits there that are missing here.
    behind: usize,
    diverged: Option<Diverged>,
    lock: Lock,
}

impl Fetched {
    /// What nobody answered yet: both sides changed it, and not alike. Without such answers there is
    /// no draft.
    ///
    /// # Errors
    /// When a side cannot be read, or an answer is to something that is not asked.
    pub fn questions(&self, answers: &Answers) -> Result<Vec<Question>, Error> {
        match &self.diverged {
            Some(diverged) => diverged.questions(&self.head, &self.tip, answers),
            None => Ok(Vec::new()),
        }
    }

    /// Commits here and there that the other side lacks, where both have any.
    pub fn apart(&self) -> Option<(usize, usize)> {
        self.diverged.as_ref().map(|diverged| (diverged.ahead, self.behind))
    }
}

/// Fetches.
///
/// # Errors
/// When the remote cannot be reached, or its history and ours have nothing in common.
pub fn fetch(environment: &Environment, name: Option<&RemoteName>, context: &Context<'_>) -> Result<Fetched, Error> {
    let lock = environment.lock()?;
    let origin = remotes::find(environment, name)?;
    let location = remotes::at_url(&origin.url, &context.network)?;
    let shown = comfydock_git::program::without_credentials(&origin.url);
    context.reporter.step(format!("Fetching from {shown}"));
    let credential = location.credential();
    let tip = patiently(context.reporter, || remote::fetch(&environment.cec(), &origin, credential.as_ref()))
        .map_err(|error| remotes::explain(error, &location))?
        .ok_or_else(|| Error::refused(format!("{shown} has no branch `main`"), "push something to it first"))?;
    let repository = environment.repository()?;
    let head = observe::head(environment)?;
    let (ahead, behind) = repository.ahead_behind(&head.commit, &tip)?;
    let tip = if behind > 0 { observe::committed(&repository.objects()?, &tip, &shown)? } else { head.clone() };
    let diverged =
        if ahead > 0 && behind > 0 { Some(Diverged::of(environment, &origin.name, &head, &tip, ahead)?) } else { None };
    Ok(Fetched { head, tip, location, behind, diverged, lock })
}

/// What a pull would do.
pub struct Draft {
    base: Committed,
    route: Route,
    location: Location,
    commits: usize,
    merging: Option<Merging>,
    added: Option<Added>,
    /// What lay here when this was planned.
    seen: Seen,
    _lock: Lock,
}

impl Draft {
    /// What is to be done.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// What is to be done for each model, for a look-up to add to.
    pub fn models_mut(&mut self) -> &mut [ModelStep] {
        &mut self.route.models
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

    /// How many commits come.
    pub fn commits(&self) -> usize {
        self.commits
    }

    /// Whether histories are merged.
    pub fn merges(&self) -> bool {
        self.merging.is_some()
    }

    /// What the merge decided although both sides had a part in it, in words.
    pub fn said(&self) -> &[String] {
        self.merging.as_ref().map_or(&[], |merging| &merging.said)
    }

    /// What the merge asked, and the answers.
    pub fn settled(&self) -> &[Settled] {
        self.merging.as_ref().map_or(&[], |merging| &merging.settled)
    }

    /// Whether the remote has nothing new and everything is in place.
    pub fn is_empty(&self) -> bool {
        let kept = |step: &WorkflowStep| *step == WorkflowStep::Keep;
        self.commits == 0
            && self.added.is_none()
            && !self.route.plan.moves_code()
            && self.route.plan.workflows.values().all(kept)
    }
}

/// Plans; changes nothing. A merge may need packages to be locked anew, in a transaction's stage, and so
/// does a state that is not locked for this machine, with `add_platform`.
///
/// # Errors
/// When a question is open, the merged requirements contradict each other, or the user's work is in the
/// way.
pub fn draft(
    workspace: &Workspace,
    environment: &Environment,
    fetched: Fetched,
    answers: &Answers,
    add_platform: bool,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let Fetched { head: base, tip, location, behind, diverged, lock } = fetched;
    let seen = Seen::of(environment)?;
    let (mut target, merging) = match diverged {
        Some(diverged) => {
            let (target, merging) = diverged.merge(workspace, environment, &base, &tip, answers, context)?;
            (target, Some(merging))
        }
        None => (uncommitted::kept(environment, &seen, &base, tip, behind)?, None),
    };
    let added = if add_platform {
        // It is dropped at once: what was locked is in memory.
        let scratch = Transaction::begin(&environment.home())?;
        platform::add(workspace, environment, &mut target, &scratch.stage().join("resolution"), context)?
    } else {
        None
    };
    let start = Start { manifest: &base.manifest, tracked: &base.workflows, live: &seen.live };
    let terms = Terms { follow_development: true, ..Terms::default() };
    let mut plan = way(workspace, environment, &start, &target, &terms, &[], context)?;
    plan.conflicts.extend(uncommitted::changed_on_both_sides(environment, &base, &target));
    if !plan.conflicts.is_empty() {
        return Err(Error::Refused {
            message: "pulling would lose work of yours; nothing was changed".to_owned(),
            details: plan.conflicts,
            hint: Some(
                "commit it, so that it can be merged, or save a copy under another name and undo the change here"
                    .to_owned(),
            ),
        });
    }
    if plan.moves_code() {
        // Said before the question is asked, and made sure of when the pull is applied.
        drop(environment.keep_from_running("ComfyUI, node packs and packages")?);
    }
    if plan.python {
        platform::check(&target)?;
    }
    let models = models_of(workspace, Some(environment), &target, location.hub.as_ref(), context)?;
    let route = Route { target, plan, models };
    Ok(Draft { base, route, location, commits: behind, merging, added, seen, _lock: lock })
}
