//! Users, teams and who is in them.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::clock::Seconds;

/// A user or a team.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) is_team: bool,
    pub(crate) name: String,
    pub(crate) admin: bool,
    pub(crate) disabled: bool,
}

const COLUMNS: &str = "id, kind = 'team', name, admin, disabled_at IS NOT NULL";

fn account(row: &Row<'_>) -> Result<Account> {
    Ok(Account { id: row.get(0)?, is_team: row.get(1)?, name: row.get(2)?, admin: row.get(3)?, disabled: row.get(4)? })
}

/// Adds a user or a team; fails on a taken name.
pub(crate) fn insert(connection: &Connection, is_team: bool, name: &str, admin: bool, at: Seconds) -> Result<i64> {
    connection.execute(
        "INSERT INTO accounts (kind, name, folded, admin, created_at) VALUES (?, ?, ?, ?, ?)",
        (if is_team { "team" } else { "user" }, name, name.to_ascii_lowercase(), admin, at),
    )?;
    Ok(connection.last_insert_rowid())
}

/// The user or team of this name, in any case.
pub(crate) fn find(connection: &Connection, name: &str) -> Result<Option<Account>> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE folded = ?");
    connection.prepare_cached(&sql)?.query_row([name.to_ascii_lowercase()], account).optional()
}

/// All users, by name.
pub(crate) fn users(connection: &Connection) -> Result<Vec<Account>> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE kind = 'user' ORDER BY folded");
    connection.prepare(&sql)?.query_map([], account)?.collect()
}

/// Whether any user administers the hub.
pub(crate) fn has_admin(connection: &Connection) -> Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM accounts WHERE admin)", [], |row| row.get(0))
}

/// Shuts a user out.
pub(crate) fn disable(connection: &Connection, id: i64, at: Seconds) -> Result<()> {
    connection.execute("UPDATE accounts SET disabled_at = ? WHERE id = ? AND disabled_at IS NULL", (at, id))?;
    Ok(())
}

/// Lets a user in again.
pub(crate) fn enable(connection: &Connection, id: i64) -> Result<()> {
    connection.execute("UPDATE accounts SET disabled_at = NULL WHERE id = ?", [id])?;
    Ok(())
}

/// How many users administer the hub and are not shut out, this one not counted.
pub(crate) fn other_admins(connection: &Connection, id: i64) -> Result<u64> {
    let sql = "SELECT count(*) FROM accounts WHERE admin AND disabled_at IS NULL AND id <> ?";
    connection.query_row(sql, [id], |row| row.get(0))
}

/// Every team with the number of its members and the user's role there, by name.
pub(crate) fn teams(connection: &Connection, user: i64) -> Result<Vec<(String, u64, Option<String>)>> {
    let sql = "SELECT name, (SELECT count(*) FROM members WHERE team_id = id),
            (SELECT role FROM members WHERE team_id = id AND user_id = ?)
        FROM accounts WHERE kind = 'team' ORDER BY folded";
    connection.prepare_cached(sql)?.query_map([user], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// Who is in a team, with the roles, by name.
pub(crate) fn members(connection: &Connection, team: i64) -> Result<Vec<(String, String)>> {
    let sql = "SELECT name, role FROM members JOIN accounts ON id = user_id WHERE team_id = ? ORDER BY folded";
    connection.prepare_cached(sql)?.query_map([team], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// How many admins a team has who are not shut out, this user not counted.
pub(crate) fn other_team_admins(connection: &Connection, team: i64, user: i64) -> Result<u64> {
    let sql = "SELECT count(*) FROM members JOIN accounts ON id = user_id
        WHERE team_id = ? AND role = 'admin' AND user_id <> ? AND disabled_at IS NULL";
    connection.query_row(sql, (team, user), |row| row.get(0))
}

/// Takes a user out of a team. False when they were not in it.
pub(crate) fn remove_member(connection: &Connection, team: i64, user: i64) -> Result<bool> {
    Ok(connection.execute("DELETE FROM members WHERE team_id = ? AND user_id = ?", (team, user))? > 0)
}

/// Puts a user into a team, or changes the role there.
pub(crate) fn set_member(connection: &Connection, team: i64, user: i64, role: &str) -> Result<()> {
    connection.execute(
        "INSERT INTO members (team_id, user_id, role) VALUES (?, ?, ?)
         ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role",
        (team, user, role),
    )?;
    Ok(())
}

/// The word for the user's role in the team.
pub(crate) fn find_role(connection: &Connection, team: i64, user: i64) -> Result<Option<String>> {
    let sql = "SELECT role FROM members WHERE team_id = ? AND user_id = ?";
    connection.prepare_cached(sql)?.query_row((team, user), |row| row.get(0)).optional()
}

/// The user's teams with the roles there.
pub(crate) fn memberships(connection: &Connection, user: i64) -> Result<Vec<(String, String)>> {
    let sql = "SELECT name, role FROM members JOIN accounts ON id = team_id WHERE user_id = ? ORDER BY folded";
    connection.prepare_cached(sql)?.query_map([user], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
