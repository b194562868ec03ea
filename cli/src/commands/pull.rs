use std::process::ExitCode;

use comfydock_core::name::RemoteName;
use comfydock_workspace::ops::pull;
use serde_json::json;

use super::{look_up, report};
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::count;

/// Bring what was pushed elsewhere to this machine
///
/// Workflows you changed and nobody else did are kept. What both sides changed stops the pull
/// before anything changes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The remote [default: origin]
    remote: Option<RemoteName>,
    /// Accept places of code that are new to this machine
    #[arg(long)]
    accept_origins: bool,
    #[command(flatten)]
    arrival: report::Arrival,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (mut workspace, environment) = session.environment()?;
    let mut context = session.context(&args.arrival.allow_host);
    let mut draft = pull::draft(&workspace, &environment, args.remote.as_ref(), &context)?;
    if draft.is_empty() {
        session.print("pull", json!({ "environment": environment.name(), "pulled": 0 }), || {
            vec!["already up to date".to_owned()]
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    look_up::complete(session, &args.arrival.look_up, &mut workspace, draft.models_mut(), &mut context)?;
    let (commits, changes) = (draft.commits(), report::plan(session, draft.route()));
    if commits == 0 {
        session.say("nothing new there; to put right here:");
    } else {
        session.say(&format!("{} to bring here:", count(commits, "commit")));
    }
    changes.iter().for_each(|line| session.say(line));
    let asks_origins = !draft.route().plan.new_origins.is_empty();
    let agreed = if asks_origins {
        args.accept_origins || prompt::confirm(session, "Take code from these places?", "--accept-origins or --yes")?
    } else {
        prompt::confirm(session, "Bring them here?", "--yes")?
    };
    if !agreed {
        return Err(Failure::Cancelled);
    }
    let context = report::settle(session, &args.arrival, context, &report::names(draft.route()))?;
    let unresolved = super::workflow::unresolved(&draft.route().target.manifest);
    let outcome = pull::apply(&workspace, &environment, draft, &context)?;
    let document = json!({
        "environment": environment.name(), "pulled": commits, "version": outcome.version, "complete": report::is_complete(&outcome.models),
        "models": report::document(&outcome.models), "kept": outcome.kept,
    });
    session.print("pull", document, || {
        let did = if commits == 0 { "put right".to_owned() } else { format!("pulled {}", count(commits, "commit")) };
        let mut lines = vec![format!("{}, now at v{}", paint(GREEN, did), outcome.version)];
        lines.extend(outcome.kept.iter().map(|path| format!("  what was in the way is kept in {}", path.display())));
        lines.extend(report::outcome(&outcome.models, &unresolved));
        lines
    })?;
    let code = report::ending(session, &outcome.models, args.arrival.allow_issues);
    session.say("if ComfyUI is open in a browser, reload the tab before you save: it does not notice changed files");
    Ok(code)
}
