//! Looking for models that are not here or have no source. The one place where the ladder's
//! questions (core) meet those who answer them (the network).

use std::collections::BTreeMap;

use comfydock_core::digest::Sha256;
use comfydock_core::plan::found::{self, is_sought};
use comfydock_core::plan::library::KnownModel;
use comfydock_core::plan::models::ModelStep;
use comfydock_core::resolve::ladder::{Evidence, Finding, Ladder, May, Outcome, Said, Wanted};
use comfydock_core::sidecar::Trust;
use comfydock_core::source::Source;
use comfydock_core::workflow::ModelRef;

use super::Context;
use crate::Error;
use crate::models::index::Index;
use crate::remote::answers::{Answers, Use};
use crate::remote::catalog::Catalog;
use crate::remote::endpoint::Endpoints;
use crate::remote::hub::Hub;
use crate::remote::sites::Sites;
use crate::workspace::{ExternalLookup, Workspace};

/// How is looked.
#[derive(Clone, Copy, Default)]
pub struct How<'a> {
    /// The environment's hub, if there is one.
    pub hub: Option<&'a Hub>,
    /// The user consented to asking CivitAI and Hugging Face; see [`permission`].
    pub outside: bool,
    /// Kept answers do not serve.
    pub refresh: bool,
}

/// Whether outside sites may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Yes.
    Granted,
    /// No, and it is not asked about.
    Refused,
    /// The user was not asked yet in this workspace.
    Open,
}

/// Whether outside sites may be asked: this run's flag, else what the workspace has settled.
pub fn permission(workspace: &Workspace, flag: Option<bool>) -> Permission {
    match (flag, workspace.settings.external_lookup) {
        (Some(true), _) | (None, ExternalLookup::Always) => Permission::Granted,
        (Some(false), _) | (None, ExternalLookup::Never) => Permission::Refused,
        (None, ExternalLookup::Ask) => Permission::Open,
    }
}

/// Keeps the user's answer for this workspace.
///
/// # Errors
/// When the settings cannot be read or written.
pub fn settle(workspace: &mut Workspace, lookup: ExternalLookup) -> Result<(), Error> {
    let _lock = workspace.refresh()?;
    workspace.settings.external_lookup = lookup;
    workspace.save()
}

/// Looks for these models, rung by rung. A site that cannot be asked is noted and stops nothing;
/// `--offline` asks nobody and uses the answers that are kept.
///
/// # Errors
/// When the configuration cannot be read.
pub fn look_up(
    workspace: &Workspace,
    wanted: Vec<Wanted>,
    how: How<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let offline = context.network.offline;
    let kept = match (offline, how.refresh) {
        (true, _) => Use::Any,
        (false, true) => Use::None,
        (false, false) => Use::Young,
    };
    let answers = Answers::new(workspace.cache("api_cache"), kept);
    let copy = how.hub.and_then(|hub| Catalog::open(workspace, hub).ok());
    let sites = Sites::new(Endpoints::load()?, how.hub.cloned(), answers).with_copy(copy);
    // What is kept was answered with consent once and tells nobody anything.
    let may = May { hub: how.hub.is_some(), outside: how.outside || offline };
    Ok(climb(&sites, wanted, may, context))
}

/// Asks these sites the ladder's questions until there are none.
pub fn climb(sites: &Sites, wanted: Vec<Wanted>, may: May, context: &Context<'_>) -> Outcome {
    let mut ladder = Ladder::new(wanted, may);
    let mut told = None;
    while let Some(question) = ladder.question() {
        if told != Some(question.site()) && !context.network.offline {
            context.reporter.step(format!("Asking {}", question.site()));
            told = Some(question.site());
        }
        let answer = sites.ask(&question);
        ladder.answer(&question, answer);
    }
    let mut outcome = ladder.finish();
    outcome.unasked |= context.network.offline && outcome.findings.iter().any(|finding| finding.offers.is_empty());
    outcome
}

/// What was found for models of the index.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// New sources, by the model's row. They are in the index already.
    pub sources: BTreeMap<i64, Vec<Source>>,
    /// All that came of it, in the order of the models.
    pub outcome: Outcome,
}

/// Looks for sources of models that are here and measured, and notes what is found in the index,
/// with the site it is from. Models without any SHA-256, measured or claimed, find nothing.
///
/// # Errors
/// When the configuration cannot be read or the index fails.
pub fn sources_for(
    workspace: &Workspace,
    models: &[&KnownModel],
    how: How<'_>,
    context: &Context<'_>,
) -> Result<Found, Error> {
    let wanted = models.iter().map(|model| of_model(model)).collect();
    let outcome = look_up(workspace, wanted, how, context)?;
    let mut index = Index::open(workspace)?;
    let mut sources: BTreeMap<i64, Vec<Source>> = BTreeMap::new();
    for (model, finding) in models.iter().zip(&outcome.findings) {
        for offer in finding.offers.iter().filter(|offer| offer.evidence != Evidence::Place) {
            if index.add_source(model.id, &offer.source, offer.site.word())? {
                sources.entry(model.id).or_default().push(offer.source.clone());
            }
        }
    }
    Ok(Found { sources, outcome })
}

/// What is wanted for a model of this machine: its identity once measured, else the hash that a file
/// beside it gives and that its size or time of change ties to these very bytes.
fn of_model(model: &KnownModel) -> Wanted {
    let path = model.places.first().map_or("", |place| place.relative_path.as_str());
    let tied = model.claims.iter().filter(|claim| claim.trust == Trust::Claimed);
    let sha256 = model.sha256.clone().or_else(|| tied.filter_map(|claim| claim.sha256.clone()).next());
    let noted = model.sources.iter().map(|source| Said { source: source.clone(), sha256: None });
    let claimed = model.claims.iter().flat_map(|claim| {
        claim.sources.iter().map(|source| Said { source: source.clone(), sha256: claim.sha256.clone() })
    });
    Wanted {
        filename: path.rsplit('/').next().unwrap_or(path).to_owned(),
        // Without any hash nothing could be recognised: what a hint names would only be believed.
        said: if sha256.is_some() { noted.chain(claimed).collect() } else { Vec::new() },
        blake3: model.blake3.clone().filter(|_| model.sha256.is_some()),
        sha256,
    }
}

/// Looks for what references of a workflow name that is not here: by the hash and the URLs that the
/// workflow gives. One finding for each reference, in order. An offer with [`Evidence::Place`] is
/// what the workflow names and no more: it is shown, and taken only on a yes.
///
/// # Errors
/// When the configuration cannot be read.
pub fn offers_for(
    workspace: &Workspace,
    references: &[&ModelRef],
    how: How<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    look_up(workspace, references.iter().map(|reference| of_reference(reference)).collect(), how, context)
}

/// What a reference says of the model it means.
pub fn of_reference(reference: &ModelRef) -> Wanted {
    let hash = |text: &Option<String>| text.as_deref().and_then(|text| Sha256::parse(text).ok());
    let name = reference.value.rsplit(['/', '\\']).next().unwrap_or(&reference.value);
    let said = reference.embedded.iter().filter_map(|embedded| {
        Some(Said { source: Source::parse(&embedded.url).ok()?, sha256: hash(&embedded.sha256) })
    });
    Wanted {
        filename: name.to_owned(),
        sha256: reference.embedded.iter().find_map(|embedded| hash(&embedded.sha256)),
        blake3: None,
        said: said.collect(),
    }
}

/// What is to be told of what was found for a model before it comes: a scan's result, that nobody may
/// download it.
pub(super) fn warnings<'a>(name: &'a str, finding: &'a Finding) -> impl Iterator<Item = String> + use<'a> {
    finding.offers.iter().filter_map(move |offer| Some(format!("{name}: {}", offer.warning.as_ref()?)))
}

/// Looks for the missing models of a plan that nobody names a usable source for, and gives them what
/// is found. The hub's catalog is part of the plan already and is not asked again.
///
/// # Errors
/// When the configuration cannot be read.
pub fn complete(
    workspace: &Workspace,
    steps: &mut [ModelStep],
    how: How<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let mut sought: BTreeMap<Sha256, Wanted> = BTreeMap::new();
    for step in steps.iter().filter(|step| is_sought(step)) {
        let Some(sha256) = &step.sha256 else { continue };
        let said = step.sources.iter().map(|source| Said { source: source.clone(), sha256: None });
        let wanted = Wanted {
            filename: step.filename.clone(),
            sha256: Some(sha256.clone()),
            blake3: step.blake3.clone(),
            said: said.collect(),
        };
        sought.entry(sha256.clone()).or_insert(wanted);
    }
    if sought.is_empty() {
        return Ok(Outcome::default());
    }
    let (hashes, wanted): (Vec<Sha256>, Vec<Wanted>) = sought.into_iter().unzip();
    let names: Vec<String> = wanted.iter().map(|wanted| wanted.filename.clone()).collect();
    let mut outcome = look_up(workspace, wanted, How { hub: None, ..how }, context)?;
    for (name, finding) in names.iter().zip(&outcome.findings) {
        outcome.notes.extend(warnings(name, finding));
    }
    for (name, finding) in names.iter().zip(&outcome.findings).filter(|(_, finding)| finding.offers.is_empty()) {
        outcome.notes.extend(finding.reasons.iter().map(|reason| format!("{name}: {reason}")));
    }
    let sources = |finding: &Finding| finding.offers.iter().map(|offer| offer.source.clone()).collect();
    found::complete(steps, &hashes.into_iter().zip(outcome.findings.iter().map(sources)).collect());
    Ok(outcome)
}
