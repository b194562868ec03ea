//! What of the catalog changed, for clients that keep a copy for when they cannot ask (decision 69).

use std::collections::BTreeMap;

use comfydock_core::wire::{Changes, EnvironmentModels, SCHEMA};
use rusqlite::Connection;

use super::Error;
use super::access::admit;
use super::catalog;
use super::visitor::Visitor;
use crate::clock::{self, Seconds};
use crate::db::{Database, changes, environments};
use crate::random;

/// Environments of one answer, unless told.
pub(crate) const PAGE: usize = 100;
/// The same at most.
pub(crate) const LARGEST_PAGE: usize = 500;
/// How long it is remembered that an environment went.
const REMEMBERED: Seconds = 90 * 24 * 60 * 60;

/// What changed since a cursor that an earlier answer gave. Without one, with one that is too old, or after what the
/// visitor may see has changed in another way than by the environments themselves, all of it.
pub(crate) fn list(
    database: &Database,
    visitor: &Visitor,
    since: Option<&str>,
    limit: Option<usize>,
) -> Result<Changes, Error> {
    admit(database, visitor)?;
    let limit = limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    // One connection, and so one moment.
    Ok(database.read(|connection| {
        let moment = connection.unchecked_transaction()?;
        page(&moment, visitor, since, limit)
    })?)
}

fn page(connection: &Connection, visitor: &Visitor, since: Option<&str>, limit: usize) -> rusqlite::Result<Changes> {
    let viewer = visitor.viewer();
    let basis = basis(connection, visitor)?;
    let (newest, oldest) = changes::revisions(connection)?;
    // A revision that was never reached is another hub's, or of one that was restored since.
    let known = since.and_then(Cursor::parse).filter(|cursor| {
        let is_remembered = (oldest..=newest).contains(&cursor.revision.max(cursor.whole_at));
        cursor.basis == basis && is_remembered && (1..=newest).contains(&cursor.revision)
    });
    let from = known.as_ref().map_or(0, |cursor| cursor.revision);
    let mut found = changes::after(connection, &viewer, from, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let is_full = known.is_none();
    let next = match found.last() {
        Some(last) if more => {
            let whole_at = known.map_or(newest, |cursor| cursor.whole_at);
            Cursor { revision: last.revision, whole_at, basis }
        }
        _ => Cursor { revision: newest, whole_at: newest, basis },
    };
    let mut gone = Vec::new();
    let mut environments: BTreeMap<String, EnvironmentModels> = BTreeMap::new();
    for change in found {
        let id = change.environment;
        match change.name {
            Some(name) => drop(environments.insert(id.clone(), EnvironmentModels { id, name, models: Vec::new() })),
            None => gone.push(id),
        }
    }
    catalog::fill(connection, visitor, &mut environments)?;
    Ok(Changes {
        schema: SCHEMA,
        full: is_full,
        environments: environments.into_values().collect(),
        gone,
        next: next.to_string(),
        more,
    })
}

/// Up to where a client has come.
struct Cursor {
    revision: i64,
    /// What went before this revision the client never had: the pages of an answer from the start were begun then, or
    /// it had come to the end then.
    whole_at: i64,
    basis: String,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (revision, rest) = text.split_once('-')?;
        let (whole_at, basis) = rest.split_once('-')?;
        Some(Self { revision: revision.parse().ok()?, whole_at: whole_at.parse().ok()?, basis: basis.to_owned() })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}-{}", self.revision, self.whole_at, self.basis)
    }
}

/// On what it depends which environments somebody sees, besides the environments themselves: whoever joins a team or
/// takes another token begins anew.
fn basis(connection: &Connection, visitor: &Visitor) -> rusqlite::Result<String> {
    let viewer = visitor.viewer();
    let teams = changes::teams(connection, viewer.user)?;
    // When an old name leads nowhere any more, nothing about the environment itself has changed.
    let bound = (&viewer.owner, &viewer.name, environments::by_old_name(connection, &viewer)?);
    let text = format!("{} {} {} {teams:?} {bound:?}", viewer.user, viewer.sees_all, viewer.sees_public);
    Ok(random::hex(&random::fingerprint(&text)[..8]))
}

/// Forgets environments that went long ago.
pub(crate) fn forget_gone(database: &Database) -> Result<(), Error> {
    Ok(database.write(|transaction| changes::forget_gone(transaction, clock::now() - REMEMBERED))?)
}
