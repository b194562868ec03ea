use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::name::EnvironmentName;
use comfydock_core::torch::Choice;
use comfydock_workspace::Error;
use comfydock_workspace::ops::adopt_install::{Given, Options};
use comfydock_workspace::workspace::Workspace;
use serde_json::json;

use super::adopt::{self, From};
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;

/// Make a workspace
///
/// A workspace holds environments and remembers where models lie. Models stay where they are.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to make it [default: --workspace, else ~/comfydock_workspace]
    path: Option<PathBuf>,
    /// A folder models lie in, by category; the first is where downloads go (can be given again)
    #[arg(long, value_name = "DIR")]
    models_dir: Vec<PathBuf>,
    #[command(flatten)]
    from: From,
    /// What to call the environment that is made of it [default: comfyui]
    #[arg(long, requires = "from")]
    name: Option<EnvironmentName>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let path = match &args.path {
        Some(path) => path.clone(),
        None => session.workspace_path()?,
    };
    // Looked at first: what cannot be taken over leaves no workspace behind.
    let given = args.from.open()?;
    let workspace = Workspace::init(&path, &args.models_dir)?;
    if let Some(given) = given {
        return take_over(session, args, workspace, given);
    }
    let folders: Vec<String> =
        workspace.settings.model_directories.iter().map(|folder| folder.path.display().to_string()).collect();
    session.print("init", json!({ "workspace": workspace.root(), "models_dirs": folders }), || {
        vec![
            format!("{} workspace {}", paint(GREEN, "made"), workspace.root().display()),
            format!("models in {}", folders.join(", ")),
        ]
    })?;
    say_where(session, &workspace);
    session
        .say("next: `comfydock create NAME` for a new environment, or `comfydock clone TEAM/NAME` for one from a hub");
    Ok(ExitCode::SUCCESS)
}

/// Commands look for the workspace where they are told to; one that lies elsewhere has to be named.
fn say_where(session: &Session, workspace: &Workspace) {
    let found = session.workspace_path().and_then(|path| Workspace::open(&path));
    if found.is_ok_and(|found| found.root() == workspace.root()) {
        return;
    }
    session.say(&format!(
        "`export COMFYDOCK_HOME={}` in your shell's profile lets every command find it",
        quoted(&workspace.root().display().to_string())
    ));
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+".contains(letter);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Makes the first environment of an installation that is there.
fn take_over(session: &Session, args: &Args, mut workspace: Workspace, given: Given) -> Result<ExitCode, Failure> {
    let name = args.name.clone().map_or_else(|| EnvironmentName::parse("comfyui").map_err(Error::from), Ok)?;
    let options = Options {
        name,
        python: None,
        usual_python: super::create::PYTHON.to_owned(),
        comfyui_version: None,
        comfyui_url: None,
        exclude_newer: true,
        torch: Choice::default(),
        activate: true,
    };
    let (from, opinion) = (given.from.clone(), given.opinion.clone().map(|(_, opinion)| opinion).unwrap_or_default());
    let outcome = match args.from.take(session, &mut workspace, given, &options) {
        Ok(outcome) => outcome,
        Err(failure) => {
            workspace.unmake()?;
            return Err(failure);
        }
    };
    let folders: Vec<String> =
        workspace.settings.model_directories.iter().map(|folder| folder.path.display().to_string()).collect();
    let document = json!({
        "workspace": workspace.root(), "models_dirs": folders, "environment": options.name,
        "adopted": adopt::document(&from, &opinion, &outcome),
    });
    session.print("init", document, || {
        let mut lines = vec![format!("{} workspace {}", paint(GREEN, "made"), workspace.root().display())];
        lines.extend(adopt::lines(&options, &opinion, &outcome));
        lines
    })?;
    let code = args.from.ending(session, &outcome);
    say_where(session, &workspace);
    session
        .say("next: `comfydock run` starts ComfyUI; `comfydock commit` keeps your workflows and the models they need");
    Ok(code)
}
