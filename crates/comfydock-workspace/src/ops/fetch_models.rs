//! Bringing the models of a plan: links first, then downloads, each on its own (decision 7).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use comfydock_core::digest::QuickHash;
use comfydock_core::observation::{Observation, Verdict};
use comfydock_core::plan::models::{Action, ModelStep};
use comfydock_core::source::Source;
use comfydock_store::hash;

use super::Context;
use crate::Error;
use crate::configuration::Configuration;
use crate::environment::Environment;
use crate::models::download::{Arrived, Engine, Failure, Kind, Outcome, Pace, Wanted, without_room};
use crate::models::index::Index;
use crate::models::place::{Brought, bring};
use crate::models::roots::{Root, Roots};
use crate::remote::address::Addresses;
use crate::remote::guard::Consent;
use crate::remote::hub::Hub;
use crate::remote::observations;
use crate::reporter::Event;
use crate::workspace::Workspace;

/// Downloads at one time.
const PARALLEL: usize = 3;

/// What became of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was where ComfyUI sees it.
    Here,
    /// It was elsewhere on this machine and got a second name.
    Linked(Brought),
    /// It was downloaded and verified.
    Downloaded,
    /// It is missing, and why.
    Missing(String),
    /// The user wants the environment without it.
    LeftOut,
    /// Another model of this machine stands in for it: what it is called here.
    Substituted(String),
}

/// A model and what became of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The plan's step.
    pub step: ModelStep,
    /// What came of it.
    pub fate: Fate,
    /// The file as it was measured, if it was downloaded.
    pub arrived: Option<Arrived>,
    /// Whether sources were asked and none gave it.
    pub lost: bool,
    /// What the sources that were asked turned out to be worth.
    pub observations: Vec<Observation>,
}

impl Report {
    /// What became of a model that nothing was asked for.
    pub fn of(step: ModelStep, fate: Fate) -> Self {
        Self { step, fate, arrived: None, lost: false, observations: Vec::new() }
    }
}

/// The models that are not on this machine.
pub fn missing(steps: &[ModelStep]) -> impl Iterator<Item = &ModelStep> {
    steps.iter().filter(|step| matches!(step.action, Action::Download | Action::NoSource | Action::Unverifiable))
}

/// The models that will be downloaded.
pub fn downloads(steps: &[ModelStep]) -> impl Iterator<Item = &ModelStep> {
    steps.iter().filter(|step| step.action == Action::Download)
}

/// The hosts that the user named.
pub(super) fn consent(context: &Context<'_>) -> Result<Consent, Error> {
    let named = context.network.allow_hosts.iter().cloned().chain(Configuration::load()?.allowed_hosts);
    Ok(Consent::to(named))
}

/// Brings every model of the plan that can be had. One that fails never stops the others.
///
/// # Errors
/// Only when the index fails or there is no models folder; everything else is in the reports.
pub fn fetch(
    workspace: &Workspace,
    environment: Option<&Environment>,
    steps: Vec<ModelStep>,
    hub: Option<&Hub>,
    context: &Context<'_>,
) -> Result<Vec<Report>, Error> {
    let target = workspace.download_target()?.path.clone();
    // A folder that is not there is a drive that is not mounted: made anew it would lie below the
    // mount point and vanish with the next mount.
    let mounted = target.is_dir();
    let roots = Roots::of(workspace, environment)?;
    let mut index = Index::open(workspace)?;
    let mut reports: BTreeMap<usize, Fate> = BTreeMap::new();
    let mut wanted: Vec<(usize, Wanted)> = Vec::new();
    let mut twins: Vec<(usize, usize)> = Vec::new();
    let mut labels = BTreeSet::new();
    for (position, step) in steps.iter().enumerate() {
        let fate = match &step.action {
            Action::Here => Fate::Here,
            Action::NoSource => Fate::Missing("nobody says where it can be had".to_owned()),
            Action::Unverifiable if step.sources.is_empty() => {
                Fate::Missing("its SHA-256 is not known, and nobody says where it can be had".to_owned())
            }
            Action::Unverifiable if !context.network.allow_unverified => Fate::Missing(
                "its SHA-256 is not known, so what arrives could only be checked by size and samples; \
                 --allow-unverified takes it"
                    .to_owned(),
            ),
            _ if !mounted => {
                Fate::Missing(format!("the models folder `{}` is not there; mount or create it", target.display()))
            }
            Action::Link { from } => link(&mut index, &roots.path(from), &target, step),
            Action::Download | Action::Unverifiable => {
                let twin = |(_, wish): &&(usize, Wanted)| wish.sha256.is_some() && wish.sha256 == step.sha256;
                if let Some((first, _)) = wanted.iter().find(twin) {
                    twins.push((position, *first));
                    continue;
                }
                let label =
                    if labels.insert(step.name.clone()) { step.name.clone() } else { step.relative_path.clone() };
                let wish = Wanted {
                    label,
                    sha256: step.sha256.clone(),
                    quick: quick_of(step),
                    size: (step.size > 0).then_some(step.size),
                    sources: step.sources.clone(),
                    target: target.join(&step.relative_path),
                };
                wanted.push((position, wish));
                continue;
            }
        };
        reports.insert(position, fate);
    }
    let wishes: Vec<&Wanted> = wanted.iter().map(|(_, wish)| wish).collect();
    let outcomes = run(&wishes, hub, context)?;
    let mut seen: BTreeMap<usize, Vec<Observation>> = BTreeMap::new();
    let mut came: BTreeMap<usize, Arrived> = BTreeMap::new();
    let mut lost: BTreeSet<usize> = BTreeSet::new();
    for ((position, wish), outcome) in wanted.iter().zip(outcomes) {
        let fate = match outcome.arrived {
            Ok(arrived) => {
                let path = below(&wish.target, &target);
                let root = Root::folder(&target);
                let model = index.measured(&root, &path, &arrived.quick, &arrived.digests, &arrived.stamp)?;
                let mismatched = mismatched(&outcome.observations);
                for source in wish.sources.iter().filter(|source| !mismatched.contains(source)) {
                    index.add_source(model, source, "download")?;
                }
                came.insert(*position, arrived);
                Fate::Downloaded
            }
            Err(failure) => {
                if matches!(&failure, Failure::Sources(reasons) if !reasons.is_empty()) {
                    lost.insert(*position);
                }
                Fate::Missing(failure.reason())
            }
        };
        seen.insert(*position, outcome.observations);
        reports.insert(*position, fate);
    }
    for (position, first) in twins {
        let fate = match reports.get(&first) {
            Some(Fate::Downloaded) => {
                link(&mut index, &target.join(&steps[first].relative_path), &target, &steps[position])
            }
            other => other.cloned().unwrap_or_else(|| Fate::Missing("it did not come".to_owned())),
        };
        reports.insert(position, fate);
    }
    let with = |(position, step): (usize, ModelStep)| {
        let observations = seen.remove(&position).unwrap_or_default();
        let (fate, arrived, lost) = (reports.remove(&position)?, came.remove(&position), lost.contains(&position));
        Some(Report { step, fate, arrived, lost, observations })
    };
    let reports: Vec<Report> = steps.into_iter().enumerate().filter_map(with).collect();
    if let Some(hub) = hub.filter(|_| !context.network.offline) {
        observations::report(hub, reports.iter().flat_map(|report| &report.observations));
    }
    Ok(reports)
}

/// The hash of the samples that a manifest keeps a model under.
fn quick_of(step: &ModelStep) -> Option<QuickHash> {
    QuickHash::parse(step.key.split('-').next().unwrap_or_default()).ok()
}

/// The sources that turned out to have another file.
fn mismatched(observations: &[Observation]) -> BTreeSet<&Source> {
    let wrong = observations.iter().filter(|observation| observation.verdict == Verdict::Mismatch);
    wrong.map(|observation| &observation.source).collect()
}

/// A file's path below the models folder.
fn below(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}

/// Downloads all of these, several at a time, as far as there is room for all of them together.
///
/// # Errors
/// When the configuration cannot be read.
fn run(wanted: &[&Wanted], hub: Option<&Hub>, context: &Context<'_>) -> Result<Vec<Outcome>, Error> {
    let addresses = Addresses::load(hub)?;
    let mut consent = consent(context)?;
    addresses.consented().for_each(|host| consent.add(&host));
    let without = without_room(wanted.iter().copied());
    let fitting: Vec<usize> = (0..wanted.len()).filter(|position| !without.contains_key(position)).collect();
    let at_a_time = PARALLEL.min(fitting.len());
    let engine = Engine {
        consent: &consent,
        addresses: &addresses,
        kind: Kind::Model,
        pace: Pace::default(),
        pickle: context.network.allow_pickle,
        alone: at_a_time == 1,
        offline: context.network.offline,
        reporter: context.reporter,
    };
    let bytes = fitting.iter().filter_map(|position| wanted[*position].size).sum();
    context.reporter.report(Event::BatchStart { count: fitting.len(), bytes });
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some(position) = fitting.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = engine.download(wanted[*position]);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(*position, outcome);
                }
            });
        }
    });
    context.reporter.report(Event::BatchEnd);
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (position, reason) in without {
        outcomes.insert(position, Outcome { arrived: Err(Failure::NoRoom(reason)), observations: Vec::new() });
    }
    Ok(outcomes.into_values().collect())
}

fn link(index: &mut Index, from: &std::path::Path, target: &std::path::Path, step: &ModelStep) -> Fate {
    let to = target.join(&step.relative_path);
    let linked = bring(from, &to).and_then(|brought| {
        let (quick, stamp) = hash::quick(&to)?;
        index.update(&Root::folder(target), &[(step.relative_path.clone(), quick, stamp)], &[])?;
        Ok(brought)
    });
    match linked {
        Ok(brought) => Fate::Linked(brought),
        Err(Error::File(error)) => Fate::Missing(Failure::Here(error).reason()),
        Err(error) => Fate::Missing(error.to_string()),
    }
}
