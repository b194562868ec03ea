//! `comfydock-hub token`.

use clap::{Subcommand, ValueEnum};
use comfydock_core::wire;

use super::{ACTOR, output};
use crate::clock::{self, Seconds, rfc3339};
use crate::db::Database;
use crate::service::{Error, token};

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make a token and print it; it is never shown again
    Create {
        /// The user it belongs to
        user: String,
        /// What it may be used for
        #[arg(long, value_enum, default_value_t = Scope::Push)]
        scope: Scope,
        /// When it ends: a number of days, or a date such as 2027-01-31 (its end, in UTC)
        #[arg(long, value_name = "DAYS|DATE", value_parser = parse_expiry)]
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
    /// Clone, pull and look things up
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

fn parse_expiry(text: &str) -> Result<Seconds, String> {
    const DAY: Seconds = 24 * 60 * 60;
    if let Ok(days) = text.parse::<u16>() {
        return Ok(clock::now() + Seconds::from(days) * DAY);
    }
    let date: jiff::civil::Date = text.parse().map_err(|_| "neither a number of days nor a date".to_owned())?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(midnight.timestamp().as_second() + DAY)
}

pub(super) fn run(command: &Token, database: &Database) -> Result<(), Error> {
    match command {
        Token::Create { user, scope, expires, name } => {
            let scope = (*scope).into();
            let new = token::NewToken { user, label: name, scope, expires_at: *expires, actor: ACTOR };
            output::line(&token::create(database, &new)?)
        }
        Token::Revoke { id } => token::revoke(database, *id, ACTOR),
        Token::List { user } => {
            let time = |at: Option<Seconds>| at.map_or_else(|| "-".to_owned(), rfc3339);
            let rows: Vec<_> = token::list(database, user.as_deref())?
                .into_iter()
                .map(|token| {
                    [
                        token.id.to_string(),
                        token.user,
                        token.scope,
                        rfc3339(token.created_at),
                        time(token.expires_at),
                        time(token.last_used_at),
                        time(token.revoked_at),
                        token.label,
                    ]
                })
                .collect();
            let headings = ["ID", "USER", "SCOPE", "CREATED", "EXPIRES", "LAST USED", "REVOKED", "NAME"];
            output::table(headings, &rows)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_days_or_the_end_of_a_date() {
        assert_eq!(rfc3339(parse_expiry("2027-01-31").unwrap()), "2027-02-01T00:00:00Z");
        let in_a_day = parse_expiry("1").unwrap() - clock::now();
        assert!((86_390..=86_400).contains(&in_a_day));
        assert!(parse_expiry("soon").is_err());
        assert!(parse_expiry("-1").is_err());
    }
}
