use std::process::ExitCode;

use comfydock_core::plan::commit::{Change, missing_here};
use comfydock_workspace::ops::commit;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint, table};
use crate::session::Session;
use crate::words::list;

pub(super) fn run(session: &Session) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    let draft = commit::draft(&workspace, &environment, &context)?;
    let planned = draft.plan().manifest.manifest().map_err(|source| comfydock_workspace::Error::Manifest {
        place: "the manifest cannot be taken".to_owned(),
        source,
    })?;
    let missing = missing_here(&planned, draft.library());
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for name in planned.workflows.keys() {
        let state = match draft.changes().get(name) {
            Some(Change::New) => "new",
            Some(Change::Changed) => "changed",
            _ => "committed",
        };
        let lacks = missing.get(name).cloned().unwrap_or_default();
        documents.push(json!({ "name": name, "state": state, "ready": lacks.is_empty(), "missing": lacks }));
        let ready = if lacks.is_empty() {
            paint(GREEN, "ready")
        } else {
            format!("{} {}", paint(YELLOW, "lacks"), list(&lacks))
        };
        rows.push(vec![name.clone(), state.to_owned(), ready]);
    }
    for name in draft.changes().iter().filter(|(_, change)| **change == Change::Removed).map(|(name, _)| name) {
        documents.push(json!({ "name": name, "state": "removed", "ready": false, "missing": [] }));
        rows.push(vec![name.clone(), "removed".to_owned()]);
    }
    session.print("workflow.list", json!({ "workflows": documents }), || table(&rows))?;
    if rows.is_empty() {
        session.say("no workflows yet; what you save in ComfyUI appears here");
    }
    Ok(ExitCode::SUCCESS)
}
