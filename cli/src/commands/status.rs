use std::process::ExitCode;

use comfydock_core::plan::commit::Change;
use comfydock_workspace::ops::commit::{describe, describe_misnamed};
use comfydock_workspace::ops::status::{self, Status};
use serde_json::json;

use super::install_scripts;
use crate::error::Failure;
use crate::printer::{BOLD, GREEN, RED, YELLOW, paint};
use crate::session::Session;
use crate::words::{count, list};

/// Show what changed since the last commit, and what is missing or open
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Exit with 1 when anything is open or missing
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let status = status::status(&workspace, &environment, &session.context(&[]))?;
    let document = json!({
        "environment": environment.name(), "version": status.version, "clean": status.is_clean(), "settled": status.is_settled(),
        "comfyui_version": status.facts.comfyui_version,
        "workflows": status.changes.iter().map(|(name, change)| json!({ "name": name, "change": change.word() })).collect::<Vec<_>>(),
        "other_changes": status.others,
        "untracked_nodes": status.adoptable.iter().map(|(name, commit)| json!({ "name": name, "commit": commit })).collect::<Vec<_>>(),
        "modified_nodes": status.modified_packs.iter().map(|(name, files)| json!({ "name": name, "files": files })).collect::<Vec<_>>(),
        "duplicate_nodes": status.duplicate_packs.iter().map(|one| json!({ "name": one.name, "of": one.of })).collect::<Vec<_>>(), "linked_folders": status.linked_folders,
        "unknown_folders": status.unknown_folders, "loose_files": status.loose_files, "strange_nodes": status.strange_packs, "missing_nodes": status.missing_packs, "install_scripts": status.open_scripts.iter().map(|open| &open.pack).collect::<Vec<_>>(), "comfyui_moved": status.comfyui_moved,
        "unresolved": status.open.iter().map(|open| json!({ "workflow": open.workflow, "value": open.value, "node": open.node, "candidates": open.candidates })).collect::<Vec<_>>(),
        "more_sources": status.more_sources, "unlocked": super::report::unlocked(&status.unlocked),
        "misnamed": status.misnamed.iter().map(|known| json!({ "workflow": known.workflow, "value": known.value, "node": known.node, "name": known.name })).collect::<Vec<_>>(),
        "missing_models": status.missing_models.iter().map(|(name, workflows)| json!({ "filename": name, "workflows": workflows })).collect::<Vec<_>>(),
        "ahead": status.ahead_behind.map(|(ahead, _)| ahead), "behind": status.ahead_behind.map(|(_, behind)| behind),
    });
    session.print("status", document, || lines(environment.name().as_str(), &status))?;
    Ok(super::complete(status.is_settled(), !args.check))
}

fn lines(name: &str, status: &Status) -> Vec<String> {
    let mut lines = vec![format!(
        "{} v{}, ComfyUI {}{}",
        paint(BOLD, name),
        status.version,
        status.facts.comfyui_version,
        remote(status)
    )];
    for (workflow, change) in &status.changes {
        let (colour, word) = match change {
            Change::New => (GREEN, "new"),
            Change::Changed => (YELLOW, "changed"),
            Change::Removed => (RED, "removed"),
            Change::Replaced => (YELLOW, "other model files in"),
            Change::Models => (YELLOW, "models known better in"),
        };
        lines.push(format!("  {} workflow {workflow}", paint(colour, word)));
    }
    lines.extend(status.others.iter().map(|change| other(change)));
    for (pack, commit) in &status.adoptable {
        lines.push(if status.moved_packs.contains(pack) {
            format!(
                "  {} node pack {pack} is at {commit} now; the next commit records it, `comfydock repair --force` puts it back",
                paint(YELLOW, "moved")
            )
        } else {
            format!("  {} node pack {pack} at {commit}, taken over by the next commit", paint(GREEN, "new"))
        });
    }
    for (pack, files) in &status.modified_packs {
        lines.push(format!(
            "  {} node pack {pack}: {}; commit and push that in its own repository",
            paint(YELLOW, "changed"),
            list(files)
        ));
    }
    for folder in &status.strange_packs {
        lines.push(format!(
            "  {} custom_nodes/{folder} is not what the manifest records for a pack of that name; `comfydock node add {folder} --dev` \
             takes it as it is, `comfydock repair` knows a release that is as it came, `comfydock repair --force` puts the recorded one back and keeps this in the environment's trash",
            paint(YELLOW, "strange")
        ));
    }
    lines.extend(status.duplicate_packs.iter().map(|duplicate| format!("  {} {duplicate}", paint(RED, "twice"))));
    for folder in &status.linked_folders {
        lines.push(format!(
            "  {} custom_nodes/{folder}, a link to a clone elsewhere; `comfydock node add {folder} --dev` tracks it, else it stays on this machine",
            paint(YELLOW, "untracked")
        ));
    }
    for folder in &status.unknown_folders {
        lines.push(format!(
            "  {} custom_nodes/{folder}; `comfydock node add {folder} --dev` tracks it, else it stays on this machine",
            paint(YELLOW, "untracked")
        ));
    }
    for file in &status.loose_files {
        lines
            .push(format!("  {} custom_nodes/{file}; a single file stays on this machine", paint(YELLOW, "untracked")));
    }
    for pack in &status.missing_packs {
        let remedy = if status.unobtainable_packs.contains(pack) {
            format!(
                "it was worked on, and nothing says how to have it; put its folder back, or `comfydock node remove {pack}`"
            )
        } else {
            "`comfydock repair` brings it back".to_owned()
        };
        lines.push(format!("  {} node pack {pack}; {remedy}", paint(RED, "missing")));
    }
    lines.extend(
        status
            .open_scripts
            .iter()
            .map(|open| format!("  {} {}", paint(YELLOW, "not run"), install_scripts::sentence(open))),
    );
    if let Some(commit) = &status.comfyui_moved {
        lines.push(format!("  {} ComfyUI stands at {commit}; `comfydock repair` puts it back", paint(RED, "moved")));
    }
    lines.extend(status.open.iter().map(|open| format!("  {} {}", paint(RED, "unresolved"), describe(open))));
    for known in &status.misnamed {
        lines.push(format!(
            "  {} {}: {}; `comfydock workflow resolve {}`",
            paint(RED, "misnamed"),
            known.workflow,
            describe_misnamed(known),
            known.workflow
        ));
    }
    for (model, workflows) in &status.missing_models {
        lines.push(format!(
            "  {} {model}, needed by {}; `comfydock models download --missing`",
            paint(RED, "missing"),
            list(workflows)
        ));
    }
    lines.extend(super::report::behind(&status.unlocked));
    if !status.more_sources.is_empty() {
        lines.push(format!(
            "  {} sources of {}; the next commit records them",
            paint(YELLOW, "more"),
            list(&status.more_sources)
        ));
    }
    if lines.len() == 1 {
        lines.push("  nothing to commit".to_owned());
    }
    lines
}

/// A change as a commit message tells it, as something that is so now.
fn other(change: &str) -> String {
    let (colour, word, what) = match change.split_once(' ') {
        Some(("Add", what)) => (GREEN, "new", what),
        Some(("Remove", what)) => (RED, "removed", what),
        Some(("Change", what)) => (YELLOW, "changed", what),
        _ => (YELLOW, "changed", change),
    };
    format!("  {} {what}", paint(colour, word))
}

fn remote(status: &Status) -> String {
    match status.ahead_behind {
        None => String::new(),
        Some((0, 0)) => ", up to date with origin".to_owned(),
        Some((ahead, 0)) => format!(", {} to push", count(ahead, "commit")),
        Some((0, behind)) => format!(", {} to pull", count(behind, "commit")),
        Some((ahead, behind)) => format!(", diverged from origin: {ahead} here, {behind} there"),
    }
}
