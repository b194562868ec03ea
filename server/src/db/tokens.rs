//! Tokens, and the browser sessions opened with them.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::clock::Seconds;

/// A token with its user.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: i64,
    pub(crate) user_id: i64,
    pub(crate) user: String,
    pub(crate) user_is_admin: bool,
    pub(crate) user_is_disabled: bool,
    pub(crate) label: String,
    pub(crate) scope: String,
    /// The only environments it is for, as a pattern.
    pub(crate) environments: Option<String>,
    pub(crate) created_at: Seconds,
    pub(crate) expires_at: Option<Seconds>,
    pub(crate) last_used_at: Option<Seconds>,
    pub(crate) revoked_at: Option<Seconds>,
}

/// A browser's session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) token_id: i64,
    pub(crate) csrf: String,
    pub(crate) expires_at: Seconds,
}

const SELECT: &str = "SELECT tokens.id, user_id, name, admin, disabled_at IS NOT NULL, label, scope,
    tokens.created_at, expires_at, last_used_at, revoked_at, environments FROM tokens JOIN accounts ON accounts.id = user_id";

fn token(row: &Row<'_>) -> Result<Token> {
    Ok(Token {
        id: row.get(0)?,
        user_id: row.get(1)?,
        user: row.get(2)?,
        user_is_admin: row.get(3)?,
        user_is_disabled: row.get(4)?,
        label: row.get(5)?,
        scope: row.get(6)?,
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
        last_used_at: row.get(9)?,
        revoked_at: row.get(10)?,
        environments: row.get(11)?,
    })
}

/// A token that is to be kept.
#[derive(Debug)]
pub(crate) struct Fresh<'a> {
    pub(crate) user: i64,
    pub(crate) label: &'a str,
    pub(crate) hash: [u8; 32],
    pub(crate) scope: &'a str,
    pub(crate) environments: Option<&'a str>,
    pub(crate) created_at: Seconds,
    pub(crate) expires_at: Option<Seconds>,
}

/// Keeps a token by its hash.
pub(crate) fn insert(connection: &Connection, fresh: &Fresh<'_>) -> Result<i64> {
    connection.execute(
        "INSERT INTO tokens (user_id, label, hash, scope, environments, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            fresh.user,
            fresh.label,
            fresh.hash.as_slice(),
            fresh.scope,
            fresh.environments,
            fresh.created_at,
            fresh.expires_at,
        ),
    )?;
    Ok(connection.last_insert_rowid())
}

/// The token with this hash.
pub(crate) fn find(connection: &Connection, hash: &[u8; 32]) -> Result<Option<Token>> {
    connection.prepare_cached(&format!("{SELECT} WHERE hash = ?"))?.query_row([hash.as_slice()], token).optional()
}

/// The token with this number.
pub(crate) fn find_by_id(connection: &Connection, id: i64) -> Result<Option<Token>> {
    connection.prepare_cached(&format!("{SELECT} WHERE tokens.id = ?"))?.query_row([id], token).optional()
}

/// All tokens, or one user's.
pub(crate) fn list(connection: &Connection, user: Option<i64>) -> Result<Vec<Token>> {
    let sql = format!("{SELECT} WHERE ?1 IS NULL OR user_id = ?1 ORDER BY tokens.id");
    connection.prepare(&sql)?.query_map([user], token)?.collect()
}

/// Notes that the token was used.
pub(crate) fn touch(connection: &Connection, id: i64, at: Seconds) -> Result<()> {
    connection.prepare_cached("UPDATE tokens SET last_used_at = ? WHERE id = ?")?.execute((at, id))?;
    Ok(())
}

/// Ends a token.
pub(crate) fn revoke(connection: &Connection, id: i64, at: Seconds) -> Result<()> {
    connection.execute("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, id))?;
    Ok(())
}

/// Keeps a session by its hash, and forgets those that are over.
pub(crate) fn open_session(connection: &Connection, hash: &[u8; 32], session: &Session, now: Seconds) -> Result<()> {
    forget_sessions(connection, now)?;
    connection.execute(
        "INSERT INTO sessions (hash, token_id, csrf, expires_at) VALUES (?, ?, ?, ?)",
        (hash.as_slice(), session.token_id, &session.csrf, session.expires_at),
    )?;
    Ok(())
}

/// Forgets the sessions that are over.
pub(crate) fn forget_sessions(connection: &Connection, now: Seconds) -> Result<()> {
    connection.execute("DELETE FROM sessions WHERE expires_at < ?", [now])?;
    Ok(())
}

/// The session with this hash.
pub(crate) fn find_session(connection: &Connection, hash: &[u8; 32]) -> Result<Option<Session>> {
    let read = |row: &Row<'_>| Ok(Session { token_id: row.get(0)?, csrf: row.get(1)?, expires_at: row.get(2)? });
    let sql = "SELECT token_id, csrf, expires_at FROM sessions WHERE hash = ?";
    connection.prepare_cached(sql)?.query_row([hash.as_slice()], read).optional()
}

/// Ends a session.
pub(crate) fn close_session(connection: &Connection, hash: &[u8; 32]) -> Result<()> {
    connection.execute("DELETE FROM sessions WHERE hash = ?", [hash.as_slice()])?;
    Ok(())
}
