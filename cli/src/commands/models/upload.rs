use std::process::ExitCode;

use comfydock_workspace::ops::models::{self, Shipment, Which};
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count};

/// Send models that no site has to the environment's hub, for all who may read the environment
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File names, or starts of hashes, of models that the last commit names
    #[arg(required_unless_present = "missing_sources", conflicts_with = "missing_sources")]
    models: Vec<String>,
    /// All that nobody says a source of
    #[arg(long)]
    missing_sources: bool,
}

/// Nobody named them one by one, and a checkpoint that a site has after all would go along.
fn ask(session: &Session, shipment: &Shipment) -> Result<(), Failure> {
    let (number, total) = shipment.models().fold((0, 0), |(count, total), (_, size)| (count + 1, total + size));
    if number == 0 {
        return Ok(());
    }
    for (name, size) in shipment.models() {
        session.say(&format!("  {name} ({})", bytes(size)));
    }
    session.say("`comfydock models source find` asks CivitAI and Hugging Face first whether they have them");
    let question = format!("Send {} with {} to the hub?", count(number, "model"), bytes(total));
    if prompt::confirm(session, &question, "--yes, or the names of those to send")? {
        Ok(())
    } else {
        Err(Failure::Cancelled)
    }
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let which = if args.missing_sources { Which::WithoutSource } else { Which::Named(args.models.clone()) };
    let context = session.context(&[]);
    let shipment = models::upload(&workspace, &environment, &which, &context)?;
    if args.missing_sources {
        ask(session, &shipment)?;
    }
    let uploaded = shipment.send(&workspace, &context)?;
    let listed: Vec<_> = uploaded
        .iter()
        .map(|model| {
            json!({
                "filename": model.filename, "sha256": model.sha256, "size": model.size, "sent": model.sent,
                "recorded": model.is_recorded,
            })
        })
        .collect();
    session.print("models.upload", json!({ "environment": environment.name(), "models": listed }), || {
        let line = |model: &models::Uploaded| match model.sent {
            0 if model.size > 0 => format!("the hub has {} already", model.filename),
            sent => format!("{} {} ({} sent)", paint(GREEN, "uploaded"), model.filename, bytes(sent)),
        };
        uploaded.iter().map(line).collect()
    })?;
    if uploaded.is_empty() {
        session.say("every model of the last commit has a source");
    } else if uploaded.iter().any(|model| !model.is_recorded) {
        session.say("`comfydock commit` records that the hub has them, and another `comfydock push` tells the others");
    }
    Ok(ExitCode::SUCCESS)
}
