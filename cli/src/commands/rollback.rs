use std::process::ExitCode;

use comfydock_workspace::ops::rollback::{self as op, Outcome};
use serde_json::json;

use super::{install_scripts, report};
use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::{count, list};

/// Bring an older version back: workflows, node packs, ComfyUI and Python packages
///
/// It comes back as changes that are not committed; `comfydock commit` makes a new version of it. What was
/// not committed before is kept in a backup. Without a version the last commit is brought back.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// vN, a commit, HEAD or HEAD~N [default: HEAD]
    version: Option<String>,
    /// Replace node packs and ComfyUI although they have changes; a copy goes to the environment's trash
    #[arg(long)]
    force: bool,
    /// Lock the packages for this machine's platform too, where the environment is locked for others only
    #[arg(long)]
    add_platform: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    let draft = op::draft(&workspace, &environment, args.version.as_deref(), args.force, args.add_platform, &context)?;
    if draft.is_empty() {
        let document =
            json!({ "environment": environment.name(), "version": draft.version().to_string(), "changed": false });
        let already = format!("everything is as in {} already", draft.version());
        session.print("rollback", document, || vec![already])?;
        return Ok(ExitCode::SUCCESS);
    }
    session.say(&format!("to bring {} back:", draft.version()));
    let mut changes = report::plan(session, draft.route());
    changes.extend(report::platform(draft.added()));
    if changes.is_empty() {
        changes.push("  what the manifest says; everything else is as it was then".to_owned());
    }
    changes.iter().for_each(|line| session.say(line));
    if draft.loses() {
        session.say("  what is not committed is kept in a backup first");
    }
    if !prompt::confirm(session, "Bring it back?", "--yes")? {
        return Err(Failure::Cancelled);
    }
    let outcome = op::apply(&workspace, &environment, draft, &context)?;
    let document = json!({
        "environment": environment.name(), "version": outcome.version.to_string(), "changed": true,
        "backup": outcome.backup, "kept": outcome.kept, "development": outcome.development,
        "missing_models": outcome.missing,
    });
    session.print("rollback", document, || lines(&outcome))?;
    install_scripts::tell(session, &environment);
    if !outcome.development.is_empty() {
        session.say(&format!(
            "{} worked on here, and nothing in a version changes that: {}; if requirements changed: `comfydock node update {}`",
            count(outcome.development.len(), "node pack"),
            list(&outcome.development),
            outcome.development.join(" ")
        ));
    }
    session.say(
        "nothing is committed yet; `comfydock commit` makes a new version of it. Reload ComfyUI's tab before you save",
    );
    Ok(ExitCode::SUCCESS)
}

fn lines(outcome: &Outcome) -> Vec<String> {
    let mut lines = vec![format!("{} {}", paint(GREEN, "brought back"), outcome.version)];
    if let Some(backup) = &outcome.backup {
        let short = backup.short(12);
        lines.push(format!("  what was not committed is kept; `comfydock rollback {short}` brings it back"));
    }
    lines.extend(report::kept(&outcome.kept));
    lines.extend(outcome.missing.iter().map(|model| {
        format!("  {} model {model}; after a commit `comfydock models download --missing`", paint(YELLOW, "missing"))
    }));
    lines
}
