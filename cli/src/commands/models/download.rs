use std::process::ExitCode;

use comfydock_workspace::ops::models;
use serde_json::json;

use crate::commands::report;
use crate::error::Failure;
use crate::session::Session;

/// Download models that the environment's workflows need and that are not here
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Everything that is missing
    #[arg(long, required = true)]
    missing: bool,
    #[command(flatten)]
    arrival: report::Arrival,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let arrival = &args.arrival;
    let (workspace, environment) = session.environment()?;
    let reports = models::download_missing(&workspace, &environment, &session.context(&arrival.allow_host))?;
    let document = json!({ "environment": environment.name(), "complete": report::is_complete(&reports), "models": report::document(&reports) });
    session.print("models.download", document, || report::outcome(&reports, &std::collections::BTreeMap::new()))?;
    Ok(report::ending(session, &reports, arrival.allow_issues))
}
