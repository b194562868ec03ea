use std::process::ExitCode;

use comfydock_core::name::EnvironmentName;
use comfydock_core::torch::Choice;
use comfydock_workspace::ops::create::{self, COMFYUI_URL, Options};
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;
use crate::words::count;

/// Make a new environment: ComfyUI, its Python packages, and a history
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to call it
    name: EnvironmentName,
    /// The version of Python
    #[arg(long, value_name = "VERSION", default_value = "3.11")]
    python: String,
    /// A tag, branch or commit of ComfyUI [default: the newest release]
    #[arg(long, value_name = "REF")]
    comfyui_version: Option<String>,
    /// Where ComfyUI comes from: a git URL or a local path
    #[arg(long, value_name = "URL", default_value = COMFYUI_URL)]
    comfyui_url: String,
    /// Take packages of any date, not only those up to three days after ComfyUI's commit
    #[arg(long)]
    no_exclude_newer: bool,
    /// Which build of torch this machine shall have: pypi, auto, cpu, cu128 and the like, rocm6.4 and the like [default: pypi]
    #[arg(long, value_name = "BACKEND")]
    torch: Option<Choice>,
    /// Make it the active environment
    #[arg(long = "use")]
    activate: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    session.about(workspace.root(), &args.name);
    let options = Options {
        name: args.name.clone(),
        python: args.python.clone(),
        comfyui_version: args.comfyui_version.clone(),
        comfyui_url: args.comfyui_url.clone(),
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
