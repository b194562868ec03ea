use std::process::ExitCode;

use comfydock_core::name::{EnvironmentName, RepoPath};
use comfydock_core::wire::{Role, Scope, Whoami};
use comfydock_workspace::ops::login;
use serde::Serialize;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;

mod environments;
mod token;

/// Accounts on hubs, and what is kept there
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
    /// Show who you are on the hub, and what the token may do
    Whoami,
    /// List the environments on the hub, and what you may do with each
    Environments {
        /// Those that are deleted and that you may restore
        #[arg(long)]
        deleted: bool,
    },
    /// Rename an environment on the hub; the old name leads to it for a time
    Rename {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
        /// Its new name
        name: EnvironmentName,
    },
    /// Say who may see an environment on the hub
    Visibility {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
        /// `private`: its owner or the owning team; `public`: everybody who reaches the hub
        visibility: environments::Visibility,
    },
    /// Delete an environment on the hub; it can be restored for a time
    Delete {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
    },
    /// Take the deletion of an environment on the hub back
    Restore {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
    },
    /// Tokens, with which machines log in
    #[command(subcommand)]
    Token(token::Command),
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
            let hub = login::logout(url.as_deref(), session.workspace().ok().as_ref(), &context)?;
            session.print("hub.logout", json!({ "hub": hub }), || vec![format!("logged out of {hub}")])?;
        }
        Command::Whoami => {
            let (hub, who) = login::whoami(&context)?;
            session.print("hub.whoami", document(&who), || {
                let mut lines = vec![format!("{} on {hub}", describe(&who))];
                lines.extend(rights(&who));
                lines
            })?;
        }
        Command::Environments { deleted } => environments::list(session, *deleted)?,
        Command::Rename { path, name } => environments::rename(session, path, name)?,
        Command::Visibility { path, visibility } => environments::show_to(session, path, *visibility)?,
        Command::Delete { path } => environments::delete(session, path)?,
        Command::Restore { path } => environments::restore(session, path)?,
        Command::Token(command) => token::run(session, command)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the hub answered, as our own document.
fn document(answer: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(answer).unwrap_or_default()
}

fn describe(who: &Whoami) -> String {
    let mut places: Vec<String> =
        who.teams.iter().map(|member| format!("{} of {}", member.role, member.team)).collect();
    if who.admin {
        places.insert(0, "admin of the hub".to_owned());
    }
    let places = if places.is_empty() { "in no team".to_owned() } else { places.join(", ") };
    let bound = who.environments.as_ref().map(|pattern| format!(" {pattern}")).unwrap_or_default();
    let until = who.expires_at.as_ref().map(|time| format!(", until {time}")).unwrap_or_default();
    let may = if who.scope == Scope::Admin { "do everything you may".to_owned() } else { who.scope.to_string() };
    let bound = if who.scope == Scope::Admin && !bound.is_empty() { format!(" in{bound}") } else { bound };
    format!("{} ({places}; the token may {may}{bound}{until})", who.user)
}

/// What the token may do with whose environments.
fn rights(who: &Whoami) -> Vec<String> {
    let own = comfydock_core::wire::Right::of(Role::Admin, who.scope);
    let only = who.environments.as_ref().map(|pattern| format!(", of {pattern} only")).unwrap_or_default();
    let mut lines = vec![format!("  {own}{only}: {}'s environments", who.user)];
    if who.admin {
        lines = vec![format!("  {own}{only}: every environment on the hub")];
    } else {
        let of_teams = who.teams.iter().filter_map(|member| Some((member, member.may?)));
        lines.extend(of_teams.map(|(member, may)| format!("  {may}{only}: {}'s environments", member.team)));
    }
    if who.scope == Scope::Admin && who.environments.is_none() {
        lines.push("  make and revoke tokens".to_owned());
        if who.admin {
            lines.push("  administer users and teams, read the audit".to_owned());
        }
    }
    lines
}
