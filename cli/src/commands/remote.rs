use std::process::ExitCode;

use comfydock_core::name::RemoteName;
use comfydock_workspace::ops::remotes;
use serde_json::json;

use crate::error::Failure;
use crate::printer::table;
use crate::session::Session;

/// Name where an environment is pushed to and pulled from
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add a remote
    Add {
        /// What to call it; `origin` is the one taken when none is named
        name: RemoteName,
        /// TEAM/NAME on the hub, or a git URL
        #[arg(value_name = "TEAM/NAME|URL")]
        location: String,
    },
    /// List the remotes
    List,
    /// Forget a remote
    Remove {
        /// Its name
        name: RemoteName,
    },
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    let (_, environment) = session.environment()?;
    let context = session.context(&[]);
    match command {
        Command::Add { name, location } => {
            let remote = remotes::add(&environment, name, location, &context.network)?;
            session.print("remote.add", json!({ "name": remote.name, "url": remote.url }), || {
                vec![format!("remote {} is {}", remote.name, remote.url)]
            })?;
        }
        Command::List => {
            let listed = remotes::list(&environment)?;
            let document = json!({ "remotes": listed.iter().map(|remote| json!({ "name": remote.name, "url": comfydock_workspace::shown_url(&remote.url) })).collect::<Vec<_>>() });
            session.print("remote.list", document, || {
                table(
                    &listed
                        .iter()
                        .map(|remote| vec![remote.name.clone(), comfydock_workspace::shown_url(&remote.url)])
                        .collect::<Vec<_>>(),
                )
            })?;
            if listed.is_empty() {
                session.say("no remotes; `comfydock remote add origin TEAM/NAME` adds one");
            }
        }
        Command::Remove { name } => {
            remotes::remove(&environment, name)?;
            session.print("remote.remove", json!({ "name": name }), || vec![format!("remote {name} is forgotten")])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
