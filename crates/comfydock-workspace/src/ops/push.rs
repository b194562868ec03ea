//! `comfydock push`: what was committed here, for everyone.

use std::collections::BTreeMap;

use comfydock_core::admission::{self, ALLOW_OPTION, Rule};
use comfydock_core::digest::CommitId;
use comfydock_core::foreign::{self, Violation};
use comfydock_core::manifest::Manifest;
use comfydock_core::name::RemoteName;
use comfydock_core::plan::push::{Named, plan_push};
use comfydock_git::arrivals;
use comfydock_git::remote::{self, Pushed, Remote};
use comfydock_git::repository::BRANCH;

use super::commit;
use super::remotes::Location;
use super::vendor::{self, Unpublished, Vendored};
use super::{Context, departure, development, remotes};
use crate::Error;
use crate::environment::Environment;
use crate::remote::catalog;
use crate::remote::retry::patiently;
use crate::snapshot;
use crate::workspace::Workspace;

/// What a push found and did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The remote's name and URL.
    pub remote: String,
    /// Commits that were sent; 0 when there was nothing to send.
    pub sent: usize,
    /// N of `vN` that the remote has now.
    pub version: usize,
    /// The commit the remote has now.
    pub commit: CommitId,
    /// Models whose hashes were recorded in a commit of their own.
    pub measured: usize,
    /// Models nobody can download.
    pub without_source: Vec<Named>,
    /// Names in workflows that mean no model.
    pub unresolved: Vec<(String, String)>,
    /// Work that is not committed and was not sent.
    pub uncommitted: Vec<String>,
    /// Whether the remote is a hub, which could keep files that no site has.
    pub is_hub: bool,
    /// What was sent although a rule about secrets is against it.
    pub allowed: Vec<String>,
    /// Node packs whose files were sent along.
    pub vendored: Vec<Vendored>,
}

/// What may be sent besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Rules about secrets whose findings are sent all the same.
    pub allow: &'a [Rule],
    /// Whether the files of node packs are sent whose repositories lack the recorded commits.
    pub vendor: bool,
}

/// Checks and pushes.
///
/// # Errors
/// When there is a secret or a model in what would be sent, a node pack could not be had by others, the remote has commits that are missing here, or
/// it refuses.
pub fn push(
    workspace: &Workspace,
    environment: &Environment,
    name: Option<&RemoteName>,
    options: Options<'_>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let Options { allow, vendor } = options;
    let origin = remotes::find(environment, name)?;
    let location = remotes::at_url(&origin.url, &context.network)?;
    let draft = commit::draft(workspace, environment, context)?;
    let uncommitted = departure::uncommitted(&draft);
    let findings = plan_push(&draft.head().manifest);
    let measured = findings.unmeasured.len();
    let manifest = if measured > 0 {
        record_hashes(workspace, environment, draft, &uncommitted, context)?
    } else {
        draft.head().manifest.clone()
    };
    let findings = plan_push(&manifest);
    let repository = environment.repository()?;
    let head =
        repository.head()?.ok_or_else(|| Error::refused("there is nothing to push", "commit something first"))?;
    let noted = repository.find_ref(&format!("refs/remotes/{}/main", origin.name))?;
    let mut unpublished = vendor::unpublished(workspace, &manifest, context)?;
    // Nothing was ever sent to a remote that nobody noted anything of.
    if noted.is_some() && !unpublished.is_empty() {
        let there = packs_there(environment, &origin, &location, &unpublished, context)?;
        unpublished.retain(|pack| !there.contains_key(&pack.reference()));
    }
    departure::check_nodes(&findings, if vendor { &[] } else { &unpublished }, "push --vendor", "sent")?;
    let vendored = vendor::vendor(workspace, environment, &unpublished, context)?;
    if noted.as_ref() != Some(&head) {
        context.reporter.step(format!("Pushing to {}", comfydock_git::program::without_credentials(&origin.url)));
    }
    // One that is not here was pushed by whoever made it.
    let mut references = development::references(&manifest);
    for position in (0..references.len()).rev() {
        if repository.find_ref(&references[position])?.is_none() {
            references.remove(position);
        }
    }
    references.extend(unpublished.iter().map(Unpublished::reference));
    let allowed = admit(environment, &head, &references, noted.as_ref(), allow)?;
    // Only a hub knows the option; and it is the hub that decides who may.
    let push_options: Vec<String> = match location.hub {
        Some(_) => allow.iter().map(|rule| format!("{ALLOW_OPTION}={rule}")).collect(),
        None => Vec::new(),
    };
    let versions = repository.versions(&head, usize::MAX)?;
    let credential = location.credential();
    let pushed = patiently(context.reporter, || {
        remote::push(&environment.cec(), &origin, credential.as_ref(), &references, &push_options)
    })
    .map_err(|error| remotes::explain(error, &location))?;
    let sent = match pushed {
        Pushed::Nothing => 0,
        Pushed::New => versions.len(),
        // Of a merge the commits that it brought are sent too.
        Pushed::From(old) => match noted.filter(|noted| noted.as_str().starts_with(&old)) {
            Some(noted) => repository.ahead_behind(&head, &noted)?.0,
            None => {
                versions.iter().position(|version| version.commit.as_str().starts_with(&old)).unwrap_or(versions.len())
            }
        },
        Pushed::Behind => return Err(behind(&origin)),
    };
    let version = versions.first().map_or(0, |version| version.number);
    if let Some(hub) = &location.hub {
        catalog::keep_up(workspace, hub);
    }
    Ok(Outcome {
        remote: origin.name,
        sent,
        version,
        commit: head,
        measured,
        without_source: findings.without_source,
        unresolved: findings.unresolved,
        uncommitted,
        is_hub: location.hub.is_some(),
        allowed,
        vendored,
    })
}

/// Where the remote has the files of packs, if its branch is one that ours can follow: git would send
/// them although it cannot.
fn packs_there(
    environment: &Environment,
    origin: &Remote,
    location: &Location,
    packs: &[Unpublished<'_>],
    context: &Context<'_>,
) -> Result<BTreeMap<String, CommitId>, Error> {
    let asked: Vec<String> = packs.iter().map(Unpublished::reference).chain([BRANCH.to_owned()]).collect();
    let credential = location.credential();
    let there = patiently(context.reporter, || remote::stand(&environment.cec(), origin, credential.as_ref(), &asked))
        .map_err(|error| remotes::explain(error, location))?;
    let here = environment.repository()?.objects()?;
    match there.get(BRANCH) {
        Some(tip) if here.commit(tip.as_str()).is_err() => Err(behind(origin)),
        _ => Ok(there),
    }
}

fn behind(origin: &Remote) -> Error {
    Error::refused(
        format!("`{}` has commits that you do not have", origin.name),
        "run `comfydock pull` first; nothing was sent",
    )
}

/// Judges what the remote does not have yet by the rules the hub has too (decision 49), before anything
/// is sent. Returns what was let through.
fn admit(
    environment: &Environment,
    head: &CommitId,
    references: &[String],
    noted: Option<&CommitId>,
    allow: &[Rule],
) -> Result<Vec<String>, Error> {
    let objects = environment.repository()?.objects()?;
    let text = |commit: &CommitId| commit.as_str().to_owned();
    let known: Vec<String> = noted.map(text).into_iter().collect();
    let mut violations = arrivals::judge(&objects, &[text(head)], &known)?;
    for reference in references {
        let Some(tip) = environment.repository()?.find_ref(reference)? else { continue };
        let found = arrivals::judge(&objects, &[text(&tip)], &known)?;
        violations.extend(found.into_iter().map(|found| in_pack(snapshot::pack_of(reference), found)));
    }
    let committed = crate::observe::head(environment)?;
    violations.extend(admission::judge_sources(&committed.manifest));
    if let Some(lock) = committed.files.get(foreign::PYTHON_LOCK) {
        violations.extend(admission::judge_lock(&committed.manifest_text, lock));
    }
    departure::let_through(violations, allow, "push", "what was committed may not be pushed; nothing was sent")
}

/// What was found in the source of a pack, as its author knows it: no commit of the environment brought it.
fn in_pack(pack: &str, found: Violation) -> Violation {
    let message = found.message.split(", since commit ").next().unwrap_or_default().to_owned();
    let hint = "take it out of the node pack, commit that in the pack's repository if it has one, then \
                `comfydock commit` and push again";
    Violation { path: format!("custom_nodes/{pack}/{}", found.path), message, hint: Some(hint.to_owned()), ..found }
}

/// Measures what the manifest lacks and commits that, and only that (decision 3).
fn record_hashes(
    workspace: &Workspace,
    environment: &Environment,
    draft: commit::Draft,
    uncommitted: &[String],
    context: &Context<'_>,
) -> Result<Manifest, Error> {
    if !uncommitted.is_empty() {
        return Err(Error::Refused {
            message: "models have no full hash yet, and there is work that is not committed".to_owned(),
            details: uncommitted.to_vec(),
            hint: Some("run `comfydock commit`, which measures them, then push again".to_owned()),
        });
    }
    let draft = commit::measure(workspace, environment, draft, context)?;
    if draft.is_empty() {
        // The files are not here: their models stay without a hash, which the receiver is told.
        return Ok(draft.head().manifest.clone());
    }
    let options = commit::Options {
        message: Some("Record model hashes".to_owned()),
        allow_issues: true,
        ..commit::Options::default()
    };
    commit::commit(workspace, environment, draft, &options, context)?;
    Ok(crate::observe::head(environment)?.manifest)
}
