use std::process::ExitCode;

use comfydock_core::category::Criticality;
use comfydock_core::manifest::ModelStatus;
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
    for (name, models) in &planned.workflows {
        let state = match draft.changes().get(name) {
            Some(Change::New) => "new",
            Some(Change::Changed) => "changed",
            _ => "committed",
        };
        let lacks = missing.get(name).cloned().unwrap_or_default();
        let unfound: Vec<String> =
            draft.misnamed().iter().filter(|known| known.workflow == *name).map(|known| known.value.clone()).collect();
        let skipped: Vec<String> = models
            .iter()
            .filter(|model| model.status == ModelStatus::Skipped && model.criticality != Criticality::Optional)
            .map(|model| model.filename.clone())
            .collect();
        let mut lines = Vec::new();
        for (word, names) in [("lacks", &lacks), ("skipped", &skipped)] {
            if !names.is_empty() {
                lines.push(format!("{} {}", paint(YELLOW, word), list(names)));
            }
        }
        if !unfound.is_empty() {
            let mend = format!("`comfydock workflow resolve {name}`");
            lines.push(format!("{} {} ({mend})", paint(YELLOW, "has under other names"), list(&unfound)));
        }
        let ready = lines.is_empty();
        documents.push(json!({
            "name": name, "state": state, "ready": ready, "missing": lacks, "misnamed": unfound, "skipped": skipped,
        }));
        rows.push(vec![name.clone(), state.to_owned(), if ready { paint(GREEN, "ready") } else { lines.join(", ") }]);
    }
    for name in draft.changes().iter().filter(|(_, change)| **change == Change::Removed).map(|(name, _)| name) {
        documents.push(
            json!({ "name": name, "state": "removed", "ready": false, "missing": [], "misnamed": [], "skipped": [] }),
        );
        rows.push(vec![name.clone(), "removed".to_owned()]);
    }
    session.print("workflow.list", json!({ "workflows": documents }), || table(&rows))?;
    if rows.is_empty() {
        session.say("no workflows yet; what you save in ComfyUI appears here");
    }
    Ok(ExitCode::SUCCESS)
}
