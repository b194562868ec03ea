//! `comfydock import --env`: a bundle into an environment that is here already.

use std::process::ExitCode;

use comfydock_core::bundle::Description;
use comfydock_core::manifest::EnvironmentFacts;
use comfydock_core::merge::{Answer, Question};
use comfydock_workspace::Error;
use comfydock_workspace::ops::import::into::{self, Draft};
use serde_json::{Value, json};

use super::both_sides::{self, Between, Ending};
use super::import::{Args, find, finish};
use super::{install_scripts, look_up, report};
use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;

/// Refuses flags that only a new environment has.
fn check(args: &Args) -> Result<(), Failure> {
    let arrive = &args.arrive;
    let flags = [
        ("--name", args.name.is_some()),
        ("--torch", arrive.torch.is_some()),
        ("--models-dir", !arrive.models_dir.is_empty()),
        ("--use", arrive.activate),
        ("--add-platform", arrive.add_platform),
    ];
    match flags.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::refused(
            format!("{flag} is for a new environment, and --env names one that is here"),
            format!("leave {flag} out, or leave --env out and a new environment is made"),
        )
        .into()),
    }
}

/// Refuses answers where nothing is merged.
pub(super) fn refuse_answers(args: &Args) -> Result<(), Failure> {
    if !args.both_sides.is_given() {
        return Ok(());
    }
    let message = "--ours, --theirs, --both and --take say what becomes of an environment that is here";
    Err(Error::refused(message, "name it with --env, or leave them out").into())
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    check(args)?;
    let (mut workspace, environment) = session.environment()?;
    let name = environment.name().as_str();
    let mut context = session.context(&args.arrival.allow_host);
    let (source, vouched) = find(session, args, &workspace, &context)?;
    let guest = into::look(&workspace, &environment, &source, &context).inspect_err(|_| source.done())?;
    let given = args.both_sides.answers();
    let answers = match both_sides::settle(session, Between::Bundle, given, |answers| guest.questions(answers))? {
        Ending::Settled(answers) => answers,
        Ending::Open(open) => return unanswered(session, name, &open),
    };
    let mut draft = into::draft(&workspace, &environment, guest, &answers, &context)?;
    if args.arrive.scripts.run_install_script {
        draft.with_install_scripts(&workspace)?;
    }
    look_up::complete(session, &args.arrival.look_up, &mut workspace, draft.models_mut(), &mut context)?;
    let description = draft.description().clone();
    if draft.is_empty() {
        let document = document(name, &description, false);
        session
            .print("import", document, || vec![format!("environment {name} has everything of the bundle already")])?;
        finish(&source, &vouched)?;
        return Ok(ExitCode::SUCCESS);
    }
    let route = draft.route();
    let chosen = args.wanted.choices(&route.target.manifest, &route.models, args.arrival.allow_unverified)?;
    let left_out = chosen.without_models.clone();
    draft.choose(chosen);
    tell(session, name, &source.shown(), &draft);
    let asks_origins = !draft.route().plan.new_origins.is_empty();
    let agreed = if asks_origins {
        args.arrive.accept_origins
            || prompt::confirm(session, "Take code from these places?", "--accept-origins or --yes")?
    } else {
        prompt::confirm(session, "Bring it in?", "--yes")?
    };
    if !agreed {
        return Err(Failure::Cancelled);
    }
    let context = report::settle(session, &args.arrival, context, &report::names(&draft.route().models, &left_out))?;
    let unresolved = super::workflow::unresolved(&draft.route().target.manifest);
    let questions = both_sides::document(draft.settled().iter().map(|one| (&one.question, Some(one.answer))));
    let said = draft.said().to_vec();
    let outcome = into::apply(&workspace, &environment, draft, &context)?;
    let runs = args.arrive.scripts.run(&workspace, &environment, &context);
    finish(&source, &vouched)?;
    let complete = report::is_complete(&outcome.models) && outcome.missing_nodes.is_empty();
    let mut document = document(name, &description, true);
    let more = json!({
        "complete": complete, "questions": questions, "said": said, "kept": outcome.kept,
        "models": report::document(&outcome.models), "missing_nodes": report::missing_nodes(&outcome.missing_nodes),
        "install_scripts": install_scripts::left(&environment), "install_scripts_run": install_scripts::document(&runs),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    let came = report::Came { models: &outcome.models, missing_nodes: &outcome.missing_nodes, runs: &runs };
    session.print("import", document, || {
        let mut lines =
            vec![format!("{} {} into environment {name}", paint(GREEN, "brought"), description.environment_name)];
        lines.extend(report::kept(&outcome.kept));
        lines.extend(came.lines(&unresolved));
        lines
    })?;
    let code = came.ending(session, &environment, args.arrival.allow_issues);
    session.say(
        "nothing is committed yet: `comfydock diff` shows it, `comfydock commit` keeps it, `comfydock rollback` takes it back. Reload ComfyUI's tab before you save",
    );
    Ok(code)
}

/// What would be done, before it is agreed to.
fn tell(session: &Session, name: &str, source: &str, draft: &Draft) {
    let description = draft.description();
    session.say(&format!(
        "bundle {source} of {} (exported {} by comfydock {}) into environment {name}:",
        description.environment_name, description.timestamp, description.comfydock_version
    ));
    let facts = &draft.route().target.manifest.environment;
    stays(description, facts).iter().for_each(|line| session.say(&format!("  {}: {line}", paint(YELLOW, "note"))));
    let asked = draft.settled().iter().filter(|one| {
        // What stays without a question is told by the notes.
        !(comfydock_core::merge::is_the_hosts(&one.question.subject) && one.answer == Answer::Ours)
    });
    both_sides::answered(asked).iter().for_each(|line| session.say(line));
    draft.said().iter().for_each(|line| session.say(&format!("  {line}")));
    report::plan(session, draft.route()).iter().for_each(|line| session.say(line));
}

/// What the bundle was made with and the environment keeps otherwise.
fn stays(description: &Description, facts: &EnvironmentFacts) -> Vec<String> {
    let mut lines = Vec::new();
    if description.comfyui_commit != facts.comfyui_commit {
        lines.push(format!(
            "it was made with ComfyUI {}; the environment keeps {} (--take fact:comfyui=theirs takes the bundle's)",
            description.comfyui_version, facts.comfyui_version
        ));
    }
    if description.python_version != facts.python_version {
        lines.push(format!(
            "it was made with Python {}; the environment keeps {} (--take fact:python=theirs takes the bundle's)",
            description.python_version, facts.python_version
        ));
    }
    lines
}

/// What every answer of the command has.
fn document(environment: &str, description: &Description, changed: bool) -> Value {
    json!({
        "environment": environment, "content_digest": description.content_digest, "merged": true, "changed": changed,
        "questions": [],
    })
}

/// Without answers nothing is done; with `--json` the questions are the document.
fn unanswered(session: &Session, environment: &str, open: &[Question]) -> Result<ExitCode, Failure> {
    let error = both_sides::unanswered(Between::Bundle, open);
    if !session.global.json {
        return Err(error.into());
    }
    session.say(&error.to_string());
    let questions = both_sides::document(open.iter().map(|question| (question, None)));
    let document = json!({ "environment": environment, "merged": true, "changed": false, "questions": questions });
    session.print("import", document, Vec::new)?;
    Ok(ExitCode::FAILURE)
}
