use std::collections::BTreeSet;
use std::process::ExitCode;

use comfydock_core::name::EnvironmentName;
use comfydock_workspace::Error;
use comfydock_workspace::ops::{arrive, clone, remotes};
use serde_json::json;

use super::arrive::{give_up, open_or_make};
use super::{install_scripts, look_up, report};
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::count;

/// Build an environment from a hub or a git repository on this machine
///
/// Makes the workspace if there is none. Without a login, COMFYDOCK_HUB and COMFYDOCK_TOKEN say
/// which hub and who you are.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// TEAM/NAME on the hub, or a git URL
    #[arg(value_name = "TEAM/NAME|URL")]
    location: String,
    /// What to call it here [default: its name there]
    #[arg(long)]
    name: Option<EnvironmentName>,
    #[command(flatten)]
    arrive: super::arrive::Args,
    #[command(flatten)]
    arrival: report::Arrival,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut context = session.context(&args.arrival.allow_host);
    let location = remotes::locate(&args.location, &context.network)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => default_name(&args.location)?,
    };
    let (mut workspace, made) = open_or_make(session, &args.arrive.models_dir)?;
    session.about(workspace.root(), &name);
    let torch = args.arrive.torch.clone().unwrap_or_default();
    let mut draft = match clone::draft(&workspace, location, name, &torch, args.arrive.add_platform, &context) {
        Ok(draft) => draft,
        Err(error) => {
            if made {
                workspace.unmake()?;
            }
            return Err(error.into());
        }
    };
    if let Err(failure) =
        look_up::complete(session, &args.arrival.look_up, &mut workspace, draft.models_mut(), &mut context)
    {
        return Err(give_up(workspace, draft, made, failure));
    }
    if args.arrive.scripts.run_install_script
        && let Err(error) = draft.with_install_scripts(&workspace)
    {
        return Err(give_up(workspace, draft, made, error.into()));
    }
    let added = draft.added().cloned();
    let lines = [report::plan(session, draft.route()), report::platform(added.as_ref())].concat();
    session.say(&format!("environment {} takes:", draft.name()));
    lines.iter().for_each(|line| session.say(line));
    let flag = if draft.route().plan.new_origins.is_empty() { "--yes" } else { "--accept-origins or --yes" };
    let agreed = if args.arrive.accept_origins { Ok(true) } else { prompt::confirm(session, "Build it?", flag) };
    match agreed {
        Ok(true) => {}
        Ok(false) => return Err(give_up(workspace, draft, made, Failure::Cancelled)),
        Err(failure) => return Err(give_up(workspace, draft, made, failure)),
    }
    let context = match report::settle(
        session,
        &args.arrival,
        context,
        &report::names(&draft.route().models, &BTreeSet::new()),
    ) {
        Ok(context) => context,
        Err(failure) => return Err(give_up(workspace, draft, made, failure)),
    };
    if made {
        session.say(&format!("made workspace {}", workspace.root().display()));
    }
    let name = draft.name().clone();
    let outcome = arrive::apply(&mut workspace, draft, args.arrive.activate, &context)?;
    let environment = workspace.environment(Some(&name))?;
    let runs = args.arrive.scripts.run(&workspace, &environment, &context);
    let unresolved = super::workflow::unresolved(&outcome.route_target.manifest);
    let document = json!({
        "environment": name, "commit": outcome.route_target.commit, "active": outcome.active, "complete": report::is_complete(&outcome.models) && outcome.missing_nodes.is_empty(),
        "models": report::document(&outcome.models), "missing_nodes": report::missing_nodes(&outcome.missing_nodes),
        "platform_added": added.as_ref().map(|added| &added.platform), "install_scripts": install_scripts::left(&environment),
        "install_scripts_run": install_scripts::document(&runs),
    });
    let came = report::Came { models: &outcome.models, missing_nodes: &outcome.missing_nodes, runs: &runs };
    session.print("clone", document, || {
        let active = if outcome.active { ", now active" } else { "" };
        let workflows = outcome.route_target.workflows.len();
        let mut lines = vec![format!(
            "{} environment {name} with {}{active}",
            paint(GREEN, "cloned"),
            count(workflows, "workflow")
        )];
        lines.extend(came.lines(&unresolved));
        lines
    })?;
    let code = came.ending(session, &environment, args.arrival.allow_issues);
    report::say_added(session, added.as_ref());
    session.say("next: `comfydock run` starts ComfyUI");
    Ok(code)
}

fn default_name(location: &str) -> Result<EnvironmentName, Error> {
    let trimmed = location.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    let last = trimmed.rsplit(['/', ':']).next().unwrap_or_default();
    EnvironmentName::parse(last).map_err(|error| Error::refused(error.to_string(), "name it with --name"))
}
