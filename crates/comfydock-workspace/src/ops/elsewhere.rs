//! Bringing models, and those whose sources all failed from elsewhere, if somebody else has them.

use std::collections::BTreeMap;

use comfydock_core::plan::models::ModelStep;
use comfydock_core::resolve::ladder::{Said, Wanted};
use comfydock_core::source::Source;

use super::Context;
use super::fetch_models::{self, Fate, Report};
use super::look_up::{How, look_up, warnings};
use crate::Error;
use crate::environment::Environment;
use crate::remote::hub::Hub;
use crate::workspace::Workspace;

/// Brings every model of the plan that can be had. A model that none of its sources gave is looked
/// for once on the sites that may be asked, and tried again where they say.
///
/// # Errors
/// As [`fetch_models::fetch`].
pub fn fetch(
    workspace: &Workspace,
    environment: Option<&Environment>,
    steps: Vec<ModelStep>,
    hub: Option<&Hub>,
    context: &Context<'_>,
) -> Result<Vec<Report>, Error> {
    let mut reports = fetch_models::fetch(workspace, environment, steps, hub, context)?;
    if !context.network.outside || context.network.offline {
        return Ok(reports);
    }
    let lost: Vec<usize> = (0..reports.len()).filter(|position| is_lost(&reports[*position])).collect();
    if lost.is_empty() {
        return Ok(reports);
    }
    let wanted = lost.iter().map(|position| wanted(&reports[*position].step)).collect();
    // Where it can be had according to the hub was part of the plan, and failed.
    let outcome = look_up(workspace, wanted, How { outside: true, ..How::default() }, context)?;
    for note in &outcome.notes {
        context.reporter.warn(note.clone());
    }
    let mut again: BTreeMap<usize, ModelStep> = BTreeMap::new();
    for (position, finding) in lost.into_iter().zip(&outcome.findings) {
        let step = &reports[position].step;
        warnings(&step.filename, finding).for_each(|warning| context.reporter.warn(warning));
        let new = finding.offers.iter().map(|offer| &offer.source).filter(|source| !step.sources.contains(source));
        let sources: Vec<Source> = new.cloned().collect();
        if !sources.is_empty() {
            again.insert(position, ModelStep { sources, ..step.clone() });
        }
    }
    let (positions, steps): (Vec<usize>, Vec<ModelStep>) = again.into_iter().unzip();
    if steps.is_empty() {
        return Ok(reports);
    }
    for (position, second) in
        positions.into_iter().zip(fetch_models::fetch(workspace, environment, steps, hub, context)?)
    {
        let first = &mut reports[position];
        first.observations.extend(second.observations);
        first.arrived = second.arrived;
        first.fate = match (&first.fate, second.fate) {
            (Fate::Missing(before), Fate::Missing(after)) => Fate::Missing(format!("{before}; {after}")),
            (_, fate) => fate,
        };
    }
    Ok(reports)
}

/// Whether sources were asked and none gave it.
fn is_lost(report: &Report) -> bool {
    report.lost && report.step.sha256.is_some()
}

fn wanted(step: &ModelStep) -> Wanted {
    Wanted {
        filename: step.filename.clone(),
        sha256: step.sha256.clone(),
        blake3: step.blake3.clone(),
        said: step.sources.iter().map(|source| Said { source: source.clone(), sha256: None }).collect(),
    }
}
