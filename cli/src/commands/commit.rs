use std::process::ExitCode;

use comfydock_workspace::ops::commit::{self, Options};
use serde_json::json;

use super::report;
use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count};

/// Keep the workflows, nodes and models as they are now, as a new version
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to say about it [default: what changed]
    #[arg(short, long)]
    message: Option<String>,
    /// Commit although models are not found or not clear
    #[arg(long)]
    allow_issues: bool,
    /// Do not measure models that have no full hash yet
    #[arg(long)]
    no_full_hash: bool,
    /// Commit although what is asked of Python cannot be locked
    #[arg(long)]
    no_test: bool,
}

/// The question whether so many models with so many bytes are to be measured.
pub(crate) fn measuring(models: usize, total: u64) -> String {
    format!(
        "Measure {} ({}, about {} s)? Without it others cannot check what they download",
        count(models, "model"),
        bytes(total),
        // SHA-256 and BLAKE3 in one pass run at about 1.5 GB/s on one core.
        total / 1_000_000_000 + 1
    )
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    let mut draft = commit::draft(&workspace, &environment, &context)?;
    if draft.is_empty() {
        session.print("commit", json!({ "version": null, "changes": [] }), || vec!["nothing to commit".to_owned()])?;
        return Ok(ExitCode::SUCCESS);
    }
    let unmeasured = draft.unmeasured();
    if !unmeasured.is_empty() && !args.no_full_hash {
        let question = measuring(unmeasured.len(), unmeasured.iter().map(|file| file.size).sum());
        if prompt::confirm(session, &question, "--yes or --no-full-hash")? {
            draft = commit::measure(&workspace, &environment, draft, &context)?;
        }
    }
    let options = Options { message: args.message.clone(), allow_issues: args.allow_issues, no_test: args.no_test };
    let outcome = commit::commit(&workspace, &environment, draft, &options, &context)?;
    let changes: Vec<_> =
        outcome.changes.iter().map(|(name, change)| json!({ "workflow": name, "change": change.word() })).collect();
    let document = json!({
        "version": outcome.version, "commit": outcome.commit, "summary": outcome.summary, "changes": changes,
        "nodes_added": outcome.adopted,
        "unresolved": outcome.open.iter().map(|open| json!({ "workflow": open.workflow, "value": open.value })).collect::<Vec<_>>(),
        "unlocked": report::unlocked(&outcome.unlocked),
    });
    session.print("commit", document, || {
        let mut lines = vec![format!("{} v{}: {}", paint(GREEN, "committed"), outcome.version, outcome.summary)];
        lines.extend(outcome.adopted.iter().map(|pack| format!("  node pack {pack} is tracked now")));
        lines.extend(
            outcome.open.iter().map(|open| format!("  {} {}", paint(YELLOW, "unresolved"), commit::describe(open))),
        );
        lines.extend(report::behind(&outcome.unlocked));
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}
