//! The catalog: what each environment says about its models, and the writing of it all.

use comfydock_core::manifest::Manifest;
use rusqlite::{Connection, Result, Row, Transaction};

use super::environments::{VISIBLE, Viewer};
use crate::clock::Seconds;

/// What one environment says about one model.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) environment: String,
    pub(crate) environment_id: String,
    pub(crate) key: String,
    pub(crate) sha256: Option<String>,
    pub(crate) blake3: Option<String>,
    pub(crate) quick: Option<String>,
    pub(crate) size: u64,
    pub(crate) filename: String,
    pub(crate) category: String,
}

/// By what a claim is found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    Sha256(&'a str),
    Blake3(&'a str),
    Quick(&'a str, u64),
}

const BY_SHA256: &str = "sha256 = ?6";
const BY_BLAKE3: &str = "blake3 = ?6";
const BY_QUICK: &str = "quick = ?6 AND size = ?7";

fn select_claims(condition: &str) -> String {
    // `?7` is named in every statement, so that the parameters are always the same seven.
    format!(
        "SELECT accounts.name || '/' || environments.name, environment_id, key, sha256, blake3, quick, size,
            filename, category
         FROM environment_models JOIN environments ON environments.id = environment_id
         JOIN accounts ON accounts.id = owner_id
         WHERE {condition} AND (?7 IS NULL OR size = ?7) AND {VISIBLE}
         ORDER BY pushed_at DESC, 1, key"
    )
}

/// The claims the viewer may see, the newest first.
pub(crate) fn claims(connection: &Connection, viewer: &Viewer, by: By<'_>) -> Result<Vec<Claim>> {
    let (condition, text, size) = match by {
        By::Sha256(hash) => (BY_SHA256, hash, None),
        By::Blake3(hash) => (BY_BLAKE3, hash, None),
        By::Quick(hash, size) => (BY_QUICK, hash, Some(size)),
    };
    let claim = |row: &Row<'_>| {
        Ok(Claim {
            environment: row.get(0)?,
            environment_id: row.get(1)?,
            key: row.get(2)?,
            sha256: row.get(3)?,
            blake3: row.get(4)?,
            quick: row.get(5)?,
            size: row.get(6)?,
            filename: row.get(7)?,
            category: row.get(8)?,
        })
    };
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&select_claims(condition))?
        .query_map((all, user, public, owner, name, text, size), claim)?
        .collect()
}

/// Where the environment of this claim says the model can be had, in its order.
pub(crate) fn sources(connection: &Connection, claim: &Claim) -> Result<Vec<String>> {
    let sql = "SELECT locator FROM environment_sources WHERE environment_id = ? AND key = ? ORDER BY position";
    connection.prepare_cached(sql)?.query_map((&claim.environment_id, &claim.key), |row| row.get(0))?.collect()
}

/// What the tip of an environment contains.
pub(crate) struct Contents<'a> {
    pub(crate) tip: &'a str,
    pub(crate) pushed_at: Seconds,
    pub(crate) pushed_by: &'a str,
    pub(crate) workflows: &'a [String],
    pub(crate) manifest: &'a Manifest,
}

/// Replaces everything known about an environment.
pub(crate) fn replace(transaction: &Transaction<'_>, id: &str, contents: &Contents<'_>) -> Result<()> {
    for table in ["environment_workflows", "environment_nodes", "environment_sources", "environment_models"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE environment_id = ?"), [id])?;
    }
    transaction.execute(
        "UPDATE environments SET tip = ?, pushed_at = ?, pushed_by = ?, comfyui_version = ? WHERE id = ?",
        (contents.tip, contents.pushed_at, contents.pushed_by, &contents.manifest.environment.comfyui_version, id),
    )?;
    for name in contents.workflows {
        let sql = "INSERT INTO environment_workflows (environment_id, name) VALUES (?, ?)";
        transaction.prepare_cached(sql)?.execute((id, name))?;
    }
    for (key, node) in &contents.manifest.nodes {
        let commit = node.commit.as_ref().map(ToString::to_string);
        let sql = "INSERT INTO environment_nodes (environment_id, key, name, repository, commit_id)
            VALUES (?, ?, ?, ?, ?)";
        transaction.prepare_cached(sql)?.execute((id, key, node.name.as_str(), &node.repository, commit))?;
    }
    for (key, model) in &contents.manifest.models {
        // A second file with the same quick hash has a suffix on its key (decision 4).
        let quick = key.split('-').next().filter(|hash| hash.len() == 64);
        let sha256 = model.sha256.as_ref().map(ToString::to_string);
        let blake3 = model.blake3.as_ref().map(ToString::to_string);
        let sql = "INSERT INTO environment_models
            (environment_id, key, sha256, blake3, quick, size, filename, category) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        transaction.prepare_cached(sql)?.execute((
            id,
            key,
            sha256,
            blake3,
            quick,
            model.size,
            &model.filename,
            &model.category,
        ))?;
        for (position, source) in model.sources.iter().enumerate() {
            let sql = "INSERT INTO environment_sources (environment_id, key, position, locator) VALUES (?, ?, ?, ?)";
            transaction.prepare_cached(sql)?.execute((id, key, position, source.to_string()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_goes_by_the_index_whoever_asks() {
        let folder = tempfile::tempdir().unwrap();
        let connection = comfydock_store::sqlite::open(&folder.path().join("hub.db"), crate::db::MIGRATIONS).unwrap();
        for (condition, index) in [
            (BY_SHA256, "environment_models_by_sha256 (sha256=?)"),
            (BY_BLAKE3, "environment_models_by_blake3 (blake3=?)"),
            (BY_QUICK, "environment_models_by_quick (quick=? AND size=?)"),
        ] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", select_claims(condition))).unwrap();
            let parameters = (true, 0, true, "o", "n", "h", 1);
            let steps: Vec<String> =
                plan.query_map(parameters, |row| row.get(3)).unwrap().collect::<Result<_>>().unwrap();
            assert!(steps[0].contains(index), "{steps:?}");
            assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{steps:?}");
        }
    }
}
