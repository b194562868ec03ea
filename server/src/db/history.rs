//! What the history of each environment names.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Result, Transaction};

/// Up to where the branches of an environment were read: the tip by the reference.
pub(crate) fn tips(connection: &Connection, environment: &str) -> Result<BTreeMap<String, String>> {
    let sql = "SELECT reference, tip FROM environment_history WHERE environment_id = ?";
    connection.prepare_cached(sql)?.query_map([environment], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Replaces the tips, and adds what was found on the way to them. What was found before stays, unless all was
/// read anew.
pub(crate) fn record(
    transaction: &Transaction<'_>,
    environment: &str,
    tips: &BTreeMap<String, String>,
    named: &BTreeSet<String>,
    is_anew: bool,
) -> Result<()> {
    transaction.execute("DELETE FROM environment_history WHERE environment_id = ?", [environment])?;
    for (reference, tip) in tips {
        let sql = "INSERT INTO environment_history (environment_id, reference, tip) VALUES (?, ?, ?)";
        transaction.prepare_cached(sql)?.execute((environment, reference, tip))?;
    }
    if is_anew {
        transaction.execute("DELETE FROM environment_history_models WHERE environment_id = ?", [environment])?;
    }
    for sha256 in named {
        let sql = "INSERT OR IGNORE INTO environment_history_models (sha256, environment_id) VALUES (?, ?)";
        transaction.prepare_cached(sql)?.execute((sha256, environment))?;
    }
    Ok(())
}
