//! Deleted environments go for good.

use std::path::Path;

use comfydock_core::name::RepoPath;

use super::settings::deleted_at;
use super::visitor::Visitor;
use super::{Error, access};
use crate::clock;
use crate::data::DataFolder;
use crate::db::{Database, audit, settings};

/// Lets a deleted environment go for good, before its time.
pub(crate) fn purge(database: &Database, data: &DataFolder, visitor: &Visitor, path: &RepoPath) -> Result<(), Error> {
    visitor.check_hub_admin()?;
    let now = clock::now();
    let id = database.write(|transaction| {
        let found = match access::look(transaction, visitor, path)? {
            Some(place) => deleted_at(place, visitor),
            None => Err(visitor.missing(path)),
        };
        Ok(match found {
            Ok((environment, _)) => {
                settings::end_grace(transaction, &environment.id, now)?;
                Ok(environment.id)
            }
            Err(Error::Conflict { message, .. }) => Err(Error::Conflict {
                message,
                hint: format!("delete it first: `comfydock-hub environment delete {path}`"),
            }),
            Err(refusal) => Err(refusal),
        })
    })??;
    forget(database, data, &id, &path.to_string(), visitor.name())
}

/// Lets everything go whose time is over, and what an interrupted purge left. Returns how many
/// environments went. For the hub's maintenance.
pub(crate) fn purge_due(database: &Database, data: &DataFolder) -> Result<usize, Error> {
    let now = clock::now();
    let due = database.read(|connection| settings::due(connection, now))?;
    for (id, path) in &due {
        forget(database, data, id, path, "hub")?;
    }
    database.write(|transaction| settings::forget_old_names(transaction, now))?;
    sweep(database, data)?;
    Ok(due.len())
}

/// The repository leaves its place first, the rows go next, and the files last: wherever a crash
/// comes, [`purge_due`] can go on.
fn forget(database: &Database, data: &DataFolder, id: &str, path: &str, actor: &str) -> Result<(), Error> {
    let (repository, trash) = (data.repository(id), data.trash().join(format!("{id}.git")));
    let failed = |error| Error::system(format!("cannot move {} away", repository.display()), error);
    std::fs::create_dir_all(data.trash()).map_err(failed)?;
    if repository.exists() {
        std::fs::rename(&repository, &trash).map_err(failed)?;
    }
    let now = clock::now();
    database.write(|transaction| {
        if settings::purge(transaction, id, now)? {
            audit::record(transaction, now, actor, "environment.purge", path, id)?;
        }
        Ok(())
    })?;
    remove(&trash)
}

/// Removes the repositories of environments that are gone.
fn sweep(database: &Database, data: &DataFolder) -> Result<(), Error> {
    let failed = |error| Error::system(format!("cannot read {}", data.trash().display()), error);
    let entries = match std::fs::read_dir(data.trash()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if !database.read(|connection| settings::exists(connection, &id))? {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::system(format!("cannot remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}
