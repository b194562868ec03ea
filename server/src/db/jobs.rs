//! Work that the hub does by itself.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::clock::Seconds;

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) kind: String,
    /// An environment's id, or empty.
    pub(crate) subject: String,
    pub(crate) due_at: Seconds,
    /// How often it failed since it last went well.
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
}

fn job(row: &Row<'_>) -> Result<Job> {
    Ok(Job {
        kind: row.get(0)?,
        subject: row.get(1)?,
        due_at: row.get(2)?,
        attempts: row.get(3)?,
        last_error: row.get(4)?,
    })
}

/// Asks for the work, unless it is asked for already.
pub(crate) fn ask(connection: &Connection, kind: &str, subject: &str, due_at: Seconds) -> Result<()> {
    let sql = "INSERT INTO jobs (kind, subject, due_at) VALUES (?, ?, ?) ON CONFLICT (kind, subject) DO NOTHING";
    connection.prepare_cached(sql)?.execute((kind, subject, due_at))?;
    Ok(())
}

/// Seconds beyond which no work is put off. Work that is was put off before the clock was set back.
const LONGEST: Seconds = 2 * 24 * 60 * 60;

/// The work that is due for the longest time.
pub(crate) fn find_due(connection: &Connection, now: Seconds) -> Result<Option<Job>> {
    let sql = "SELECT kind, subject, due_at, attempts, last_error FROM jobs WHERE due_at <= ?1 OR due_at > ?1 + ?2
        ORDER BY due_at, kind, subject LIMIT 1";
    connection.prepare_cached(sql)?.query_row((now, LONGEST), job).optional()
}

/// All work that failed when it was last tried.
pub(crate) fn failed(connection: &Connection) -> Result<Vec<Job>> {
    let sql = "SELECT kind, subject, due_at, attempts, last_error FROM jobs WHERE last_error IS NOT NULL
        ORDER BY kind, subject";
    connection.prepare(sql)?.query_map([], job)?.collect()
}

/// The work is done.
pub(crate) fn done(connection: &Connection, job: &Job) -> Result<()> {
    connection.execute("DELETE FROM jobs WHERE kind = ? AND subject = ?", (&job.kind, &job.subject))?;
    Ok(())
}

/// The work is put off, with the reason if it failed.
pub(crate) fn put_off(connection: &Connection, job: &Job, due_at: Seconds, error: Option<&str>) -> Result<()> {
    let attempts = if error.is_some() { job.attempts.saturating_add(1) } else { 0 };
    connection.execute(
        "UPDATE jobs SET due_at = ?, attempts = ?, last_error = ? WHERE kind = ? AND subject = ?",
        (due_at, attempts, error, &job.kind, &job.subject),
    )?;
    Ok(())
}
