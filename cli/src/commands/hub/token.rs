use clap::ValueEnum;
use comfydock_core::pattern::EnvironmentPattern;
use comfydock_core::wire::{self, NewToken, Token};
use comfydock_workspace::ops::login::hub_in_use;
use serde_json::json;

use super::document;
use crate::error::Failure;
use crate::printer::table;
use crate::session::Session;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a token that may do no more than the one in use, and print it; it is never shown again
    Create {
        /// What it may be used for: read < push < admin
        #[arg(long, value_name = "SCOPE", default_value = "push")]
        scope: Scope,
        /// The only environments it is for: `team/*`, `*/name` or `team/name` [default: those of the one in use]
        #[arg(long, value_name = "PATTERN")]
        environments: Option<EnvironmentPattern>,
        /// When it ends: a number of days, or a date such as 2027-01-31
        #[arg(long, value_name = "DAYS|DATE")]
        expires: Option<String>,
        /// What it is for, to tell it from others
        #[arg(long, value_name = "LABEL", default_value = "")]
        name: String,
    },
    /// List your tokens, without their text
    List,
    /// End a token at once
    Revoke {
        /// Its number in `hub token list`
        id: i64,
    },
}

#[derive(Clone, Copy, ValueEnum)]
// No doc comments on the variants: they would take a paragraph each.
pub(crate) enum Scope {
    Read,
    Push,
    Admin,
}

impl From<Scope> for wire::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self::Read,
            Scope::Push => Self::Push,
            Scope::Admin => Self::Admin,
        }
    }
}

pub(super) fn run(session: &Session, command: &Command) -> Result<(), Failure> {
    let hub = hub_in_use(&session.context(&[]))?;
    match command {
        Command::Create { scope, environments, expires, name } => {
            // What was not said is not to be wider than what one has.
            let environments = match environments {
                Some(pattern) => Some(pattern.clone()),
                None => hub.whoami()?.environments,
            };
            let new = NewToken { name: name.clone(), scope: (*scope).into(), environments, expires: expires.clone() };
            let made = hub.create_token(&new)?;
            session.print("hub.token.create", document(&made), || vec![made.token.clone()])
        }
        Command::List => {
            let list = hub.tokens()?;
            session.print("hub.token.list", document(&list), || table(&list.tokens.iter().map(row).collect::<Vec<_>>()))
        }
        Command::Revoke { id } => {
            hub.revoke_token(*id)?;
            session.print("hub.token.revoke", json!({ "id": id }), || vec![format!("token {id} is revoked")])
        }
    }
}

fn row(token: &Token) -> Vec<String> {
    let state = match (&token.revoked_at, &token.expires_at) {
        (Some(at), _) => format!("revoked at {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "without end".to_owned(),
    };
    let used = match &token.last_used_at {
        Some(at) => format!("used {at}"),
        None => "never used".to_owned(),
    };
    let bound = token.environments.as_ref().map_or_else(|| "*/*".to_owned(), ToString::to_string);
    let mark = if token.current { " (in use here)" } else { "" };
    vec![token.id.to_string(), token.scope.to_string(), bound, state, used, format!("{}{mark}", token.name)]
}
