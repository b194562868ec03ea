//! What other programs' files say of the models here (decision 62).

use std::collections::{HashMap, HashSet};

use comfydock_core::digest::{Blake3, Sha256};
use comfydock_core::sidecar::{Claim, Trust};
use comfydock_core::source::Source;
use rusqlite::{params, params_from_iter};

use super::{Index, signed};
use crate::Error;
use crate::workspace::now;

/// A file claims are read from, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Bytes.
    pub size: u64,
    /// Last modification, nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// The rows of the models it was read for.
    pub models: Vec<i64>,
}

/// What a file says now.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its path.
    pub origin: String,
    /// As it was read.
    pub read: Read,
    /// What it says, by the row of the model.
    pub claims: Vec<(i64, Claim)>,
}

impl Index {
    /// The files claims were read from, by path.
    ///
    /// # Errors
    /// When the query fails.
    pub fn sidecars(&self) -> Result<HashMap<String, Read>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT path, size, mtime_ns, models FROM model_sidecars")?;
        let rows = statement.query_map([], |row| {
            let models: String = row.get(3)?;
            let models = models.split(',').filter_map(|id| id.parse().ok()).collect();
            Ok((row.get(0)?, Read { size: row.get::<_, i64>(1)?.cast_unsigned(), mtime_ns: row.get(2)?, models }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers what files say now, instead of what they said before, and forgets what files said
    /// that are gone.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn claim(&mut self, said: &[Said], gone: &[String]) -> Result<(), Error> {
        let transaction = self.write()?;
        let time = now();
        for origin in gone {
            transaction.execute("DELETE FROM model_claims WHERE origin = ?1", [origin])?;
            transaction.execute("DELETE FROM model_sidecars WHERE path = ?1", [origin])?;
        }
        for Said { origin, read, claims } in said {
            // What was found wrong once is not told again.
            let wrong: HashSet<String> = transaction
                .prepare_cached(
                    "SELECT sha256 FROM model_claims WHERE origin = ?1 AND trust = 'wrong' AND sha256 NOT NULL",
                )?
                .query_map([origin], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            transaction.prepare_cached("DELETE FROM model_claims WHERE origin = ?1")?.execute([origin])?;
            let models: Vec<String> = read.models.iter().map(ToString::to_string).collect();
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO model_sidecars(path, size, mtime_ns, models) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![origin, signed(read.size), read.mtime_ns, models.join(",")])?;
            for (model, claim) in claims {
                // Another process may have found out meanwhile that the row stands for no model.
                let known = claim.sha256.as_ref().is_some_and(|sha256| wrong.contains(sha256.as_str()));
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO model_claims(model_id, origin, format, trust, sha256, blake3, sources, seen_at)
                         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM models WHERE id = ?1)",
                    )?
                    .execute(params![
                        model,
                        origin,
                        claim.format,
                        if known { "wrong" } else { word(claim.trust) },
                        claim.sha256.as_ref().map(Sha256::as_str),
                        claim.blake3.as_ref().map(Blake3::as_str),
                        serde_json::to_string(&claim.sources).unwrap_or_default(),
                        time
                    ])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// The claims about one model or all, the better ones first.
    pub(super) fn claims_of(&self, model: Option<i64>) -> Result<HashMap<i64, Vec<Claim>>, Error> {
        let mut claims: HashMap<i64, Vec<Claim>> = HashMap::new();
        // Two statements: one that serves both reads every claim for each model.
        let mut statement = self.connection.prepare_cached(match model {
            Some(_) => {
                "SELECT model_id, origin, format, trust, sha256, blake3, sources FROM model_claims
                 WHERE model_id = ?1 ORDER BY trust, origin"
            }
            None => {
                "SELECT model_id, origin, format, trust, sha256, blake3, sources FROM model_claims
                 ORDER BY model_id, trust, origin"
            }
        })?;
        let rows = statement.query_map(params_from_iter(model), |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, Option<String>>(4)?,
                row.get::<_, Option<String>>(5)?,
                row.get::<_, String>(6)?,
            ))
        })?;
        for row in rows {
            let (model, origin, format, trust, sha256, blake3, sources) = row?;
            // One that a measurement contradicts stays in the table, so that it is told once, and is
            // not offered.
            let trust = match trust.as_str() {
                "claimed" => Trust::Claimed,
                "hint" => Trust::Hint,
                _ => continue,
            };
            let sources: Vec<String> = serde_json::from_str(&sources).unwrap_or_default();
            claims.entry(model).or_default().push(Claim {
                trust,
                sha256: sha256.and_then(|text| Sha256::parse(&text).ok()),
                blake3: blake3.and_then(|text| Blake3::parse(&text).ok()),
                sources: sources.iter().filter_map(|text| Source::parse(text).ok()).collect(),
                format,
                origin,
            });
        }
        Ok(claims)
    }

    /// Puts aside the claims that measured hashes contradict; returns their origins, each once.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn contradicted(&mut self) -> Result<Vec<String>, Error> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE model_claims SET trust = 'wrong' WHERE trust <> 'wrong' AND EXISTS (
               SELECT 1 FROM models m WHERE m.id = model_claims.model_id
                 AND (m.sha256 <> model_claims.sha256 OR m.blake3 <> model_claims.blake3))
             RETURNING origin",
        )?;
        let origins = statement.query_map([], |row| row.get(0))?;
        Ok(origins.collect::<Result<_, _>>()?)
    }
}

fn word(trust: Trust) -> &'static str {
    match trust {
        Trust::Claimed => "claimed",
        Trust::Hint => "hint",
    }
}
