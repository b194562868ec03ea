//! The catalog follows the repositories.

use comfydock_git::objects::Objects;
use comfydock_git::serve::{find_last_push, find_reference};

use rusqlite::Transaction;

use super::{MAIN, history};
use crate::barrier::Standstill;
use crate::clock;
use crate::data::DataFolder;
use crate::db::Database;
use crate::db::catalog::{self, Contents};
use crate::db::environments::{self, Environment};
use crate::db::pushes;
use crate::service::{Error, environment};
use crate::state::Hub;

/// Indexes the tip of main unless the catalog has it already, and does `also` in the same transaction.
pub(super) fn bring_up_to_date(
    hub: &Hub,
    environment: &Environment,
    also: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> Result<(), Error> {
    let _indexing = hub.indexing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match find_missed(hub, environment)? {
        Some(tip) => index(&hub.database, &hub.data, environment, &tip, also),
        None => {
            let learned = history::learn(&hub.database, &hub.data, environment)?;
            Ok(hub.database.write(|transaction| {
                learned.map_or(Ok(()), |learned| learned.record(transaction, &environment.id))?;
                also(transaction)
            })?)
        }
    }
}

/// The tip of main, if the catalog does not have it.
fn find_missed(hub: &Hub, environment: &Environment) -> Result<Option<String>, Error> {
    let tip = find_reference(&hub.data.repository(&environment.id), MAIN).map_err(Error::repository)?;
    let recorded = hub.database.read(|connection| environments::tip(connection, &environment.id))?;
    Ok(tip.filter(|tip| recorded.as_ref() != Some(tip)))
}

/// Whether the database lacks anything of an environment's repository.
fn lags(hub: &Hub, environment: &Environment) -> Result<bool, Error> {
    if environment.tip.is_none() && !hub.data.repository(&environment.id).join("HEAD").exists() {
        return Ok(false);
    }
    Ok(find_missed(hub, environment)?.is_some() || history::lags(&hub.database, &hub.data, environment)?)
}

/// Makes the projection of an environment anew and returns the tip of main; there is none before the
/// first push. Only while no push is between its hook's yes and its end: what is not settled may go back.
pub(crate) fn rebuild(
    database: &Database,
    data: &DataFolder,
    environment: &Environment,
    _still: &Standstill,
) -> Result<Option<String>, Error> {
    let tip = find_reference(&data.repository(&environment.id), MAIN).map_err(Error::repository)?;
    if let Some(tip) = &tip {
        index(database, data, environment, tip, |_| Ok(()))?;
    }
    Ok(tip)
}

fn index(
    database: &Database,
    data: &DataFolder,
    environment: &Environment,
    tip: &str,
    also: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> Result<(), Error> {
    let repository = data.repository(&environment.id);
    let objects = Objects::open(&[repository.join("objects")]).map_err(Error::repository)?;
    let loaded = environment::load(&objects, tip).map_err(Error::repository)?;
    let (pushed_by, pushed_at) =
        find_last_push(&repository, MAIN, tip).unwrap_or_else(|| ("unknown".to_owned(), clock::now()));
    let contents =
        Contents { tip, pushed_at, pushed_by: &pushed_by, workflows: &loaded.workflows, manifest: &loaded.manifest };
    let learned = history::learn(database, data, environment)?;
    database.write(|transaction| {
        catalog::replace(transaction, &environment.id, &contents)?;
        learned.map_or(Ok(()), |learned| learned.record(transaction, &environment.id))?;
        also(transaction)
    })?;
    Ok(())
}

/// Indexes what a crash left behind, but nothing that may yet be taken back. One broken repository
/// does not keep the others from being served.
pub(super) fn catch_up(hub: &Hub) -> Result<(), Error> {
    let unsettled = hub.database.read(pushes::environments)?;
    for environment in hub.database.read(environments::all)? {
        if unsettled.contains(&environment.id) {
            continue;
        }
        let name = environment.path();
        // Most tips are known: for those nothing is written.
        let caught_up = lags(hub, &environment).and_then(|lags| {
            if lags {
                bring_up_to_date(hub, &environment, |_| Ok(()))?;
            }
            Ok(lags)
        });
        match caught_up {
            Ok(true) => tracing::info!(environment = name, "indexed a tip that the catalog had missed"),
            Ok(false) => {}
            Err(error) => tracing::error!(environment = name, error = error.chain(), "cannot be indexed"),
        }
    }
    Ok(())
}
