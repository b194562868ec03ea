//! The hub's catalog as last seen, for when the hub cannot be asked (decision 69).

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use comfydock_core::digest::Sha256;
use comfydock_core::source::Source;
use comfydock_core::wire::{Changes, Model};
use comfydock_store::{file, hash, sqlite};
use reqwest::Method;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::hub::{Hub, origin};
use super::{Error, block_on};
use crate::ops::seconds_now;
use crate::workspace::Workspace;

const MIGRATIONS: &[&str] = &[include_str!("0001_catalog.sql")];

/// Seconds for which a copy is taken as it is.
const FRESH: i64 = 5 * 60;
/// Pages of one look at most; what is left comes with the next.
const PAGES: usize = 50;

/// Brings the copy up to date while the hub is talked to anyway. Without it nothing is missing now, so what goes
/// wrong is no error.
pub fn keep_up(workspace: &Workspace, hub: &Hub) {
    let _ = Catalog::open(workspace, hub).and_then(|mut catalog| catalog.follow(hub));
}

/// Forgets what a hub said, whoever asked.
///
/// # Errors
/// When the database cannot be opened, or refuses.
pub fn forget(workspace: &Workspace, hub: &str) -> Result<(), crate::Error> {
    let path = workspace.cache("catalog.db");
    if path.exists() {
        let connection = sqlite::open(&path, MIGRATIONS)?;
        for table in ["claims", "feeds"] {
            connection.execute(&format!("DELETE FROM {table} WHERE place LIKE ?1 || ' %'"), [hub])?;
        }
    }
    Ok(())
}

/// The copy, of one hub as one token sees it.
pub struct Catalog {
    connection: Connection,
    place: String,
}

impl Catalog {
    /// Opens the copy of what this hub says to this token: another token's is not looked into.
    ///
    /// # Errors
    /// When the database cannot be opened, or is newer than this program.
    pub fn open(workspace: &Workspace, hub: &Hub) -> Result<Self, crate::Error> {
        file::create_folder(&workspace.cache(""))?;
        let path = workspace.cache("catalog.db");
        let connection = sqlite::open(&path, MIGRATIONS)?;
        // It tells of private environments.
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, own).map_err(file::Error::at("protect", &path))?;
        let token = hash::of_bytes(hub.token().unwrap_or_default().as_bytes()).sha256;
        Ok(Self { connection, place: format!("{} {}", origin(hub.url()), token.short(16)) })
    }

    /// Brings the copy up to date, unless that was done a moment ago.
    ///
    /// # Errors
    /// When the hub cannot be reached or the database refuses; what came before stays.
    pub fn follow(&mut self, hub: &Hub) -> Result<(), crate::Error> {
        let known: Option<(Option<String>, i64)> = self
            .connection
            .query_row("SELECT cursor, followed_at FROM feeds WHERE place = ?1", [&self.place], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let (mut cursor, followed_at) = known.unwrap_or_default();
        // A clock that was set back does not keep the copy old.
        if (0..FRESH).contains(&(seconds_now() - followed_at)) {
            return Ok(());
        }
        for _ in 0..PAGES {
            let changes = fetch(hub, cursor.as_deref())?;
            self.apply(&changes)?;
            if !changes.more {
                break;
            }
            cursor = Some(changes.next);
        }
        Ok(())
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), crate::Error> {
        let transaction = self.connection.transaction()?;
        let place = &self.place;
        if changes.full {
            transaction.execute("DELETE FROM claims WHERE place = ?1", [place])?;
        }
        let changed = changes.environments.iter().map(|environment| &environment.id);
        for id in changed.chain(&changes.gone) {
            transaction.execute("DELETE FROM claims WHERE place = ?1 AND environment = ?2", [place, id])?;
        }
        for environment in &changes.environments {
            for model in &environment.models {
                let (Some(sha256), Ok(text)) = (&model.sha256, serde_json::to_string(model)) else { continue };
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO claims(place, environment, sha256, model) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![place, environment.id, sha256.as_str(), text])?;
            }
        }
        transaction.execute(
            "INSERT OR REPLACE INTO feeds(place, cursor, followed_at) VALUES (?1, ?2, ?3)",
            params![place, changes.next, seconds_now()],
        )?;
        Ok(transaction.commit()?)
    }

    /// Where models could be had when the hub was last asked, by SHA-256; what the copy does not know is absent.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sources(&self, wanted: &[Sha256]) -> Result<BTreeMap<Sha256, Vec<Source>>, crate::Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT model FROM claims WHERE place = ?1 AND sha256 = ?2")?;
        let mut found = BTreeMap::new();
        for sha256 in wanted {
            let rows = statement.query_map([self.place.as_str(), sha256.as_str()], |row| row.get::<_, String>(0))?;
            let mut sources: Vec<Source> = Vec::new();
            for text in rows {
                let Ok(model) = serde_json::from_str::<Model>(&text?) else { continue };
                let known = model.sources.iter().filter_map(|source| Source::parse(&source.locator).ok());
                for source in known {
                    if !sources.contains(&source) {
                        sources.push(source);
                    }
                }
            }
            if !sources.is_empty() {
                found.insert(sha256.clone(), sources);
            }
        }
        Ok(found)
    }
}

fn fetch(hub: &Hub, cursor: Option<&str>) -> Result<Changes, Error> {
    let mut path = "api/v1/models/changes".to_owned();
    if let Some(cursor) = cursor {
        let escaped: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        path = format!("{path}?since={escaped}");
    }
    block_on(hub.ask::<(), _>(Method::GET, &path, None))
}
