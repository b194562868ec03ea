//! A token: how it looks, and what presenting one means.

use comfydock_core::pattern::EnvironmentPattern;
use comfydock_core::wire::Scope;

use super::Error;
use super::visitor::Caller;
use crate::clock::{self, Seconds};
use crate::db::{Database, accounts, audit, tokens};
use crate::random;

/// What every token starts with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "cdk_";
/// Seconds between two notes of a token's last use: not every request needs a write.
const TOUCH_INTERVAL: Seconds = 60;

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("the token is not one this hub knows")]
    Unknown,
    #[error("the token expired at {0}")]
    Expired(String),
    #[error("the token was revoked at {0}")]
    Revoked(String),
    #[error("the user `{0}` is disabled")]
    Disabled(String),
}

/// A token was presented and not accepted, or could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("too many logins failed from this address, so this one was not looked at")]
    TooMany {
        /// How long to wait.
        seconds: u32,
    },
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Whether text has the shape of a token, its checksum included: saves a look-up, proves nothing.
fn is_well_formed(token: &str) -> bool {
    let Some((secret, checksum)) = token.strip_prefix(PREFIX).and_then(|rest| rest.split_at_checked(64)) else {
        return false;
    };
    secret.bytes().all(|byte| byte.is_ascii_hexdigit()) && checksum == checksum_of(secret)
}

fn checksum_of(secret: &str) -> String {
    random::hex(&random::fingerprint(secret)[..3])
}

/// A fresh token: prefix, 32 random bytes, checksum.
pub(super) fn generate() -> Result<String, Error> {
    let secret = random::secret::<32>().map_err(|error| Error::Interrupted(error.to_string()))?;
    Ok(format!("{PREFIX}{secret}{}", checksum_of(&secret)))
}

/// Who presents this token.
pub(crate) fn authenticate(database: &Database, presented: &str) -> Result<Caller, Refusal> {
    if !is_well_formed(presented) {
        return Err(Rejection::Unknown.into());
    }
    // The look-up compares hashes of 32 random bytes: its timing tells nothing about any token.
    let hash = random::fingerprint(presented);
    let found = database.read(|connection| tokens::find(connection, &hash)).map_err(Error::from)?;
    accept(database, found)
}

/// Who a browser's session belongs to; its token must still be good.
pub(super) fn authenticate_by_id(database: &Database, id: i64) -> Result<Caller, Refusal> {
    let found = database.read(|connection| tokens::find_by_id(connection, id)).map_err(Error::from)?;
    accept(database, found)
}

fn accept(database: &Database, found: Option<tokens::Token>) -> Result<Caller, Refusal> {
    let token = found.ok_or(Rejection::Unknown)?;
    let now = clock::now();
    if let Some(at) = token.revoked_at {
        return Err(Rejection::Revoked(clock::rfc3339(at)).into());
    }
    if let Some(at) = token.expires_at.filter(|at| *at <= now) {
        return Err(Rejection::Expired(clock::rfc3339(at)).into());
    }
    if token.user_is_disabled {
        return Err(Rejection::Disabled(token.user).into());
    }
    if token.last_used_at.is_none_or(|at| at + TOUCH_INTERVAL <= now) {
        // Whoever only reads is served on a full disk too.
        if let Err(error) = database.write(|transaction| tokens::touch(transaction, token.id, now)) {
            tracing::warn!(error = Error::from(error).chain(), "a token's use was not noted");
        }
    }
    // A pattern that cannot be read must not become none, which would be wider.
    let environments = token.environments.as_deref().map(EnvironmentPattern::parse).transpose();
    let environments = environments.map_err(|error| Error::Interrupted(error.to_string()))?;
    Ok(Caller {
        environments,
        user_id: token.user_id,
        user: token.user,
        is_admin: token.user_is_admin,
        token_id: token.id,
        scope: Scope::find(&token.scope).unwrap_or(Scope::Read),
        expires_at: token.expires_at,
    })
}

/// Makes the first admin and a token for it, unless there is an admin. `keep` stores the token
/// before the account counts, so that a crash between leaves no admin without a token.
pub(crate) fn first_admin(database: &Database, keep: impl FnOnce(&str) -> std::io::Result<()>) -> Result<bool, Error> {
    if database.read(accounts::has_admin)? {
        return Ok(false);
    }
    let token = generate()?;
    keep(&token).map_err(|error| Error::system("cannot write the admin's token", error))?;
    let now = clock::now();
    database.write(|transaction| {
        let id = match accounts::find(transaction, "admin")? {
            Some(account) => account.id,
            None => accounts::insert(transaction, false, "admin", true, now)?,
        };
        let fresh = tokens::Fresh {
            user: id,
            label: "first start",
            hash: random::fingerprint(&token),
            scope: Scope::Admin.as_str(),
            environments: None,
            created_at: now,
            expires_at: None,
        };
        tokens::insert(transaction, &fresh)?;
        audit::record(transaction, now, "hub", "user.add", "admin", "first start")
    })?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_its_checksum() {
        let token = generate().unwrap();
        assert!(is_well_formed(&token) && token.len() == 4 + 64 + 6, "{token}");
        let mut typo = token.into_bytes();
        typo[10] = if typo[10] == b'0' { b'1' } else { b'0' };
        assert!(!is_well_formed(std::str::from_utf8(&typo).unwrap()));
        for text in ["", "cdk_", "cdk_é", "hunter2"] {
            assert!(!is_well_formed(text));
        }
    }
}
