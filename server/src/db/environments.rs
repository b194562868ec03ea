//! Environments and what their tips contain.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::clock::Seconds;

/// An environment, with or without a first push.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) tip: Option<String>,
}

impl Environment {
    /// `OWNER/NAME`.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// An environment as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) tip: String,
    pub(crate) pushed_at: Seconds,
    pub(crate) pushed_by: String,
    pub(crate) comfyui_version: String,
    pub(crate) workflows: u64,
    pub(crate) nodes: u64,
    pub(crate) models: u64,
    pub(crate) model_bytes: u64,
}

/// Who asks, for questions whose answer depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    pub(crate) user: i64,
    pub(crate) sees_all: bool,
}

/// True in SQL for the rows of `environments` that the viewer `(?1 sees_all, ?2 user)` may see.
pub(super) const VISIBLE: &str = "environments.tip IS NOT NULL AND (?1 OR owner_id = ?2
    OR owner_id IN (SELECT team_id FROM members WHERE user_id = ?2))";

const SELECT: &str = "SELECT environments.id, accounts.name, environments.name, tip
    FROM environments JOIN accounts ON accounts.id = owner_id";

fn environment(row: &Row<'_>) -> Result<Environment> {
    Ok(Environment { id: row.get(0)?, owner: row.get(1)?, name: row.get(2)?, tip: row.get(3)? })
}

/// The environment of this owner and name, in any case.
pub(crate) fn find(connection: &Connection, owner: i64, name: &str) -> Result<Option<Environment>> {
    let sql = format!("{SELECT} WHERE owner_id = ? AND environments.folded = ?");
    connection.prepare_cached(&sql)?.query_row((owner, name.to_ascii_lowercase()), environment).optional()
}

/// The tip that the catalog has of an environment.
pub(crate) fn tip(connection: &Connection, id: &str) -> Result<Option<String>> {
    connection.prepare_cached("SELECT tip FROM environments WHERE id = ?")?.query_row([id], |row| row.get(0))
}

/// Every environment, pushed to or not.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Environment>> {
    connection.prepare(SELECT)?.query_map([], environment)?.collect()
}

/// Adds an environment without a tip, unless it exists.
pub(crate) fn insert(connection: &Connection, id: &str, owner: i64, name: &str, at: Seconds) -> Result<()> {
    connection.execute(
        "INSERT INTO environments (id, owner_id, name, folded, created_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (owner_id, folded) DO NOTHING",
        (id, owner, name, name.to_ascii_lowercase(), at),
    )?;
    Ok(())
}

/// The environments the viewer may see, by owner and name.
pub(crate) fn visible(connection: &Connection, viewer: Viewer) -> Result<Vec<Listed>> {
    let sql = format!(
        "SELECT accounts.name, environments.name, tip, pushed_at, pushed_by, comfyui_version,
            (SELECT count(*) FROM environment_workflows WHERE environment_id = environments.id),
            (SELECT count(*) FROM environment_nodes WHERE environment_id = environments.id),
            (SELECT count(*) FROM environment_models WHERE environment_id = environments.id),
            (SELECT CAST(total(size) AS INTEGER) FROM environment_models WHERE environment_id = environments.id)
         FROM environments JOIN accounts ON accounts.id = owner_id
         WHERE {VISIBLE} ORDER BY accounts.folded, environments.folded"
    );
    let listed = |row: &Row<'_>| {
        Ok(Listed {
            owner: row.get(0)?,
            name: row.get(1)?,
            tip: row.get(2)?,
            pushed_at: row.get(3)?,
            pushed_by: row.get(4)?,
            comfyui_version: row.get(5)?,
            workflows: row.get(6)?,
            nodes: row.get(7)?,
            models: row.get(8)?,
            model_bytes: row.get(9)?,
        })
    };
    connection.prepare_cached(&sql)?.query_map((viewer.sees_all, viewer.user), listed)?.collect()
}
