use std::process::ExitCode;

use comfydock_core::name::EnvironmentName;
use comfydock_workspace::ops::log;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, RED, paint, table};
use crate::session::Session;

/// List the environments of the workspace
#[derive(clap::Args)]
pub(crate) struct ListArgs {}

/// Choose the environment that commands mean when none is named
#[derive(clap::Args)]
pub(crate) struct UseArgs {
    /// The environment
    name: EnvironmentName,
}

pub(crate) fn list(session: &Session) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let active = workspace.settings.active_environment.clone();
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for name in workspace.environments()? {
        let environment = match workspace.environment(Some(&name)) {
            Ok(environment) => environment,
            Err(error) => {
                documents.push(
                    json!({ "name": name, "active": active.as_ref() == Some(&name), "error": error.to_string() }),
                );
                rows.push(vec![format!("  {name}"), paint(RED, format!("cannot be opened: {error}"))]);
                continue;
            }
        };
        let version = log::log(&environment, 1)?.first().map_or(0, |version| version.number);
        let comfyui =
            environment.manifest()?.manifest().map(|manifest| manifest.environment.comfyui_version).unwrap_or_default();
        let is_active = active.as_ref() == Some(&name);
        documents.push(json!({ "name": name, "active": is_active, "version": version, "comfyui_version": comfyui, "path": environment.root() }));
        let mark = if is_active { paint(GREEN, "*") } else { " ".to_owned() };
        rows.push(vec![format!("{mark} {name}"), format!("v{version}"), format!("ComfyUI {comfyui}")]);
    }
    session.print("list", json!({ "environments": documents }), || table(&rows))?;
    if rows.is_empty() {
        session.say("no environments yet; `comfydock create NAME` makes one");
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn activate(session: &Session, args: &UseArgs) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    workspace.environment(Some(&args.name))?;
    let _lock = workspace.refresh()?;
    workspace.settings.active_environment = Some(args.name.clone());
    workspace.save()?;
    session.print("use", json!({ "active": args.name }), || vec![format!("{} is active", args.name)])?;
    Ok(ExitCode::SUCCESS)
}
