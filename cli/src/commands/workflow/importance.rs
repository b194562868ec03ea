use std::process::ExitCode;

use comfydock_core::category::Criticality;
use comfydock_workspace::ops::resolve::importance;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;

/// Say how much a model matters to a workflow; the next commit records it
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The workflow
    workflow: String,
    /// The model: its file name, or the start of its hash
    model: String,
    /// Without it the workflow does not do its work, another can stand in, or it runs without
    #[arg(value_enum)]
    importance: Importance,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Importance {
    Required,
    Flexible,
    Optional,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let criticality = match args.importance {
        Importance::Required => Criticality::Required,
        Importance::Flexible => Criticality::Flexible,
        Importance::Optional => Criticality::Optional,
    };
    let word = criticality.word();
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    let name = importance::set(&workspace, &environment, &args.workflow, &args.model, criticality, &context)?;
    let document = json!({ "workflow": args.workflow, "model": name, "criticality": word });
    session.print("workflow.importance", document, || {
        vec![format!("{} {name} is {word} for {}", paint(GREEN, "noted"), args.workflow)]
    })?;
    session.say("`comfydock commit` records it");
    Ok(ExitCode::SUCCESS)
}
