//! Browser sessions: opened with a token, as good as that token.

use std::net::IpAddr;

use super::Error;
use super::login::{self, Logins};
use super::token::{self, Refusal, Rejection};
use super::visitor::Caller;
use crate::clock::{self, Seconds};
use crate::db::{Database, tokens};
use crate::random;

/// How long a session lasts, in seconds: seven days.
pub(crate) const LIFETIME: Seconds = 7 * 24 * 60 * 60;

/// A signed-in browser.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) caller: Caller,
    /// What every form must carry.
    pub(crate) csrf: String,
}

/// A random word for a cookie or a form.
pub(crate) fn fresh_word() -> Result<String, Error> {
    random::secret::<32>().map_err(|error| Error::Interrupted(error.to_string()))
}

/// Opens a session and returns its cookie's value, which is kept only as a hash.
pub(crate) fn open(database: &Database, logins: &Logins, address: IpAddr, presented: &str) -> Result<String, Refusal> {
    let caller = login::sign_in(database, logins, address, Some(presented))?;
    let (cookie, csrf) = (fresh_word()?, fresh_word()?);
    let now = clock::now();
    let session = tokens::Session { token_id: caller.token_id, csrf, expires_at: now + LIFETIME };
    database
        .write(|transaction| tokens::open_session(transaction, &random::fingerprint(&cookie), &session, now))
        .map_err(Error::from)?;
    Ok(cookie)
}

/// Who sits behind this cookie.
pub(crate) fn resume(database: &Database, cookie: &str) -> Result<Browser, Refusal> {
    let hash = random::fingerprint(cookie);
    let found = database.read(|connection| tokens::find_session(connection, &hash)).map_err(Error::from)?;
    let session = found.filter(|session| session.expires_at > clock::now()).ok_or(Rejection::Unknown)?;
    let caller = token::authenticate_by_id(database, session.token_id)?;
    Ok(Browser { caller, csrf: session.csrf })
}

/// Ends the session.
pub(crate) fn close(database: &Database, cookie: &str) -> Result<(), Error> {
    Ok(database.write(|transaction| tokens::close_session(transaction, &random::fingerprint(cookie)))?)
}
