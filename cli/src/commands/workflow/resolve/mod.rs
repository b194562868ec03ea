use std::process::ExitCode;

use comfydock_core::plan::resolve::Question;
use comfydock_core::resolve::ladder::Finding;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::ops::look_up::How;
use comfydock_workspace::ops::resolve::{self, Draft, Given, Outcome, Wishes};
use comfydock_workspace::workspace::Workspace;
use serde_json::json;

use crate::commands::{look_up, report};
use crate::error::Failure;
use crate::prompt;
use crate::session::Session;

mod flags;
mod screen;

/// Settle the models of a workflow that are missing or not clear
///
/// Asks about each; an answer is written into ComfyUI's file of the workflow, and kept. Every question
/// has a flag too. A model that is here under another name is written so that ComfyUI finds it.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// The workflow
    workflow: String,
    /// Use this model of this machine for a name, a skipped one too: a file name, a path, or the start of a hash (can be given again)
    #[arg(long = "use", value_name = "NAME=MODEL", value_parser = pair)]
    using: Vec<(String, String)>,
    /// The file that a name means; one outside the models folders is linked in (can be given again)
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    locate: Vec<(String, String)>,
    /// Take the download that is offered for a name, if its SHA-256 is known; `*` for all (can be given again)
    #[arg(long, value_name = "NAME")]
    download: Vec<String>,
    /// Leave a name and do not ask again until node or name change; `*` for all (can be given again)
    #[arg(long, value_name = "NAME")]
    skip: Vec<String>,
    /// Put a model in the place of another in every workflow of the environment, on record (can be given again)
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    substitute: Vec<(String, String)>,
    #[command(flatten)]
    arrival: report::Arrival,
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}

/// Asks about everything that is open in a workflow, as the command without flags does.
///
/// # Errors
/// As the command.
pub(crate) fn ask(session: &Session, workflow: &str) -> Result<(), Failure> {
    run(session, &Args { workflow: workflow.to_owned(), ..Args::default() }).map(|_| ())
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (mut workspace, environment) = session.environment()?;
    let context = session.context(&args.arrival.allow_host);
    let reopen = flags::named(args);
    let wishes = Wishes { substitute: &args.substitute, reopen: &reopen };
    let draft = resolve::draft(&workspace, &environment, &args.workflow, wishes, &context)?;
    let findings = findings(session, args, &mut workspace, &environment, &draft)?;
    let mut answers = flags::answers(&draft, &findings, args)?;
    if prompt::interactive(session) && !session.global.json {
        for (position, question) in draft.questions().iter().enumerate() {
            if answers.iter().all(|(answered, _)| *answered != position)
                && let Some(given) = screen::ask(question, &findings[position].offers)?
            {
                answers.push((position, given));
            }
        }
    }
    let offered = |(_, given): &(usize, Given)| match given {
        Given::Download(offer) => Some(offer.filename.clone()),
        _ => None,
    };
    let names: Vec<String> = answers.iter().filter_map(offered).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let context = report::settle(session, &args.arrival, context, &names)?;
    let (workflow, asked) = (draft.workflow().to_owned(), draft.questions().to_vec());
    let outcome = if answers.is_empty() && !draft.writes() {
        Outcome { open: draft.questions().to_vec(), ..Outcome::default() }
    } else {
        resolve::apply(&workspace, &environment, draft, &answers, &context)?
    };
    let found = |question: &Question| {
        let position = asked.iter().position(|other| other.uses == question.uses && other.value == question.value);
        position.and_then(|position| findings.get(position))
    };
    let document = json!({
        "workflow": workflow, "asked": asked.len(), "rewritten": outcome.rewritten,
        "renamed": outcome.renamed.iter().map(|name| json!({ "workflow": name.workflow, "from": name.from, "to": name.to })).collect::<Vec<_>>(),
        "brought": outcome.brought,
        "missing": outcome.missing.iter().map(|(name, why)| json!({ "value": name, "reason": why })).collect::<Vec<_>>(),
        "open": outcome.open.iter().map(|question| screen::describe(question, found(question))).collect::<Vec<_>>(),
    });
    session.print("workflow.resolve", document, || screen::told(&workflow, asked.len(), &outcome, found))?;
    if !outcome.rewritten.is_empty() {
        session.say("reload the workflow in ComfyUI if it is open there: an open tab saves what it has");
    }
    let incomplete = !outcome.open.is_empty() && !args.arrival.allow_issues;
    Ok(if incomplete { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What could be downloaded for each question; the outside is asked only with consent.
fn findings(
    session: &Session,
    args: &Args,
    workspace: &mut Workspace,
    environment: &Environment,
    draft: &Draft,
) -> Result<Vec<Finding>, Failure> {
    let open = draft.questions().len();
    if open == 0 {
        return Ok(Vec::new());
    }
    let outside = args.arrival.look_up.outside(session, workspace, open)?;
    let how = How { outside, refresh: args.arrival.look_up.refresh, ..How::default() };
    let outcome =
        resolve::offers::find(workspace, environment, draft, how, &session.context(&args.arrival.allow_host))?;
    look_up::notes(session, &outcome);
    Ok(outcome.findings)
}
