use std::collections::BTreeMap;
use std::process::ExitCode;

use comfydock_core::digest::Sha256;
use comfydock_workspace::Error;
use comfydock_workspace::ops::fetch_models::Fate;
use comfydock_workspace::ops::models::new_file::{self, Options};
use comfydock_workspace::ops::models::{self, Outcome};
use serde_json::json;

use crate::commands::{look_up, report};
use crate::error::Failure;
use crate::printer::{GREEN, RED, paint};
use crate::session::Session;
use crate::words::bytes;

/// Download models that the environment's workflows need, or one from anywhere
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file name of the environment's models, the start of a hash, or a URL
    #[arg(required_unless_present = "missing", conflicts_with = "missing")]
    model: Option<String>,
    /// Everything that is missing
    #[arg(long)]
    missing: bool,
    /// The category of a file that no workflow names yet, as `loras`
    #[arg(long, conflicts_with = "missing")]
    category: Option<String>,
    /// What to call a file that no workflow names yet [default: as its URL does]
    #[arg(long, value_name = "NAME", conflicts_with = "missing")]
    filename: Option<String>,
    /// What a file that no workflow names yet must hash to
    #[arg(long, value_name = "HEX", conflicts_with = "missing")]
    sha256: Option<String>,
    #[command(flatten)]
    arrival: report::Arrival,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut context = session.context(&args.arrival.allow_host);
    let mut workspace = session.workspace()?;
    let environment = match (&args.model, workspace.environment(session.global.env.as_ref())) {
        (_, Ok(environment)) => Some(environment),
        // A file from anywhere needs no environment, unless one was named.
        (Some(_), Err(_)) if session.global.env.is_none() => None,
        (_, Err(error)) => return Err(error.into()),
    };
    let mut draft = match (&args.model, &environment) {
        (None, Some(environment)) => models::draft_missing(&workspace, environment, &context)?,
        (word, environment) => {
            let sha256 = args.sha256.as_deref().map(Sha256::parse).transpose();
            let sha256 = sha256.map_err(|error| Error::refused(error.to_string(), "give all 64 digits"))?;
            let options = Options { category: args.category.clone(), filename: args.filename.clone(), sha256 };
            let word = word.as_deref().unwrap_or_default();
            models::draft_word(&workspace, environment.as_ref(), word, &options, &context)?
        }
    };
    let looked = &args.arrival.look_up;
    match draft.models_mut() {
        Some(steps) => look_up::complete(session, looked, &mut workspace, steps, &mut context)?,
        None => look_up::seek(session, looked, &mut workspace, &mut draft, &mut context)?,
    }
    let context = report::settle(session, &args.arrival, context, &draft.names())?;
    match models::apply(&workspace, environment.as_ref(), draft, &context)? {
        Outcome::Models(reports) => {
            let name = environment.as_ref().map(comfydock_workspace::environment::Environment::name);
            let document = json!({ "environment": name, "complete": report::is_complete(&reports), "models": report::document(&reports) });
            session.print("models.download", document, || report::outcome(&reports, &BTreeMap::new()))?;
            Ok(report::ending(session, &reports, args.arrival.allow_issues))
        }
        Outcome::New(outcome) => new(session, &outcome),
    }
}

fn new(session: &Session, outcome: &new_file::Outcome) -> Result<ExitCode, Failure> {
    let (step, arrived) = (&outcome.report.step, outcome.report.arrived.as_ref());
    let reason = outcome.arrived().err();
    let sha256 = arrived.map(|arrived| &arrived.digests.sha256).or(step.sha256.as_ref().filter(|_| reason.is_none()));
    let size = arrived.map(|arrived| arrived.digests.size).or((step.size > 0).then_some(step.size));
    let state = match (&outcome.report.fate, arrived) {
        (Fate::Missing(_) | Fate::LeftOut | Fate::Substituted(_), _) => "missing",
        (Fate::Linked(_), _) => "linked",
        (Fate::Downloaded, Some(arrived)) if arrived.source.is_some() => "downloaded",
        (Fate::Downloaded | Fate::Here, _) => "here",
    };
    let model = json!({
        "filename": step.filename, "name": step.name, "category": step.category, "sha256": sha256, "size": size,
        "workflows": [], "state": state, "reason": reason, "path": outcome.path,
    });
    session.print(
        "models.download",
        json!({ "environment": null, "complete": reason.is_none(), "models": [model] }),
        || match (reason, sha256) {
            (Some(reason), _) => vec![format!("{} {}: {reason}", paint(RED, state), step.filename)],
            (None, sha256) => {
                let size = size.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
                let mut lines = vec![format!("{} {}{size}", paint(GREEN, state), outcome.path.display())];
                lines.extend(sha256.map(|sha256| format!("  SHA-256 {sha256}")));
                lines
            }
        },
    )?;
    if state == "downloaded" && !outcome.pinned {
        session.say("nobody had said its SHA-256 before: compare it with what its author says, if you can");
    }
    Ok(if reason.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
