//! `--from` of `create` and `init`: taking over an installation.

use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::adoption::Left;
use comfydock_core::manifest::NodeSource;
use comfydock_workspace::ops::adopt_install::{self, Given, Options, Outcome, Taken};
use comfydock_workspace::workspace::Workspace;
use serde_json::{Value, json};

use super::report;
use crate::error::Failure;
use crate::printer::{BOLD, GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::count;

/// Flags that say what is taken over.
#[derive(clap::Args)]
pub(crate) struct From {
    /// Take over what is there: a ComfyUI folder, a snapshot of ComfyUI-Manager, a .cpack.zip, or an environment of comfygit; it is not changed
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) from: Option<PathBuf>,
    /// The Python it was run with, if it lies elsewhere: an interpreter or the folder of its environment
    #[arg(long, value_name = "PATH", requires = "from")]
    pub(crate) from_python: Option<PathBuf>,
    /// Accept places of code that are new to this machine
    #[arg(long, requires = "from")]
    pub(crate) accept_origins: bool,
    /// Exit with 0 although node packs or models are missing
    #[arg(long, requires = "from")]
    pub(crate) allow_issues: bool,
    /// A host models may be downloaded from although it is not public or not https (can be given again)
    #[arg(long, value_name = "HOST[:PORT]", requires = "from")]
    pub(crate) allow_host: Vec<String>,
    /// Take models that are pickles (.ckpt, .pt, .pth, .bin), which can run code when they are loaded
    #[arg(long, requires = "from")]
    pub(crate) allow_pickle: bool,
}

impl From {
    /// Looks at what was named; none when nothing was.
    pub(crate) fn open(&self) -> Result<Option<Given>, Failure> {
        let Some(from) = &self.from else { return Ok(None) };
        Ok(Some(adopt_install::open(from, self.from_python.as_deref())?))
    }

    /// Takes over what was found.
    pub(crate) fn take(
        &self,
        session: &Session,
        workspace: &mut Workspace,
        given: Given,
        options: &Options,
    ) -> Result<Outcome, Failure> {
        let draft = adopt_install::draft(workspace, given, options)?;
        session.say(&format!("found in {}:", draft.given().from.display()));
        found(draft.given()).iter().for_each(|line| session.say(&format!("  {line}")));
        if !draft.new_origins().is_empty() {
            session.say("new to this machine, and code comes from there:");
            draft.new_origins().iter().for_each(|origin| session.say(&format!("  {origin}")));
            let flag = "--accept-origins or --yes";
            if !self.accept_origins && !prompt::confirm(session, "Take code from there?", flag)? {
                return Err(Failure::Cancelled);
            }
        }
        let mut context = session.context(&self.allow_host);
        context.network.allow_pickle = self.allow_pickle;
        Ok(adopt_install::apply(workspace, draft, options, &context)?)
    }

    /// How a take-over ends.
    pub(crate) fn ending(&self, session: &Session, outcome: &Outcome) -> ExitCode {
        let packs = outcome.packs.iter().all(|pack| pack.is_here);
        let code = report::ending(session, &outcome.models, self.allow_issues);
        if packs || self.allow_issues { code } else { ExitCode::from(1) }
    }
}

/// What was found, a line for each kind.
fn found(given: &Given) -> Vec<String> {
    let found = &given.found;
    let comfyui = match (&found.comfyui.version, &found.comfyui.commit) {
        (Some(version), Some(commit)) => format!("ComfyUI {version} ({})", commit.short(12)),
        (Some(version), None) => format!("ComfyUI {version}"),
        (None, Some(commit)) => format!("ComfyUI at {}", commit.short(12)),
        (None, None) => "ComfyUI of no known version".to_owned(),
    };
    let python = found.python.as_ref().map(|python| format!(", Python {python}")).unwrap_or_default();
    let packages = count(found.packages.len(), "Python package");
    let packs = found.packs.len() + found.files.len();
    vec![
        format!("{comfyui}{python}, {packages}"),
        format!("{}, {}", count(packs, "node pack"), count(given.workflow_count(), "workflow")),
    ]
}

/// What came of it, as JSON.
pub(crate) fn document(given_from: &std::path::Path, opinion: &[Left], outcome: &Outcome) -> Value {
    let packs: Vec<Value> = outcome
        .packs
        .iter()
        .map(|pack| {
            json!({
                "name": pack.node.name, "source": pack.node.source, "at": pack.node.stands_at(), "here": pack.is_here,
                "reason": pack.reason, "kept": pack.kept,
            })
        })
        .collect();
    json!({
        "from": given_from, "packs": packs, "workflows": outcome.workflows, "model_places": outcome.model_places,
        "models": report::document(&outcome.models), "packages_held": outcome.held, "left": lines_of(&outcome.left),
        "snapshot_differs": lines_of(opinion),
    })
}

fn lines_of(left: &[Left]) -> Vec<Value> {
    left.iter().map(|left| json!({ "what": left.what, "reason": left.reason })).collect()
}

/// What came of it, for people.
pub(crate) fn lines(options: &Options, opinion: &[Left], outcome: &Outcome) -> Vec<String> {
    let active = if outcome.active { ", now active" } else { "" };
    let facts = &outcome.facts;
    let held = match outcome.held {
        0 => String::new(),
        held => format!(" (held to {} installed versions)", held),
    };
    let mut lines = vec![format!(
        "{} environment {} (v1): ComfyUI {}, Python {}, {}{held}{active}",
        paint(GREEN, "made"),
        options.name,
        facts.comfyui_version,
        facts.python_version,
        count(outcome.packages, "Python package"),
    )];
    lines.extend(outcome.packs.iter().map(pack));
    lines.push(format!("  {} copied", count(outcome.workflows, "workflow")));
    lines.extend(outcome.model_places.iter().map(|place| {
        let which = if place.is_file() { "models that are named by" } else { "models in" };
        format!("  {which} {} stay where they are", place.display())
    }));
    lines.extend(report::outcome(&outcome.models, &std::collections::BTreeMap::new()));
    section(&mut lines, "not taken over, or not quite the same:", &outcome.left);
    section(&mut lines, "the newest snapshot of ComfyUI-Manager says otherwise (the disk was believed):", opinion);
    lines
}

fn section(lines: &mut Vec<String>, title: &str, left: &[Left]) {
    if !left.is_empty() {
        lines.push(paint(BOLD, title));
        lines.extend(left.iter().map(|left| format!("  {}: {}", left.what, left.reason)));
    }
}

fn pack(pack: &Taken) -> String {
    let name = &pack.node.name;
    let how = match (pack.node.source, &pack.reason) {
        _ if !pack.is_here => paint(YELLOW, "missing"),
        (NodeSource::Git, _) => format!("git, {}", pack.node.stands_at()),
        (NodeSource::Registry, _) => format!("registry, {}", pack.node.stands_at()),
        (NodeSource::Development, Some(reason)) => format!("copied, to be worked on here: {reason}"),
        (NodeSource::Development, None) => "copied, to be worked on here".to_owned(),
    };
    let kept = if pack.kept.is_empty() { String::new() } else { format!(" with {}", pack.kept.join(", ")) };
    format!("  node pack {name} ({how}){kept}")
}
