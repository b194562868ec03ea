use std::process::ExitCode;

use comfydock_core::wire::Whoami;
use comfydock_workspace::ops::login;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;

/// Accounts on hubs
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Log in to a hub with a token: asked for, from stdin, or from COMFYDOCK_TOKEN
    Login {
        /// The hub's address, `https://hub.example.org`
        url: String,
    },
    /// Forget the token of a hub
    Logout {
        /// The hub's address [default: the hub in use]
        url: Option<String>,
    },
    /// Show who you are on the hub
    Whoami,
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    let context = session.context(&[]);
    match command {
        Command::Login { url } => {
            let hub = login::check(url, &context)?;
            let token = match comfydock_workspace::remote::hub::variable("COMFYDOCK_TOKEN") {
                Some(token) => token,
                None => prompt::secret(session, &format!("Token for {}:", hub.url()))?,
            };
            let who = login::login(hub, &token)?;
            session.print("hub.login", document(&who), || {
                vec![format!("{} as {}", paint(GREEN, "logged in"), describe(&who))]
            })?;
        }
        Command::Logout { url } => {
            let hub = login::logout(url.as_deref(), &context)?;
            session.print("hub.logout", json!({ "hub": hub }), || vec![format!("logged out of {hub}")])?;
        }
        Command::Whoami => {
            let (hub, who) = login::whoami(&context)?;
            session.print("hub.whoami", document(&who), || vec![format!("{} on {hub}", describe(&who))])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn document(who: &Whoami) -> serde_json::Value {
    serde_json::to_value(who).unwrap_or_default()
}

fn describe(who: &Whoami) -> String {
    let teams: Vec<String> = who.teams.iter().map(|member| format!("{} of {}", member.role, member.team)).collect();
    let teams = if teams.is_empty() { "in no team".to_owned() } else { teams.join(", ") };
    let until = who.expires_at.as_ref().map(|time| format!(", until {time}")).unwrap_or_default();
    format!("{} ({teams}; the token may {}{until})", who.user, who.scope)
}
