use std::process::ExitCode;

use comfydock_core::name::EnvironmentName;
use comfydock_core::torch::Choice;
use comfydock_workspace::ops::adopt_install::{self, Given};
use comfydock_workspace::ops::create::{self, COMFYUI_URL, Options};
use comfydock_workspace::workspace::Workspace;
use serde_json::json;

use super::adopt::{self, From};
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;
use crate::words::count;

/// Make a new environment: ComfyUI, its Python packages, and a history
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to call it
    name: EnvironmentName,
    /// The version of Python [default: 3.11, or that of the installation with --from]
    #[arg(long, value_name = "VERSION")]
    python: Option<String>,
    /// A tag, branch or commit of ComfyUI [default: the newest release, or that of the installation with --from]
    #[arg(long, value_name = "REF")]
    comfyui_version: Option<String>,
    /// Where ComfyUI comes from: a git URL or a local path [default: its own repository, or that of the installation with --from]
    #[arg(long, value_name = "URL")]
    comfyui_url: Option<String>,
    /// Take packages of any date, not only those up to three days after ComfyUI's commit
    #[arg(long)]
    no_exclude_newer: bool,
    /// Which build of torch this machine shall have: pypi, auto, cpu, cu128 and the like, rocm6.4 and the like [default: pypi]
    #[arg(long, value_name = "BACKEND")]
    torch: Option<Choice>,
    /// Make it the active environment
    #[arg(long = "use")]
    activate: bool,
    #[command(flatten)]
    from: From,
}

/// The version of Python when nobody says one.
pub(crate) const PYTHON: &str = "3.11";

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    session.about(workspace.root(), &args.name);
    if let Some(given) = args.from.open()? {
        return take_over(session, args, workspace, given);
    }
    let options = Options {
        name: args.name.clone(),
        python: args.python.clone().unwrap_or_else(|| PYTHON.to_owned()),
        comfyui_version: args.comfyui_version.clone(),
        comfyui_url: args.comfyui_url.clone().unwrap_or_else(|| COMFYUI_URL.to_owned()),
        exclude_newer: !args.no_exclude_newer,
        torch: args.torch.clone().unwrap_or_default(),
        activate: args.activate,
    };
    let outcome = create::create(&mut workspace, &options, &session.context(&[]))?;
    let document = json!({
        "environment": args.name, "version": 1, "comfyui_version": outcome.facts.comfyui_version,
        "comfyui_commit": outcome.facts.comfyui_commit, "packages": outcome.packages, "active": outcome.active,
    });
    session.print("create", document, || {
        let active = if outcome.active { ", now active" } else { "" };
        vec![format!(
            "{} environment {} (v1): ComfyUI {}, {}{active}",
            paint(GREEN, "made"),
            args.name,
            outcome.facts.comfyui_version,
            count(outcome.packages, "Python package"),
        )]
    })?;
    session.say("next: `comfydock run` starts ComfyUI; `comfydock commit` keeps what you make in it");
    Ok(ExitCode::SUCCESS)
}

/// Makes an environment of an installation that is there.
fn take_over(session: &Session, args: &Args, mut workspace: Workspace, given: Given) -> Result<ExitCode, Failure> {
    let options = adopt_install::Options {
        name: args.name.clone(),
        python: args.python.clone(),
        usual_python: PYTHON.to_owned(),
        comfyui_version: args.comfyui_version.clone(),
        comfyui_url: args.comfyui_url.clone(),
        exclude_newer: !args.no_exclude_newer,
        torch: args.torch.clone().unwrap_or_default(),
        activate: args.activate,
    };
    let (from, opinion) = (given.from.clone(), given.opinion.clone().map(|(_, opinion)| opinion).unwrap_or_default());
    let outcome = args.from.take(session, &mut workspace, given, &options)?;
    let facts = &outcome.facts;
    let document = json!({
        "environment": args.name, "version": 1, "comfyui_version": facts.comfyui_version,
        "comfyui_commit": facts.comfyui_commit, "packages": outcome.packages, "active": outcome.active,
        "adopted": adopt::document(&from, &opinion, &outcome),
    });
    session.print("create", document, || adopt::lines(&options, &opinion, &outcome))?;
    let code = args.from.ending(session, &outcome);
    session
        .say("next: `comfydock run` starts ComfyUI; `comfydock commit` keeps your workflows and the models they need");
    Ok(code)
}
