//! `comfydock-hub token`.

use clap::{Subcommand, ValueEnum};
use comfydock_core::pattern::EnvironmentPattern;
use comfydock_core::wire;

use super::output;
use crate::clock::{self, Seconds};
use crate::db::Database;
use crate::service::visitor::Visitor;
use crate::service::{Error, tokens};

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make a token and print it; it is never shown again
    Create {
        /// The user it belongs to
        user: String,
        /// What it may be used for
        #[arg(long, value_enum, default_value_t = Scope::Push)]
        scope: Scope,
        /// The only environments it is for: `team/*`, `*/name` or `team/name` [default: all of the user's]
        #[arg(long, value_name = "PATTERN")]
        environments: Option<EnvironmentPattern>,
        /// When it ends: a number of days, or a date such as 2027-01-31 (its end, in UTC)
        #[arg(long, value_name = "DAYS|DATE", value_parser = clock::parse_end)]
        expires: Option<Seconds>,
        /// What it is for, to tell it from others
        #[arg(long, value_name = "LABEL", default_value = "")]
        name: String,
    },
    /// List tokens, without their text
    List {
        /// Only those of this user
        user: Option<String>,
    },
    /// End a token at once
    Revoke {
        /// Its number in `token list`
        id: i64,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Scope {
    /// Clone, pull, look things up, and tell what sources turned out to be worth
    Read,
    /// Push as well
    Push,
    /// Everything the user may do
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

pub(super) fn run(command: &Token, database: &Database) -> Result<(), Error> {
    match command {
        Token::Create { user, scope, environments, expires, name } => {
            let new = tokens::NewToken {
                user,
                label: name,
                scope: (*scope).into(),
                environments: environments.as_ref(),
                expires_at: *expires,
            };
            output::line(&tokens::create(database, &Visitor::Operator, &new)?.token)
        }
        Token::Revoke { id } => tokens::revoke(database, &Visitor::Operator, *id),
        Token::List { user } => {
            let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let rows: Vec<_> = tokens::list(database, &Visitor::Operator, user.as_deref())?
                .tokens
                .into_iter()
                .map(|token| {
                    [
                        token.id.to_string(),
                        token.user,
                        token.scope.to_string(),
                        token.environments.map_or_else(|| "*/*".to_owned(), |pattern| pattern.to_string()),
                        token.created_at,
                        or_dash(token.expires_at),
                        or_dash(token.last_used_at),
                        or_dash(token.revoked_at),
                        token.name,
                    ]
                })
                .collect();
            let headings =
                ["ID", "USER", "SCOPE", "ENVIRONMENTS", "CREATED", "EXPIRES", "LAST USED", "REVOKED", "NAME"];
            output::table(headings, &rows)
        }
    }
}
