//! Bringing the models of a plan: links first, then downloads, each on its own (decision 7).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use comfydock_core::plan::models::{Action, ModelStep};
use comfydock_store::hash;

use super::Context;
use crate::Error;
use crate::configuration::Configuration;
use crate::environment::Environment;
use crate::models::download::{Failure, Wanted, download};
use crate::models::index::Index;
use crate::models::place::{Brought, bring};
use crate::models::roots::{Root, Roots};
use crate::remote::guard::Consent;
use crate::remote::hub::Hub;
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
}

/// A model and what became of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The plan's step.
    pub step: ModelStep,
    /// What came of it.
    pub fate: Fate,
}

/// The models that are not on this machine.
pub fn missing(steps: &[ModelStep]) -> impl Iterator<Item = &ModelStep> {
    steps.iter().filter(|step| matches!(step.action, Action::Download | Action::NoSource | Action::Unverifiable))
}

/// The models that will be downloaded.
pub fn downloads(steps: &[ModelStep]) -> impl Iterator<Item = &ModelStep> {
    steps.iter().filter(|step| step.action == Action::Download)
}

/// The hosts that may be asked: those the user named, and the hub that was logged in to.
///
/// # Errors
/// When the configuration cannot be read.
pub fn consent(hub: Option<&Hub>, context: &Context<'_>) -> Result<Consent, Error> {
    let named = context.network.allow_hosts.iter().cloned().chain(Configuration::load()?.allowed_hosts);
    let mut consent = Consent::to(named);
    if let Some(hub) = hub {
        consent.add(hub.host());
    }
    Ok(consent)
}

/// Brings every model of the plan that can be had. One that fails never stops the others.
///
/// # Errors
/// Only when the index fails or there is no models folder; everything else is in the reports.
pub fn fetch(
    workspace: &Workspace,
    environment: &Environment,
    steps: Vec<ModelStep>,
    hub: Option<&Hub>,
    context: &Context<'_>,
) -> Result<Vec<Report>, Error> {
    let target = workspace.download_target()?.path.clone();
    // A folder that is not there is a drive that is not mounted: made anew it would lie below the
    // mount point and vanish with the next mount.
    let mounted = target.is_dir();
    let roots = Roots::of(workspace, Some(environment))?;
    let mut index = Index::open(workspace)?;
    let mut reports: BTreeMap<usize, Fate> = BTreeMap::new();
    let mut wanted: Vec<(usize, Wanted)> = Vec::new();
    let mut labels = BTreeSet::new();
    for (position, step) in steps.iter().enumerate() {
        let fate = match &step.action {
            Action::Here => Fate::Here,
            Action::Link { .. } | Action::Download if !mounted => {
                Fate::Missing(format!("the models folder `{}` is not there; mount or create it", target.display()))
            }
            Action::Link { from } => link(&mut index, &roots.path(from), &target, step),
            Action::NoSource => Fate::Missing("nobody says where it can be had".to_owned()),
            Action::Unverifiable => {
                Fate::Missing("its SHA-256 is not known, so nothing that arrives could be checked".to_owned())
            }
            Action::Download if context.network.offline => {
                Fate::Missing("it would have to be downloaded, and --offline was given".to_owned())
            }
            Action::Download => {
                let Some(sha256) = step.sha256.clone() else { continue };
                let label =
                    if labels.insert(step.name.clone()) { step.name.clone() } else { step.relative_path.clone() };
                let wish = Wanted {
                    label,
                    sha256,
                    size: step.size,
                    sources: step.sources.clone(),
                    target: target.join(&step.relative_path),
                };
                wanted.push((position, wish));
                continue;
            }
        };
        reports.insert(position, fate);
    }
    let consent = consent(hub, context)?;
    for (position, relative_path, outcome) in run(&wanted, &consent, context, &target) {
        let fate = match outcome {
            Ok((digests, quick, stamp)) => {
                let model = index.measured(&Root::folder(&target), &relative_path, &quick, &digests, &stamp)?;
                for source in &steps[position].sources {
                    index.add_source(model, source, "download")?;
                }
                Fate::Downloaded
            }
            Err(failure) => Fate::Missing(failure.reason()),
        };
        reports.insert(position, fate);
    }
    Ok(steps
        .into_iter()
        .enumerate()
        .filter_map(|(position, step)| Some(Report { fate: reports.remove(&position)?, step }))
        .collect())
}

type Arrived = (hash::Digests, comfydock_core::digest::QuickHash, hash::Stamp);

fn run(
    wanted: &[(usize, Wanted)],
    consent: &Consent,
    context: &Context<'_>,
    target: &std::path::Path,
) -> Vec<(usize, String, Result<Arrived, Failure>)> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(wanted.len()) {
            scope.spawn(|| {
                while let Some((position, wish)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = download(wish, consent, context.reporter).and_then(|digests| {
                        let (quick, stamp) = hash::quick(&wish.target).map_err(Failure::Here)?;
                        Ok((digests, quick, stamp))
                    });
                    let relative_path =
                        wish.target.strip_prefix(target).unwrap_or(&wish.target).to_string_lossy().into_owned();
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push((*position, relative_path, outcome));
                    }
                }
            });
        }
    });
    outcomes.into_inner().unwrap_or_default()
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
