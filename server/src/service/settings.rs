//! What owners decide about their environments: name, visibility, deletion.

use comfydock_core::name::{EnvironmentName, RepoPath};
use comfydock_core::wire::{self, EnvironmentChange, EnvironmentList, EnvironmentSummary, Right, SCHEMA, Visibility};

use super::access::{self, Place, Target};
use super::visitor::Visitor;
use super::{Error, catalog};
use crate::clock::{self, Seconds};
use crate::db::environments::{self, Environment};
use crate::db::{Database, audit, settings};

/// One environment, as it is listed.
pub(crate) fn describe(database: &Database, visitor: &Visitor, path: &RepoPath) -> Result<EnvironmentSummary, Error> {
    let Target::Existing(environment) = access::authorize(database, visitor, path, Right::Pull)? else {
        return Err(visitor.missing(path));
    };
    Ok(database.read(|connection| {
        let listed = environments::describe(connection, &environment.id)?;
        catalog::summary(connection, visitor, listed)
    })?)
}

/// The deleted environments that the visitor may restore.
pub(crate) fn deleted(database: &Database, visitor: &Visitor) -> Result<EnvironmentList, Error> {
    if let Visitor::Anonymous { .. } = visitor {
        return Err(Error::SignIn);
    }
    let environments = database.read(|connection| {
        let listed = environments::deleted(connection, &visitor.viewer(), clock::now())?;
        listed.into_iter().map(|listed| catalog::summary(connection, visitor, listed)).collect::<Result<Vec<_>, _>>()
    })?;
    let environments = environments.into_iter().filter(|summary| summary.may == Some(Right::Administer)).collect();
    Ok(EnvironmentList { schema: SCHEMA, environments })
}

/// An environment that the visitor may change, deleted ones that can be restored included.
pub(crate) fn owned(database: &Database, visitor: &Visitor, path: &RepoPath) -> Result<EnvironmentSummary, Error> {
    database.read(|connection| {
        let found = match access::look(connection, visitor, path)? {
            Some(place) if place.environment.as_ref().is_some_and(Environment::is_live) => {
                place.permit(visitor, Right::Administer)
            }
            Some(place) => deleted_at(place, visitor).map(|(environment, _)| Target::Existing(environment)),
            None => Err(visitor.missing(path)),
        };
        match found {
            Ok(Target::Existing(environment)) => {
                let listed = environments::describe(connection, &environment.id)?;
                catalog::summary(connection, visitor, listed).map(Ok)
            }
            Ok(Target::New { .. }) => Ok(Err(visitor.missing(path))),
            Err(refusal) => Ok(Err(refusal)),
        }
    })?
}

/// Changes name and visibility. The old name leads to the environment for `grace` seconds.
pub(crate) fn change(
    database: &Database,
    visitor: &Visitor,
    path: &RepoPath,
    change: &EnvironmentChange,
    grace: Seconds,
) -> Result<EnvironmentSummary, Error> {
    let name = change.name.as_deref().map(EnvironmentName::parse).transpose();
    let name = name.map_err(|error| Error::invalid(error.to_string()))?;
    let now = clock::now();
    database.write(|transaction| {
        let (owner_id, environment) = match allowed(transaction, visitor, path)? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let renamed = name.as_ref().filter(|name| name.as_str() != environment.name);
        if let Some(name) = renamed {
            let holder = settings::holder(transaction, owner_id, name.as_str(), now)?;
            if holder.is_some_and(|holder| holder != environment.id) {
                return Ok(Err(taken(&environment.owner, name)));
            }
        }
        let record = |action: &str, detail: &str| {
            audit::record(transaction, now, visitor.name(), action, &environment.path(), detail)
        };
        if let Some(visibility) = change.visibility
            && environment.is_public != (visibility == Visibility::Public)
        {
            settings::set_public(transaction, &environment.id, visibility == Visibility::Public)?;
            record("environment.visibility", visibility.as_str())?;
        }
        if let Some(name) = renamed {
            settings::rename(transaction, &environment.id, name.as_str(), now + grace)?;
            record("environment.rename", name.as_str())?;
        }
        let listed = environments::describe(transaction, &environment.id)?;
        catalog::summary(transaction, visitor, listed).map(Ok)
    })?
}

/// The environment that an owner wants to change, looked at inside the transaction that does it.
fn allowed(
    connection: &rusqlite::Connection,
    visitor: &Visitor,
    path: &RepoPath,
) -> rusqlite::Result<Result<(i64, Environment), Error>> {
    let Some(place) = access::look(connection, visitor, path)? else { return Ok(Err(visitor.missing(path))) };
    let owner_id = place.owner_id;
    Ok(match place.permit(visitor, Right::Administer) {
        Ok(Target::Existing(environment)) => Ok((owner_id, environment)),
        Ok(Target::New { .. }) => Err(visitor.missing(path)),
        Err(refusal) => Err(refusal),
    })
}

fn taken(owner: &str, name: &EnvironmentName) -> Error {
    Error::Conflict {
        message: format!("the name {owner}/{name} is taken"),
        hint: "it may belong to an environment that was deleted or renamed and is kept for it; take another".to_owned(),
    }
}

/// Deletes an environment; until the time that is returned it can be restored.
pub(crate) fn delete(
    database: &Database,
    visitor: &Visitor,
    path: &RepoPath,
    grace: Seconds,
) -> Result<EnvironmentSummary, Error> {
    let now = clock::now();
    database.write(|transaction| {
        let (_, environment) = match allowed(transaction, visitor, path)? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        settings::delete(transaction, &environment.id, now, visitor.name(), now + grace)?;
        let until = format!("until {}", clock::rfc3339(now + grace));
        audit::record(transaction, now, visitor.name(), "environment.delete", &environment.path(), &until)?;
        let listed = environments::describe(transaction, &environment.id)?;
        catalog::summary(transaction, visitor, listed).map(Ok)
    })?
}

/// Takes a deletion back.
pub(crate) fn restore(database: &Database, visitor: &Visitor, path: &RepoPath) -> Result<EnvironmentSummary, Error> {
    let now = clock::now();
    database.write(|transaction| {
        let found = match access::look(transaction, visitor, path)? {
            Some(place) => deleted_at(place, visitor),
            None => Err(visitor.missing(path)),
        };
        let (environment, deleted) = match found {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if deleted.purge_at <= now {
            let message = format!("{path} could be restored until {}", clock::rfc3339(deleted.purge_at));
            return Ok(Err(Error::Conflict { message, hint: "push it again under another name".to_owned() }));
        }
        settings::restore(transaction, &environment.id)?;
        audit::record(transaction, now, visitor.name(), "environment.restore", &environment.path(), "")?;
        let listed = environments::describe(transaction, &environment.id)?;
        catalog::summary(transaction, visitor, listed).map(Ok)
    })?
}

/// The deleted environment at a place, for those who may have it back.
pub(super) fn deleted_at(place: Place, visitor: &Visitor) -> Result<(Environment, environments::Deleted), Error> {
    let may = place.may.ok_or_else(|| visitor.missing(&place.path))?;
    let path = place.path.clone();
    if may < Right::Administer {
        // Whether there was something is for those who may restore it.
        return Err(match &place.environment {
            Some(environment) if environment.is_live() => place.refuse(visitor, Right::Administer),
            _ => visitor.missing(&path),
        });
    }
    match place.environment {
        Some(environment) if environment.tip.is_some() => match environment.deleted.clone() {
            Some(deleted) => Ok((environment, deleted)),
            None => Err(Error::Conflict {
                message: format!("{path} is not deleted"),
                hint: "there is nothing to do".to_owned(),
            }),
        },
        _ => Err(visitor.missing(&path)),
    }
}

/// A deletion as clients are told of it.
pub(super) fn deletion(deleted: &environments::Deleted) -> wire::Deleted {
    wire::Deleted { at: clock::rfc3339(deleted.at), by: deleted.by.clone(), until: clock::rfc3339(deleted.purge_at) }
}
