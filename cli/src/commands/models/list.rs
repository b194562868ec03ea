use std::process::ExitCode;

use comfydock_workspace::ops::models;
use serde_json::json;

use super::describe;
use crate::error::Failure;
use crate::printer::{DIM, paint, table};
use crate::session::Session;
use crate::words::bytes;

/// List the models of this machine
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only those whose path contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let mut listed = models::list(&workspace, &session.context(&[]))?;
    if let Some(filter) = &args.filter {
        let filter = filter.to_lowercase();
        listed.retain(|model| model.paths.iter().any(|path| path.to_string_lossy().to_lowercase().contains(&filter)));
    }
    let document = json!({ "models": listed.iter().map(describe).collect::<Vec<_>>() });
    session.print("models.list", document, || {
        let rows: Vec<Vec<String>> = listed
            .iter()
            .flat_map(|model| {
                model.paths.iter().map(|path| {
                    vec![paint(DIM, model.model.quick.short(12)), bytes(model.model.size), path.display().to_string()]
                })
            })
            .collect();
        table(&rows)
    })?;
    if listed.is_empty() {
        session.say("no models here; `comfydock models index DIR` adds a folder");
    }
    Ok(ExitCode::SUCCESS)
}
