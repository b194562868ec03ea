use std::process::ExitCode;

use comfydock_workspace::ops::repair as op;
use serde_json::json;

use super::{install_scripts, report};
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;

/// Bring back what the manifest says and the disk lacks: node packs, ComfyUI, Python packages
///
/// Workflows and models are left alone.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build the Python packages anew although they seem to be there
    #[arg(long)]
    rebuild: bool,
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
    let draft = op::draft(&workspace, &environment, args.force, args.rebuild, args.add_platform, &context)?;
    let recognised: Vec<String> = draft
        .recognised()
        .iter()
        .map(|pack| format!("  node pack {pack} is as it came from the registry; it is on record again"))
        .collect();
    if draft.is_empty() {
        let repaired = !recognised.is_empty();
        session.print(
            "repair",
            json!({ "environment": environment.name(), "repaired": repaired, "kept": [] }),
            || {
                let mut lines = match repaired {
                    true => vec![format!("{} environment {}", paint(GREEN, "repaired"), environment.name())],
                    false => vec!["there is nothing to repair".to_owned()],
                };
                lines.extend(recognised);
                lines.extend(report::packs(draft.plan()));
                lines
            },
        )?;
        install_scripts::tell(session, &environment);
        return Ok(ExitCode::SUCCESS);
    }
    session.say("to bring back:");
    report::plan(session, draft.route()).iter().for_each(|line| session.say(line));
    let added = draft.added().cloned();
    report::platform(added.as_ref()).iter().for_each(|line| session.say(line));
    if !prompt::confirm(session, "Bring it back?", "--yes")? {
        return Err(Failure::Cancelled);
    }
    let outcome = op::apply(&workspace, &environment, draft, &context)?;
    let document = json!({ "environment": environment.name(), "repaired": true, "kept": outcome.kept });
    session.print("repair", document, || {
        let mut lines = vec![format!("{} environment {}", paint(GREEN, "repaired"), environment.name())];
        lines.extend(recognised);
        lines.extend(report::kept(&outcome.kept));
        lines
    })?;
    install_scripts::tell(session, &environment);
    report::say_added(session, added.as_ref());
    Ok(ExitCode::SUCCESS)
}
