//! What was done on the hub.

use comfydock_core::wire::{AuditEntry, AuditPage, SCHEMA};

use super::Error;
use super::visitor::Visitor;
use crate::clock;
use crate::db::{Database, audit};

/// Entries of one page at most.
pub(crate) const PAGE_LIMIT: u32 = 1000;

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Question<'a> {
    /// Only what was done to this, spelt as in the entries.
    pub(crate) subject: Option<&'a str>,
    /// Only entries before this one.
    pub(crate) before: Option<i64>,
    pub(crate) limit: u32,
}

/// A page of the record, the newest first. For admins of the hub.
pub(crate) fn page(database: &Database, visitor: &Visitor, question: &Question<'_>) -> Result<AuditPage, Error> {
    visitor.check_hub_admin()?;
    if !(1..=PAGE_LIMIT).contains(&question.limit) {
        return Err(Error::invalid(format!("a page has between 1 and {PAGE_LIMIT} entries, not {}", question.limit)));
    }
    // One more than is shown tells whether there is a next page.
    let asked = question.limit + 1;
    let mut found = database.read(|connection| audit::page(connection, question.subject, question.before, asked))?;
    let shown = usize::try_from(question.limit).unwrap_or(usize::MAX);
    let has_more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().map(|entry| entry.id).filter(|_| has_more);
    let entry = |entry: audit::Entry| AuditEntry {
        id: entry.id,
        at: clock::rfc3339(entry.at),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
    };
    Ok(AuditPage { schema: SCHEMA, entries: found.into_iter().map(entry).collect(), next })
}
