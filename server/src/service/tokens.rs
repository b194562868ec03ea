//! The tokens of users: making, listing and ending them.

use comfydock_core::pattern::EnvironmentPattern;
use comfydock_core::wire::{self, CreatedToken, SCHEMA, Scope, TokenList};

use super::Error;
use super::token::generate;
use super::visitor::{Caller, Visitor};
use crate::clock::{self, Seconds};
use crate::db::{Database, audit, tokens};
use crate::random;

/// Characters a token's name may have.
const LABEL_LIMIT: usize = 100;

/// What a new token shall be.
#[derive(Debug)]
pub(crate) struct NewToken<'a> {
    pub(crate) user: &'a str,
    pub(crate) label: &'a str,
    pub(crate) scope: Scope,
    pub(crate) environments: Option<&'a EnvironmentPattern>,
    pub(crate) expires_at: Option<Seconds>,
}

/// Makes a token. This is the only time its text exists.
pub(crate) fn create(database: &Database, visitor: &Visitor, new: &NewToken<'_>) -> Result<CreatedToken, Error> {
    if !matches!(visitor, Visitor::Operator) {
        check_within(visitor.caller()?, new)?;
    }
    let user = super::accounts::load_user(database, new.user)?;
    if user.disabled {
        return Err(Error::invalid(format!("the user `{}` is disabled", user.name)));
    }
    if new.label.chars().count() > LABEL_LIMIT || new.label.contains(char::is_control) {
        return Err(Error::invalid(format!(
            "a token's name has at most {LABEL_LIMIT} characters, all of them printable"
        )));
    }
    let token = generate()?;
    let now = clock::now();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("the token would be expired from the start"));
    }
    let environments = new.environments.map(ToString::to_string);
    let id = database.write(|transaction| {
        let fresh = tokens::Fresh {
            user: user.id,
            label: new.label,
            hash: random::fingerprint(&token),
            scope: new.scope.as_str(),
            environments: environments.as_deref(),
            created_at: now,
            expires_at: new.expires_at,
        };
        let id = tokens::insert(transaction, &fresh)?;
        let subject = format!("{}#{id}", user.name);
        let detail = format!("{} {}", new.scope, environments.as_deref().unwrap_or("*/*"));
        audit::record(transaction, now, visitor.name(), "token.create", &subject, &detail)?;
        Ok(id)
    })?;
    Ok(CreatedToken { token, id })
}

/// A token can make no token that may do more, or for longer.
fn check_within(caller: &Caller, new: &NewToken<'_>) -> Result<(), Error> {
    if caller.scope < Scope::Admin {
        return Err(Error::Forbidden {
            message: format!("this token has the scope `{}`, which is not enough to make tokens", caller.scope),
            hint: "use a token with the scope `admin`, or ask whoever runs the hub for the new one".to_owned(),
        });
    }
    let refuse = |message: String, hint: String| Err(Error::Forbidden { message, hint });
    if !new.user.eq_ignore_ascii_case(&caller.user) {
        return refuse("you may make tokens for yourself only".to_owned(), "leave the user out".to_owned());
    }
    if let Some(bound) = &caller.environments
        && !new.environments.is_some_and(|wanted| bound.covers(wanted))
    {
        return refuse(
            format!("this token is for {bound} only, and so are the tokens that it makes"),
            format!("make it for `{bound}`, or for less"),
        );
    }
    match caller.expires_at {
        Some(end) if new.expires_at.is_none_or(|at| at > end) => refuse(
            format!("this token ends at {}, and so do the tokens that it makes", clock::rfc3339(end)),
            "let it expire by then".to_owned(),
        ),
        _ => Ok(()),
    }
}

/// The caller's tokens; for those who run the hub all of them, or those of one user. Never their text.
pub(crate) fn list(database: &Database, visitor: &Visitor, user: Option<&str>) -> Result<TokenList, Error> {
    let (own, current) = match visitor {
        Visitor::Operator => (None, None),
        _ => visitor.caller().map(|caller| (Some(caller.user_id), Some(caller.token_id)))?,
    };
    let user = match user {
        Some(name) if visitor.caller().is_ok_and(|caller| caller.user.eq_ignore_ascii_case(name)) => own,
        Some(name) => {
            visitor.check_hub_admin()?;
            Some(super::accounts::load_user(database, name)?.id)
        }
        None => own,
    };
    let token = |token: tokens::Token| wire::Token {
        current: current == Some(token.id),
        id: token.id,
        user: token.user,
        name: token.label,
        scope: Scope::find(&token.scope).unwrap_or(Scope::Read),
        environments: token.environments.as_deref().and_then(|text| EnvironmentPattern::parse(text).ok()),
        created_at: clock::rfc3339(token.created_at),
        expires_at: token.expires_at.map(clock::rfc3339),
        last_used_at: token.last_used_at.map(clock::rfc3339),
        revoked_at: token.revoked_at.map(clock::rfc3339),
    };
    let found = database.read(|connection| tokens::list(connection, user))?;
    Ok(TokenList { schema: SCHEMA, tokens: found.into_iter().map(token).collect() })
}

/// Ends a token. Any token may end itself, one with the scope `admin` those of its user.
pub(crate) fn revoke(database: &Database, visitor: &Visitor, id: i64) -> Result<(), Error> {
    let missing = || visitor.missing(format!("the token {id}"));
    let found = database.read(|connection| tokens::find_by_id(connection, id))?;
    let token = match (visitor, found) {
        (Visitor::Operator, None) => return Err(Error::invalid(format!("there is no token {id}"))),
        (Visitor::Anonymous { .. }, _) => return Err(Error::SignIn),
        (_, found) => found.ok_or_else(missing)?,
    };
    if let Visitor::Caller(caller) = visitor
        && caller.token_id != token.id
    {
        if token.user_id != caller.user_id && !caller.is_admin {
            return Err(missing());
        }
        caller.check_accounts()?;
    }
    if token.revoked_at.is_some() {
        return Ok(());
    }
    let now = clock::now();
    database.write(|transaction| {
        tokens::revoke(transaction, id, now)?;
        audit::record(transaction, now, visitor.name(), "token.revoke", &format!("{}#{id}", token.user), "")
    })?;
    Ok(())
}
