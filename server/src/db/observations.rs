//! What members found sources to be worth, and the sources they know besides.

use rusqlite::{Connection, Result, Row, Transaction};
use serde_json::json;

use super::environments::{VISIBLE, Viewer};
use crate::clock::Seconds;

/// What one member found.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) sha256: String,
    pub(crate) locator: String,
    pub(crate) user: i64,
    /// Whether it is somebody whose word is enough: an admin of the hub, or of the environment's owner.
    pub(crate) is_owner: bool,
    pub(crate) verdict: String,
    pub(crate) at: Seconds,
    pub(crate) environment: String,
}

/// A verdict to be kept.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) sha256: &'a str,
    pub(crate) locator: &'a str,
    pub(crate) verdict: &'a str,
    pub(crate) http_status: Option<u16>,
    pub(crate) size: Option<u64>,
    pub(crate) at: Seconds,
}

/// The environments the viewer may see that name this source of this model, in their manifest or besides.
pub(crate) fn naming(connection: &Connection, viewer: &Viewer, sha256: &str, locator: &str) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT environments.id FROM environment_models AS model
            CROSS JOIN environments ON environments.id = model.environment_id
            CROSS JOIN accounts ON accounts.id = owner_id
         WHERE model.sha256 = ?6 AND {VISIBLE} AND (
            EXISTS (SELECT 1 FROM json_each(model.sources) AS source WHERE source.value = ?7)
            OR EXISTS (SELECT 1 FROM contributions WHERE contributions.sha256 = ?6 AND locator = ?7
                AND contributions.environment_id = environments.id)
            OR (?7 = 'hub:sha256:' || ?6 AND EXISTS (SELECT 1 FROM environment_blobs
                WHERE environment_blobs.sha256 = ?6 AND environment_blobs.environment_id = environments.id)))"
    );
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&sql)?
        .query_map((all, user, public, owner, name, sha256, locator), |row| row.get(0))?
        .collect()
}

/// Keeps what a member found, in place of what the member found so before.
pub(crate) fn put(transaction: &Transaction<'_>, environment: &str, user: i64, report: &Report<'_>) -> Result<()> {
    // Replaced and not updated, so that the catalog's revision moves.
    let sql = "INSERT OR REPLACE INTO observations
        (environment_id, sha256, locator, user_id, verdict, http_status, size, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute((
        environment,
        report.sha256,
        report.locator,
        user,
        report.verdict,
        report.http_status,
        report.size,
        report.at,
    ))?;
    Ok(())
}

/// What was found about these models, through the environments the viewer may see: by the viewer, by those whose
/// environment it is, and by admins of the hub; not by who is shut out, came by because it is public, or has left.
pub(crate) fn about(connection: &Connection, viewer: &Viewer, hashes: &[&str]) -> Result<Vec<Seen>> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT seen.sha256, locator, user_id, verdict, at, accounts.name || '/' || environments.name,
            member.admin OR user_id = owner_id
                OR EXISTS (SELECT 1 FROM members WHERE team_id = owner_id AND members.user_id = seen.user_id AND role = 'admin')
         FROM json_each(?6) AS wanted CROSS JOIN observations AS seen ON seen.sha256 = wanted.value
            CROSS JOIN environments ON environments.id = seen.environment_id
            CROSS JOIN accounts ON accounts.id = owner_id
            CROSS JOIN accounts AS member ON member.id = user_id
         WHERE member.disabled_at IS NULL AND {VISIBLE}
            AND (user_id = ?2 OR user_id = owner_id OR member.admin
                OR EXISTS (SELECT 1 FROM members WHERE team_id = owner_id AND members.user_id = seen.user_id))"
    );
    let seen = |row: &Row<'_>| {
        Ok(Seen {
            sha256: row.get(0)?,
            locator: row.get(1)?,
            user: row.get(2)?,
            verdict: row.get(3)?,
            at: row.get(4)?,
            environment: row.get(5)?,
            is_owner: row.get(6)?,
        })
    };
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&sql)?
        .query_map((all, user, public, owner, name, json!(hashes).to_string()), seen)?
        .collect()
}

/// Whether an environment's tip names a model.
pub(crate) fn is_model_of(connection: &Connection, environment: &str, sha256: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM environment_models WHERE sha256 = ? AND environment_id = ?)";
    connection.prepare_cached(sql)?.query_row((sha256, environment), |row| row.get(0))
}

/// Adds a source that somebody knows. False when it was known.
pub(crate) fn contribute(
    transaction: &Transaction<'_>,
    environment: &str,
    sha256: &str,
    locator: &str,
    user: i64,
    at: Seconds,
) -> Result<bool> {
    let sql = "INSERT INTO contributions (environment_id, sha256, locator, user_id, at)
        SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (
            SELECT 1 FROM environment_models AS model, json_each(model.sources) AS source
            WHERE model.environment_id = ?1 AND model.sha256 = ?2 AND source.value = ?3)
        ON CONFLICT (sha256, environment_id, locator) DO NOTHING";
    Ok(transaction.prepare_cached(sql)?.execute((environment, sha256, locator, user, at))? == 1)
}

/// Sources of these models that are known besides, each with the environment they were told to.
pub(crate) fn contributed(
    connection: &Connection,
    viewer: &Viewer,
    hashes: &[&str],
) -> Result<Vec<(String, String, String)>> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT known.sha256, locator, accounts.name || '/' || environments.name
         FROM json_each(?6) AS wanted CROSS JOIN contributions AS known ON known.sha256 = wanted.value
            CROSS JOIN environments ON environments.id = known.environment_id
            CROSS JOIN accounts ON accounts.id = owner_id
         WHERE {VISIBLE} ORDER BY at, locator"
    );
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&sql)?
        .query_map((all, user, public, owner, name, json!(hashes).to_string()), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect()
}
