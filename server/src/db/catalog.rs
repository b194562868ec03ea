//! The catalog: what each environment says about its models, and the writing of it all.

use comfydock_core::manifest::Manifest;
use rusqlite::{Connection, Result, Row, Transaction};
use serde_json::json;

use super::environments::{VISIBLE, Viewer};
use crate::clock::Seconds;

/// What one environment says about one model.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) environment: String,
    pub(crate) sha256: Option<String>,
    pub(crate) blake3: Option<String>,
    pub(crate) quick: Option<String>,
    pub(crate) size: u64,
    pub(crate) filename: String,
    pub(crate) category: String,
    /// Where it says the model can be had, in its order.
    pub(crate) sources: Vec<String>,
}

/// By what claims are found: all of these at once, because a statement for each would cost more
/// than what it reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    Sha256(&'a [&'a str]),
    Blake3(&'a [&'a str]),
    Quick(&'a [(&'a str, u64)]),
    /// In any case.
    Name(&'a [&'a str]),
    /// All of these environments.
    Environment(&'a [&'a str]),
}

const BY_SHA256: &str = "model.sha256 = wanted.value";
const BY_BLAKE3: &str = "model.blake3 = wanted.value";
const BY_NAME: &str = "model.filename = wanted.value COLLATE NOCASE";
const BY_ENVIRONMENT: &str = "model.environment_id = wanted.value";
const BY_QUICK: &str = "model.quick = wanted.value ->> 0 AND model.size = wanted.value ->> 1";

fn select_claims(condition: &str) -> String {
    // CROSS JOIN keeps the order: each key that is wanted leads to its models by the index.
    format!(
        "SELECT accounts.name || '/' || environments.name, sha256, blake3, quick, size, filename, category, sources
         FROM json_each(?6) AS wanted CROSS JOIN environment_models AS model ON {condition}
         CROSS JOIN environments ON environments.id = model.environment_id
         CROSS JOIN accounts ON accounts.id = owner_id
         WHERE {VISIBLE} ORDER BY pushed_at DESC, 1, model.key"
    )
}

/// The claims the viewer may see, the newest first.
pub(crate) fn claims(connection: &Connection, viewer: &Viewer, by: By<'_>) -> Result<Vec<Claim>> {
    let (condition, wanted) = match by {
        By::Sha256(hashes) => (BY_SHA256, json!(hashes)),
        By::Blake3(hashes) => (BY_BLAKE3, json!(hashes)),
        By::Quick(pairs) => (BY_QUICK, json!(pairs)),
        By::Name(names) => (BY_NAME, json!(names)),
        By::Environment(ids) => (BY_ENVIRONMENT, json!(ids)),
    };
    if wanted.as_array().is_none_or(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let claim = |row: &Row<'_>| {
        Ok(Claim {
            environment: row.get(0)?,
            sha256: row.get(1)?,
            blake3: row.get(2)?,
            quick: row.get(3)?,
            size: row.get(4)?,
            filename: row.get(5)?,
            category: row.get(6)?,
            // Written below, so it is what it should be.
            sources: serde_json::from_str(row.get_ref(7)?.as_str()?).unwrap_or_default(),
        })
    };
    let (all, user, public, owner, name) = viewer.parameters();
    connection
        .prepare_cached(&select_claims(condition))?
        .query_map((all, user, public, owner, name, wanted.to_string()), claim)?
        .collect()
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
    for table in ["environment_workflows", "environment_nodes", "environment_models"] {
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
        let sources = json!(model.sources.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string();
        let sql = "INSERT INTO environment_models
            (environment_id, key, sha256, blake3, quick, size, filename, category, sources)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        transaction.prepare_cached(sql)?.execute((
            id,
            key,
            sha256,
            blake3,
            quick,
            model.size,
            &model.filename,
            &model.category,
            sources,
        ))?;
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
            (BY_SHA256, "COVERING INDEX environment_models_by_sha256 (sha256=?)"),
            (BY_ENVIRONMENT, "PRIMARY KEY (environment_id=?)"),
            (BY_NAME, "environment_models_by_filename (filename=?)"),
            (BY_BLAKE3, "environment_models_by_blake3 (blake3=?)"),
            (BY_QUICK, "environment_models_by_quick (quick=? AND size=?)"),
        ] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", select_claims(condition))).unwrap();
            let parameters = (true, 0, true, "o", "n", "[]");
            let steps: Vec<String> =
                plan.query_map(parameters, |row| row.get(3)).unwrap().collect::<Result<_>>().unwrap();
            assert!(steps[1].contains(index), "{steps:?}");
            let reads_whole = |step: &String| step.starts_with("SCAN") && !step.contains("wanted");
            assert!(!steps.iter().any(reads_whole), "{steps:?}");
        }
    }
}
