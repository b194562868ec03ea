use std::collections::BTreeSet;
use std::process::ExitCode;

use comfydock_core::merge::Answers;
use comfydock_core::name::RemoteName;
use comfydock_workspace::ops::pull::{self, Draft};
use serde_json::json;

use super::both_sides::{self, Between, Ending};
use super::{install_scripts, look_up, report};
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::count;

/// Bring what was pushed elsewhere to this machine
///
/// Workflows you changed and nobody else did are kept. Where both sides have committed, the two
/// histories are merged, and you are asked about what both changed. Work that is not committed and
/// would be lost stops the pull before anything changes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The remote [default: origin]
    remote: Option<RemoteName>,
    #[command(flatten)]
    both_sides: both_sides::Args,
    /// Accept places of code that are new to this machine
    #[arg(long)]
    accept_origins: bool,
    /// Lock the packages for this machine's platform too, where the environment is locked for others only
    #[arg(long)]
    add_platform: bool,
    #[command(flatten)]
    scripts: install_scripts::Args,
    #[command(flatten)]
    arrival: report::Arrival,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (mut workspace, environment) = session.environment()?;
    let mut context = session.context(&args.arrival.allow_host);
    let fetched = pull::fetch(&environment, args.remote.as_ref(), &context)?;
    let apart = fetched.apart();
    let given = if apart.is_some() { args.both_sides.answers() } else { Answers::default() };
    let settled = both_sides::settle(session, Between::Histories, given, |answers| fetched.questions(answers))?;
    let answers = match settled {
        Ending::Settled(answers) => answers,
        Ending::Open(open) => return unanswered(session, environment.name().as_str(), &open),
    };
    let mut draft = pull::draft(&workspace, &environment, fetched, &answers, args.add_platform, &context)?;
    if draft.is_empty() {
        let document = json!({ "environment": environment.name(), "pulled": 0, "merged": false, "questions": [] });
        session.print("pull", document, || vec!["already up to date".to_owned()])?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.scripts.run_install_script {
        draft.with_install_scripts(&workspace)?;
    }
    look_up::complete(session, &args.arrival.look_up, &mut workspace, draft.models_mut(), &mut context)?;
    tell(session, &draft, apart);
    let asks_origins = !draft.route().plan.new_origins.is_empty();
    let agreed = if asks_origins {
        args.accept_origins || prompt::confirm(session, "Take code from these places?", "--accept-origins or --yes")?
    } else {
        prompt::confirm(session, if draft.merges() { "Merge them?" } else { "Bring them here?" }, "--yes")?
    };
    if !agreed {
        return Err(Failure::Cancelled);
    }
    let context =
        report::settle(session, &args.arrival, context, &report::names(&draft.route().models, &BTreeSet::new()))?;
    let unresolved = super::workflow::unresolved(&draft.route().target.manifest);
    let (commits, merges, said) = (draft.commits(), draft.merges(), draft.said().to_vec());
    let added = draft.added().cloned();
    let questions = both_sides::document(draft.settled().iter().map(|one| (&one.question, Some(one.answer))));
    let outcome = pull::apply(&workspace, &environment, draft, &context)?;
    let runs = args.scripts.run(&workspace, &environment, &context);
    let document = json!({
        "environment": environment.name(), "pulled": commits, "version": outcome.version, "complete": report::is_complete(&outcome.models) && outcome.missing_nodes.is_empty(),
        "merged": merges, "questions": questions, "said": said,
        "models": report::document(&outcome.models), "kept": outcome.kept,
        "missing_nodes": report::missing_nodes(&outcome.missing_nodes),
        "platform_added": added.as_ref().map(|added| &added.platform), "install_scripts": install_scripts::left(&environment),
        "install_scripts_run": install_scripts::document(&runs),
    });
    let came = report::Came { models: &outcome.models, missing_nodes: &outcome.missing_nodes, runs: &runs };
    session.print("pull", document, || {
        let did = match (merges, commits) {
            (true, _) => format!("merged {}", count(commits, "commit")),
            (false, 0) => "put right".to_owned(),
            (false, _) => format!("pulled {}", count(commits, "commit")),
        };
        let mut lines = vec![format!("{}, now at v{}", paint(GREEN, did), outcome.version)];
        lines.extend(report::kept(&outcome.kept));
        lines.extend(came.lines(&unresolved));
        lines
    })?;
    let code = came.ending(session, &environment, args.arrival.allow_issues);
    // A merge is committed with what was added.
    report::say_added(session, added.as_ref().filter(|_| !merges));
    if merges {
        session.say("`comfydock push` sends what was merged");
    }
    session.say("if ComfyUI is open in a browser, reload the tab before you save: it does not notice changed files");
    Ok(code)
}

/// What would be done, before it is agreed to.
fn tell(session: &Session, draft: &Draft, apart: Option<(usize, usize)>) {
    match (apart, draft.commits()) {
        (Some((ours, theirs)), _) => {
            session.say(&format!("{} of yours and {} of theirs to merge:", count(ours, "commit"), theirs));
        }
        (None, 0) => session.say("nothing new there; to put right here:"),
        (None, commits) => session.say(&format!("{} to bring here:", count(commits, "commit"))),
    }
    both_sides::answered(draft.settled()).iter().for_each(|line| session.say(line));
    draft.said().iter().for_each(|line| session.say(&format!("  {line}")));
    report::plan(session, draft.route()).iter().for_each(|line| session.say(line));
    report::platform(draft.added()).iter().for_each(|line| session.say(line));
}

/// Without answers nothing is done; with `--json` the questions are the document.
fn unanswered(
    session: &Session,
    environment: &str,
    open: &[comfydock_core::merge::Question],
) -> Result<ExitCode, Failure> {
    let error = both_sides::unanswered(Between::Histories, open);
    if !session.global.json {
        return Err(error.into());
    }
    let questions = both_sides::document(open.iter().map(|question| (question, None)));
    session.say(&error.to_string());
    let document = json!({ "environment": environment, "pulled": 0, "merged": false, "questions": questions });
    session.print("pull", document, Vec::new)?;
    Ok(ExitCode::FAILURE)
}
