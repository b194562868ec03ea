//! Users and teams.

use comfydock_core::name::AccountName;
use comfydock_core::wire::{Membership, Role, Whoami};

use super::Error;
use super::token::Caller;
use crate::clock;
use crate::db::{Database, accounts, audit};

/// Adds a user.
pub(crate) fn add_user(database: &Database, name: &AccountName, admin: bool, actor: &str) -> Result<(), Error> {
    add(database, name, false, admin, actor)
}

/// Adds a team.
pub(crate) fn add_team(database: &Database, name: &AccountName, actor: &str) -> Result<(), Error> {
    add(database, name, true, false, actor)
}

fn add(database: &Database, name: &AccountName, team: bool, admin: bool, actor: &str) -> Result<(), Error> {
    let action = if team { "team.add" } else { "user.add" };
    let now = clock::now();
    database
        .write(|transaction| {
            accounts::insert(transaction, team, name.as_str(), admin, now)?;
            audit::record(transaction, now, actor, action, name.as_str(), if admin { "admin" } else { "" })
        })
        .map_err(|error| {
            if error.is_conflict() {
                Error::Invalid {
                    message: format!("the name `{name}` is taken"),
                    hint: Some("users and teams share their names, and upper and lower case are one".to_owned()),
                }
            } else {
                error.into()
            }
        })
}

/// All users.
pub(crate) fn list_users(database: &Database) -> Result<Vec<accounts::Account>, Error> {
    Ok(database.read(accounts::users)?)
}

/// The user of this name; a team is none.
pub(super) fn load_user(database: &Database, name: &str) -> Result<accounts::Account, Error> {
    load(database, name, false)
}

fn load(database: &Database, name: &str, team: bool) -> Result<accounts::Account, Error> {
    let word = if team { "team" } else { "user" };
    database.read(|connection| accounts::find(connection, name))?.filter(|account| account.is_team == team).ok_or_else(
        || Error::Invalid {
            message: format!("there is no {word} `{name}`"),
            hint: Some(format!("`comfydock-hub {word} add {name}` makes one")),
        },
    )
}

/// Shuts a user out: no token of theirs is accepted any more.
pub(crate) fn disable_user(database: &Database, name: &str, actor: &str) -> Result<(), Error> {
    let user = load_user(database, name)?;
    let now = clock::now();
    database.write(|transaction| {
        accounts::disable(transaction, user.id, now)?;
        audit::record(transaction, now, actor, "user.disable", &user.name, "")
    })?;
    Ok(())
}

/// Puts a user into a team, or changes the role there.
pub(crate) fn set_member(database: &Database, team: &str, user: &str, role: Role, actor: &str) -> Result<(), Error> {
    let team = load(database, team, true)?;
    let user = load_user(database, user)?;
    let now = clock::now();
    database.write(|transaction| {
        accounts::set_member(transaction, team.id, user.id, role.as_str())?;
        let detail = format!("{} {role}", user.name);
        audit::record(transaction, now, actor, "team.member", &team.name, &detail)
    })?;
    Ok(())
}

/// What the caller is told about themselves.
pub(crate) fn describe(database: &Database, caller: &Caller) -> Result<Whoami, Error> {
    let teams = database.read(|connection| accounts::memberships(connection, caller.user_id))?;
    let membership = |(team, role): (String, String)| Role::find(&role).map(|role| Membership { team, role });
    Ok(Whoami {
        user: caller.user.clone(),
        admin: caller.is_admin,
        scope: caller.scope,
        expires_at: caller.expires_at.map(clock::rfc3339),
        teams: teams.into_iter().filter_map(membership).collect(),
    })
}
