//! Environments: finding them, and what is listed of them.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::clock::Seconds;

/// An environment, with or without a first push, deleted or not.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) tip: Option<String>,
    pub(crate) is_public: bool,
    pub(crate) deleted: Option<Deleted>,
}

impl Environment {
    /// Whether it is there for readers: pushed to, and not deleted.
    pub(crate) fn is_live(&self) -> bool {
        self.tip.is_some() && self.deleted.is_none()
    }

    /// `owner/name`.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// A deletion.
#[derive(Debug, Clone)]
pub(crate) struct Deleted {
    pub(crate) at: Seconds,
    pub(crate) by: String,
    /// When it goes for good.
    pub(crate) purge_at: Seconds,
}

/// An environment as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) environment: Environment,
    pub(crate) owner_id: i64,
    pub(crate) pushed_at: Seconds,
    pub(crate) pushed_by: String,
    pub(crate) comfyui_version: String,
    pub(crate) workflows: u64,
    pub(crate) nodes: u64,
    pub(crate) models: u64,
    pub(crate) model_bytes: u64,
}

/// Who asks, for questions whose answer depends on it.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    pub(crate) user: i64,
    pub(crate) sees_all: bool,
    pub(crate) sees_public: bool,
    /// The only owner the viewer's token is for, in lower case.
    pub(crate) owner: Option<String>,
    /// The only name the viewer's token is for, in lower case.
    pub(crate) name: Option<String>,
}

impl Viewer {
    /// The parameters `?1` to `?5` of every statement with [`VISIBLE`] or [`REACHABLE`].
    pub(super) fn parameters(&self) -> (bool, i64, bool, Option<&str>, Option<&str>) {
        (self.sees_all, self.user, self.sees_public, self.owner.as_deref(), self.name.as_deref())
    }
}

/// True in SQL for the rows of `environments` joined with `accounts` that the viewer's token is for. A token for a
/// name that an environment had before goes on being for it as long as that name leads to it.
macro_rules! meant {
    () => {
        "(?4 IS NULL OR accounts.folded = ?4) AND (?5 IS NULL OR environments.folded = ?5
            OR EXISTS (SELECT 1 FROM environment_names AS old WHERE old.owner_id = environments.owner_id
                AND old.folded = ?5 AND old.environment_id = environments.id AND old.until > unixepoch()))"
    };
}

/// True in SQL for the rows of `environments` joined with `accounts` that are the viewer's by
/// membership, by being public, or because the viewer sees all; within what the token is for.
macro_rules! reachable {
    () => {
        concat!(
            "(?1 OR (?3 AND visibility = 'public') OR environments.owner_id = ?2
                OR environments.owner_id IN (SELECT team_id FROM members WHERE user_id = ?2)) AND ",
            meant!()
        )
    };
}

/// Also there for readers.
pub(super) const VISIBLE: &str =
    concat!("environments.tip IS NOT NULL AND environments.deleted_at IS NULL AND ", reachable!());

/// Also deleted, and still to be had back at the time `?6`.
const DELETED: &str = concat!("environments.tip IS NOT NULL AND environments.purge_at > ?6 AND ", reachable!());

/// The columns of an [`Environment`], in the order in which [`environment`] reads them.
const COLUMNS: &str = "environments.id, accounts.name, environments.name, tip, visibility = 'public', deleted_at,
    deleted_by, purge_at";
const FROM: &str = "FROM environments JOIN accounts ON accounts.id = environments.owner_id";

fn environment(row: &Row<'_>) -> Result<Environment> {
    let deleted = match (row.get(5)?, row.get::<_, Option<String>>(6)?, row.get(7)?) {
        (Some(at), by, Some(purge_at)) => {
            Some(Deleted { at, by: by.unwrap_or_else(|| "unknown".to_owned()), purge_at })
        }
        _ => None,
    };
    Ok(Environment {
        id: row.get(0)?,
        owner: row.get(1)?,
        name: row.get(2)?,
        tip: row.get(3)?,
        is_public: row.get(4)?,
        deleted,
    })
}

/// The environment of this owner and name, in any case; deleted ones too.
pub(crate) fn find(connection: &Connection, owner: i64, name: &str) -> Result<Option<Environment>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE owner_id = ? AND environments.folded = ?");
    connection.prepare_cached(&sql)?.query_row((owner, name.to_ascii_lowercase()), environment).optional()
}

/// The environment that had this name before it was renamed, while the name leads to it.
pub(crate) fn find_by_old_name(
    connection: &Connection,
    owner: i64,
    name: &str,
    now: Seconds,
) -> Result<Option<Environment>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM} JOIN environment_names AS old ON old.environment_id = environments.id
         WHERE old.owner_id = ? AND old.folded = ? AND old.until > ?"
    );
    connection.prepare_cached(&sql)?.query_row((owner, name.to_ascii_lowercase(), now), environment).optional()
}

/// Whether the viewer's token is for this environment; what it may do there is another question.
pub(crate) fn is_meant(connection: &Connection, viewer: &Viewer, id: &str) -> Result<bool> {
    let sql = concat!(
        "SELECT EXISTS (SELECT 1 FROM environments JOIN accounts ON accounts.id = environments.owner_id
            WHERE environments.id = ?6 AND ",
        meant!(),
        ")"
    );
    let (all, user, public, owner, name) = viewer.parameters();
    connection.prepare_cached(sql)?.query_row((all, user, public, owner, name, id), |row| row.get(0))
}

/// The environments the viewer sees only because their old names lead to them.
pub(crate) fn by_old_name(connection: &Connection, viewer: &Viewer) -> Result<Vec<String>> {
    if viewer.name.is_none() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT environments.id {FROM} WHERE environments.folded <> ?5 AND {VISIBLE} ORDER BY 1");
    connection.prepare_cached(&sql)?.query_map(viewer.parameters(), |row| row.get(0))?.collect()
}

/// The tip that the catalog has of an environment.
pub(crate) fn tip(connection: &Connection, id: &str) -> Result<Option<String>> {
    connection.prepare_cached("SELECT tip FROM environments WHERE id = ?")?.query_row([id], |row| row.get(0))
}

/// Every environment, pushed to or not, deleted or not.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Environment>> {
    connection.prepare(&format!("SELECT {COLUMNS} {FROM}"))?.query_map([], environment)?.collect()
}

/// Whether anything is there that everybody may see.
pub(crate) fn any_public(connection: &Connection) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM environments WHERE visibility = 'public' AND tip IS NOT NULL
        AND deleted_at IS NULL)";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
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

/// What is listed of an environment, after its columns.
const LISTED: &str = "owner_id, pushed_at, pushed_by, comfyui_version,
    (SELECT count(*) FROM environment_workflows WHERE environment_id = environments.id),
    (SELECT count(*) FROM environment_nodes WHERE environment_id = environments.id),
    (SELECT count(*) FROM environment_models WHERE environment_id = environments.id),
    (SELECT CAST(total(size) AS INTEGER) FROM environment_models WHERE environment_id = environments.id)";

fn listed(row: &Row<'_>) -> Result<Listed> {
    Ok(Listed {
        environment: environment(row)?,
        owner_id: row.get(8)?,
        pushed_at: row.get(9)?,
        pushed_by: row.get(10)?,
        comfyui_version: row.get(11)?,
        workflows: row.get(12)?,
        nodes: row.get(13)?,
        models: row.get(14)?,
        model_bytes: row.get(15)?,
    })
}

/// What is listed of one environment that was pushed to.
pub(crate) fn describe(connection: &Connection, id: &str) -> Result<Listed> {
    let sql = format!("SELECT {COLUMNS}, {LISTED} {FROM} WHERE environments.id = ?");
    connection.prepare_cached(&sql)?.query_row([id], listed)
}

/// The environments the viewer may see, by owner and name.
pub(crate) fn visible(connection: &Connection, viewer: &Viewer) -> Result<Vec<Listed>> {
    let sql =
        format!("SELECT {COLUMNS}, {LISTED} {FROM} WHERE {VISIBLE} ORDER BY accounts.folded, environments.folded");
    connection.prepare_cached(&sql)?.query_map(viewer.parameters(), listed)?.collect()
}

/// The deleted environments within the viewer's reach that can still be restored, by owner and name.
pub(crate) fn deleted(connection: &Connection, viewer: &Viewer, now: Seconds) -> Result<Vec<Listed>> {
    let sql =
        format!("SELECT {COLUMNS}, {LISTED} {FROM} WHERE {DELETED} ORDER BY accounts.folded, environments.folded");
    let (all, user, public, owner, name) = viewer.parameters();
    connection.prepare_cached(&sql)?.query_map((all, user, public, owner, name, now), listed)?.collect()
}
