//! `comfydock comfyui update`: another version of ComfyUI, with the packages it asks for.

use std::collections::BTreeMap;

use comfydock_core::manifest::EnvironmentFacts;
use comfydock_core::plan::reach::{Terms, Unchanged};
use comfydock_core::requirements::{self, Requirements};
use comfydock_git::checkout::{self, Mirror};

use super::Context;
use super::change::{self, Standing};
use super::create::days_after;
use super::reach::commit_of;
use super::relock;
use super::requirements::say;
use crate::Error;
use crate::environment::Environment;
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The facts before.
    pub before: EnvironmentFacts,
    /// The facts now.
    pub now: EnvironmentFacts,
    /// Where files of the user's went that were in the way.
    pub kept: Vec<std::path::PathBuf>,
}

/// Moves ComfyUI to a tag, branch or commit, or to the newest release. Requirements that the user added
/// to `[project] dependencies` stay; the date up to which packages are considered moves along.
///
/// # Errors
/// When there is no such version, ComfyUI has changed files, or the packages cannot be had; nothing has
/// changed then.
pub fn update(
    workspace: &Workspace,
    environment: &Environment,
    reference: Option<&str>,
    force: bool,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let standing = Standing::of(environment)?;
    // Said before anything is fetched; the plan says it again where it matters.
    drop(environment.keep_from_running("ComfyUI")?);
    let before = standing.manifest.environment.clone();
    let url = &before.comfyui_url;
    let (mirror, resolved) = commit_of(workspace, url, (reference, true), "ComfyUI", context)?;
    let now =
        EnvironmentFacts { comfyui_version: resolved.requested, comfyui_commit: resolved.commit, ..before.clone() };
    let mut document = standing.document.clone();
    document.set_environment(&now);
    let asked = asked(&mirror, &now.comfyui_commit)?;
    say("ComfyUI", &asked, context.reporter);
    // What the old version asked for goes; what the user added to it stays.
    let old = self::asked(&mirror, &before.comfyui_commit).unwrap_or_default();
    let own =
        document.dependencies().into_iter().filter(|line| !old.lines.contains(line) && !asked.lines.contains(line));
    let lines: Vec<String> = asked.lines.iter().cloned().chain(own).collect();
    document.set_dependencies(&lines);
    if document.has_date() {
        document.set_exclude_newer(&days_after(checkout::commit_seconds(mirror.folder(), &now.comfyui_commit)?, 3));
    }
    let transaction = Transaction::begin(&environment.home())?;
    let mut files = standing.files.clone();
    let how = relock::Options { test: true, hold_torch: false };
    let project = transaction.stage().join("resolution");
    relock::lock(workspace, environment, &mut document, &mut files, &project, how, context)
        .map_err(relock::without_no_test)?;
    let target = standing.with(&document, files)?;
    let terms = Terms { force_comfyui: force, unchanged: Unchanged::Leave, ..Terms::default() };
    let draft = change::draft(workspace, environment, standing, target, Vec::new(), &terms, &[], context)?;
    let outcome = change::apply(workspace, environment, draft, transaction, BTreeMap::new(), context)?;
    Ok(Outcome { before, now, kept: outcome.kept })
}

/// What a version of ComfyUI asks for, read from the mirror.
fn asked(mirror: &Mirror, commit: &comfydock_core::digest::CommitId) -> Result<Requirements, Error> {
    let read = |path: &str| checkout::find_file(mirror.folder(), commit, path).ok().flatten();
    mirror.ensure(commit)?;
    Ok(requirements::of_pack(&read))
}
