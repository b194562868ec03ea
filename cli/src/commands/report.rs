//! What `clone`, `pull` and `models download` show before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::plan::models::{Action, ModelStep};
use comfydock_core::plan::reach::{NodeStep, Plan, WorkflowStep};
use comfydock_workspace::environment::Environment;
use comfydock_workspace::models::download::is_pickle_name;
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::fetch_models::{Fate, Report, downloads, missing};
use comfydock_workspace::ops::install_scripts::Run;
use comfydock_workspace::ops::platform::Added;
use comfydock_workspace::ops::reach::{MissingNode, Route};
use comfydock_workspace::ops::relock::Unlocked;
use serde_json::{Value, json};

use super::{install_scripts, look_up};
use crate::error::Failure;
use crate::printer::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count, list};

/// Flags of the commands that bring models.
#[derive(clap::Args, Default)]
pub(crate) struct Arrival {
    /// Exit with 0 although models are missing
    #[arg(long)]
    pub(crate) allow_issues: bool,
    /// A host models may be downloaded from although it is not public or not https (can be given again)
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) allow_host: Vec<String>,
    /// Take models that are pickles (.ckpt, .pt, .pth, .bin), which can run code when they are loaded
    #[arg(long)]
    pub(crate) allow_pickle: bool,
    /// Take models whose SHA-256 nobody recorded, if their size and samples are right
    #[arg(long)]
    pub(crate) allow_unverified: bool,
    #[command(flatten)]
    pub(crate) look_up: look_up::Args,
}

/// What the engine may do with these flags, and what the person at the terminal says to pickles.
pub(crate) fn settle<'a>(
    session: &Session,
    arrival: &Arrival,
    mut context: Context<'a>,
    names: &[&str],
) -> Result<Context<'a>, Failure> {
    context.network.allow_unverified = arrival.allow_unverified;
    context.network.allow_pickle = trusts(session, arrival, names)?;
    Ok(context)
}

/// Whether pickles are taken: a flag says so, or the person at the terminal, if there are any among these.
pub(crate) fn trusts(session: &Session, arrival: &Arrival, names: &[&str]) -> Result<bool, Failure> {
    let pickles: Vec<&str> = names.iter().copied().filter(|name| is_pickle_name(name)).collect();
    if arrival.allow_pickle || pickles.is_empty() || !prompt::interactive(session) {
        return Ok(arrival.allow_pickle);
    }
    session.say("models of a kind that can run code when it is loaded:");
    pickles.iter().for_each(|name| session.say(&format!("  {name}")));
    prompt::consent("Do you trust whoever made them?")
}

/// The names of the models that are downloaded, of those that are not left out.
pub(crate) fn names<'a>(models: &'a [ModelStep], without: &BTreeSet<String>) -> Vec<&'a str> {
    downloads(models).filter(|step| !without.contains(&step.key)).map(|step| step.name.as_str()).collect()
}

/// The plan, a line for each thing that will happen.
pub(crate) fn plan(session: &Session, route: &Route) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(step) = &route.plan.comfyui {
        lines.push(format!("  ComfyUI {} ({})", step.version, step.commit.short(12)));
    }
    lines.extend(packs(&route.plan));
    if route.plan.python {
        lines.push("  Python packages from the lock".to_owned());
    }
    for (name, step) in &route.plan.workflows {
        lines.push(match step {
            WorkflowStep::Write => format!("  workflow {name}"),
            WorkflowStep::Keep => format!("  workflow {name} keeps your change"),
            WorkflowStep::Remove => format!("  workflow {name} is removed (the file goes to the environment's trash)"),
        });
    }
    lines.extend(models(route));
    if session.global.verbose > 0 {
        lines.extend(asked(&route.models));
    }
    for folder in &route.plan.untracked_folders {
        lines.push(format!("  custom_nodes/{folder} is not tracked and stays as it is"));
    }
    lines.extend(origins(&route.plan));
    lines
}

/// Where models will be asked for, a line each.
pub(crate) fn asked(models: &[ModelStep]) -> Vec<String> {
    let asked = downloads(models).flat_map(|step| step.sources.iter().map(move |source| (&step.name, source)));
    asked.map(|(name, source)| format!("    {name} from {source}")).collect()
}

/// The places of code that are new to this machine.
pub(crate) fn origins(plan: &Plan) -> Vec<String> {
    if plan.new_origins.is_empty() {
        return Vec::new();
    }
    let places = plan.new_origins.iter().map(|origin| format!("  {}", comfydock_workspace::shown_url(origin)));
    std::iter::once("code will come from places new to this machine:".to_owned()).chain(places).collect()
}

/// A platform that is added, and what it moved.
pub(crate) fn platform(added: Option<&Added>) -> Vec<String> {
    let Some(added) = added else { return Vec::new() };
    let mut lines = vec![format!("  platform {} is added, and the packages are locked for it too", added.platform)];
    if added.moved.is_empty() {
        lines.push("    every package that was locked stays at its version".to_owned());
    }
    lines.extend(added.moved.iter().map(|moved| format!("    {} {moved}", paint(YELLOW, "package moved:"))));
    lines
}

/// What is said of an added platform when it is done.
pub(crate) fn say_added(session: &Session, added: Option<&Added>) {
    if let Some(added) = added {
        session.say(&format!("platform {} is a change that is not committed yet: `comfydock commit`", added.platform));
    }
}

/// What happens to node packs, a line each.
pub(crate) fn packs(plan: &Plan) -> Vec<String> {
    let line = |step: &NodeStep| match step {
        NodeStep::Add(node) => format!("  node pack {} at {}", node.name, node.stands_at()),
        NodeStep::Replace(node) => format!("  node pack {} moves to {}", node.name, node.stands_at()),
        NodeStep::Remove(name) => {
            format!("  node pack {name} is removed (files of your own in it go to the environment's trash)")
        }
        NodeStep::Disable(name) => format!("  node pack {name} is set aside as {name}.disabled"),
        NodeStep::Enable(name) => format!("  node pack {name} is brought back from {name}.disabled"),
    };
    let missing = |name: &String| {
        format!(
            "  {} node pack {name}: it was worked on elsewhere and nothing says how to have it",
            paint(RED, "missing")
        )
    };
    plan.nodes.iter().map(line).chain(plan.unobtainable.iter().map(missing)).collect()
}

/// Where files of the user's went that were in the way, a line each.
pub(crate) fn kept(paths: &[PathBuf]) -> impl Iterator<Item = String> {
    paths.iter().map(|path| format!("  what was in the way is kept in {}", path.display()))
}

/// What a command brought beside its own words: models, node packs, what install scripts did.
pub(crate) struct Came<'a> {
    /// The models.
    pub(crate) models: &'a [Report],
    /// Node packs that could not be had.
    pub(crate) missing_nodes: &'a [MissingNode],
    /// Install scripts that ran.
    pub(crate) runs: &'a [Run],
}

impl Came<'_> {
    /// It, a line each; with what is unresolved in workflows.
    pub(crate) fn lines(&self, unresolved: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        [without(self.missing_nodes), install_scripts::lines(self.runs), outcome(self.models, unresolved)].concat()
    }

    /// The exit code, and what helps where something is missing.
    pub(crate) fn ending(&self, session: &Session, environment: &Environment, allow_issues: bool) -> ExitCode {
        let code = ending(session, self.models, allow_issues);
        let code = if self.missing_nodes.is_empty() { code } else { super::complete(false, allow_issues) };
        if install_scripts::ending(session, environment, self.runs, &[]) { code } else { ExitCode::FAILURE }
    }
}

/// Node packs that could not be had, a line each.
pub(crate) fn without(missing: &[MissingNode]) -> Vec<String> {
    let line = |node: &MissingNode| {
        format!("  {} node pack {}: {}; `comfydock repair` tries again", paint(RED, "missing"), node.name, node.reason)
    };
    missing.iter().map(line).collect()
}

/// The same as JSON.
pub(crate) fn missing_nodes(missing: &[MissingNode]) -> Value {
    missing.iter().map(|node| json!({ "name": node.name, "reason": node.reason })).collect()
}

/// What a lock lacks of what the manifest asks for, a line each.
pub(crate) fn behind(unlocked: &[Unlocked]) -> Vec<String> {
    let line = |unlocked: &Unlocked| {
        let because = unlocked.because().map(|because| format!(" ({because})")).unwrap_or_default();
        format!("  {} uv.lock: {}{because}; `comfydock repair` tries to lock it", paint(RED, "behind"), unlocked.text)
    };
    unlocked.iter().map(line).collect()
}

/// The same as JSON.
pub(crate) fn unlocked(unlocked: &[Unlocked]) -> Value {
    unlocked.iter().map(|one| json!({ "node": one.pack, "group": one.group, "text": one.text })).collect()
}

fn models(route: &Route) -> Vec<String> {
    let mut lines = Vec::new();
    let here = route.models.iter().filter(|step| step.action == Action::Here).count();
    if here > 0 {
        lines.push(format!("  {} here already", count(here, "model")));
    }
    for step in &route.models {
        if matches!(step.action, Action::Link { .. }) {
            lines.push(format!("  model {} is on this machine and is linked to {}", step.name, step.relative_path));
        }
    }
    let total = route.download_bytes();
    if total > 0 {
        lines.push(format!("  {} to download, {}", count(downloads(&route.models).count(), "model"), bytes(total)));
    }
    for step in missing(&route.models).filter(|step| step.action != Action::Download) {
        let why = if step.action == Action::NoSource {
            "nobody says where it can be had"
        } else {
            "its SHA-256 is not known"
        };
        lines.push(format!(
            "  {} model {}, needed by {}: {why}",
            paint(RED, "missing"),
            step.name,
            list(&step.workflows)
        ));
    }
    lines
}

/// Whether every model came.
pub(crate) fn is_complete(reports: &[Report]) -> bool {
    reports.iter().all(|report| !matches!(report.fate, Fate::Missing(_)))
}

/// The models and what came of them, as JSON.
pub(crate) fn document(reports: &[Report]) -> Value {
    reports
        .iter()
        .map(|report| {
            let (fate, reason) = match &report.fate {
                Fate::Here => ("here", None),
                Fate::Linked(_) => ("linked", None),
                Fate::Downloaded => ("downloaded", None),
                Fate::Missing(reason) => ("missing", Some(reason)),
                Fate::LeftOut => ("left_out", None),
                Fate::Substituted(with) => ("substituted", Some(with)),
            };
            json!({
                "filename": report.step.filename, "name": report.step.name, "category": report.step.category, "sha256": report.step.sha256,
                "size": report.step.size, "workflows": report.step.workflows, "state": fate, "reason": reason,
            })
        })
        .collect()
}

/// What came of the models, a line each; of those that were here there is nothing to say.
pub(crate) fn fates(reports: &[Report]) -> Vec<String> {
    let mut lines = Vec::new();
    for report in reports {
        let name = &report.step.name;
        match &report.fate {
            Fate::Here => {}
            Fate::LeftOut => lines.push(format!("  {} model {name}", paint(DIM, "left out"))),
            Fate::Substituted(with) => {
                lines.push(format!("  {} model {name}: {with} stands in for it", paint(GREEN, "substituted")));
            }
            Fate::Linked(_) => lines.push(format!("  {} model {name}", paint(GREEN, "linked"))),
            Fate::Downloaded => lines.push(format!(
                "  {} model {name} ({}, verified)",
                paint(GREEN, "downloaded"),
                bytes(report.step.size)
            )),
            Fate::Missing(reason) => lines.push(format!(
                "  {} model {name}, needed by {}: {reason}",
                paint(RED, "missing"),
                list(&report.step.workflows)
            )),
        }
    }
    lines
}

/// What came of the models, then each workflow: ready, or what it lacks.
pub(crate) fn outcome(reports: &[Report], unresolved: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut lines = fates(reports);
    let mut lacks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for report in reports {
        for workflow in &report.step.workflows {
            let entry = lacks.entry(workflow).or_default();
            if matches!(report.fate, Fate::Missing(_) | Fate::LeftOut) {
                entry.push(&report.step.name);
            }
        }
    }
    for (workflow, models) in unresolved {
        lacks.entry(workflow).or_default().extend(models.iter().map(String::as_str));
    }
    for (workflow, models) in &lacks {
        lines.push(if models.is_empty() {
            format!("  {} workflow {workflow}", paint(GREEN, "ready"))
        } else {
            format!("  {} workflow {workflow} lacks {}", paint(YELLOW, "not ready"), list(models))
        });
    }
    lines
}

/// How a report ends: with what mends what is missing.
pub(crate) fn ending(session: &Session, reports: &[Report], allow_issues: bool) -> ExitCode {
    let complete = is_complete(reports);
    if !complete {
        session.say(&format!(
            "{} incomplete: `comfydock models download --missing` goes on; `comfydock models source add NAME URL` says where a model can be had",
            paint(BOLD, "note:")
        ));
    }
    super::complete(complete, allow_issues)
}
