//! Users: adding them, shutting them out, and what they are told about themselves.

use comfydock_core::name::AccountName;
use comfydock_core::wire::{Membership, Right, Role, SCHEMA, User, UserList, Whoami};

use super::Error;
use super::visitor::{Caller, Visitor};
use crate::clock;
use crate::db::{Database, accounts, audit};

/// Adds a user.
pub(crate) fn add_user(database: &Database, visitor: &Visitor, name: &AccountName, admin: bool) -> Result<User, Error> {
    visitor.check_hub_admin()?;
    add(database, visitor, name, false, admin)?;
    Ok(User { name: name.to_string(), admin, disabled: false })
}

/// Adds a user or a team, whose names are one name space.
pub(super) fn add(
    database: &Database,
    visitor: &Visitor,
    name: &AccountName,
    team: bool,
    admin: bool,
) -> Result<(), Error> {
    let action = if team { "team.add" } else { "user.add" };
    let now = clock::now();
    database
        .write(|transaction| {
            accounts::insert(transaction, team, name.as_str(), admin, now)?;
            audit::record(transaction, now, visitor.name(), action, name.as_str(), if admin { "admin" } else { "" })
        })
        .map_err(|error| {
            if error.is_conflict() {
                Error::Conflict {
                    message: format!("the name `{name}` is taken"),
                    hint: "users and teams share their names, and upper and lower case are one".to_owned(),
                }
            } else {
                error.into()
            }
        })
}

/// All users.
pub(crate) fn list_users(database: &Database, visitor: &Visitor) -> Result<UserList, Error> {
    visitor.check_hub_admin()?;
    let users = database.read(accounts::users)?;
    Ok(UserList { schema: SCHEMA, users: users.into_iter().map(user).collect() })
}

fn user(account: accounts::Account) -> User {
    User { name: account.name, admin: account.admin, disabled: account.disabled }
}

/// The user of this name; a team is none.
pub(super) fn load_user(database: &Database, name: &str) -> Result<accounts::Account, Error> {
    load(database, name, false)
}

/// The user, or the team, of this name.
pub(super) fn load(database: &Database, name: &str, team: bool) -> Result<accounts::Account, Error> {
    let word = if team { "team" } else { "user" };
    let name: String = name.escape_debug().take(80).collect();
    database.read(|connection| accounts::find(connection, &name))?.filter(|account| account.is_team == team).ok_or_else(
        || Error::Unknown {
            message: format!("there is no {word} `{name}`"),
            hint: format!("`comfydock-hub {word} add {name}` makes one"),
        },
    )
}

/// Shuts a user out, or lets them in again. No token of a user who is shut out is accepted.
pub(crate) fn set_disabled(
    database: &Database,
    visitor: &Visitor,
    name: &str,
    is_disabled: bool,
) -> Result<User, Error> {
    visitor.check_hub_admin()?;
    let account = load_user(database, name)?;
    let now = clock::now();
    database.write(|transaction| {
        if is_disabled {
            if account.admin && accounts::other_admins(transaction, account.id)? == 0 {
                return Ok(Err(Error::Conflict {
                    message: format!("`{}` is the hub's last admin", account.name),
                    hint: "make another admin first: `comfydock-hub user add NAME --admin`".to_owned(),
                }));
            }
            accounts::disable(transaction, account.id, now)?;
        } else {
            accounts::enable(transaction, account.id)?;
        }
        let action = if is_disabled { "user.disable" } else { "user.enable" };
        audit::record(transaction, now, visitor.name(), action, &account.name, "").map(Ok)
    })??;
    Ok(user(accounts::Account { disabled: is_disabled, ..account }))
}

/// What the caller is told about themselves.
pub(crate) fn describe(database: &Database, caller: &Caller) -> Result<Whoami, Error> {
    let teams = database.read(|connection| accounts::memberships(connection, caller.user_id))?;
    let membership = |(team, role): (String, String)| {
        Role::find(&role).map(|role| Membership { team, role, may: Some(Right::of(role, caller.scope)) })
    };
    Ok(Whoami {
        user: caller.user.clone(),
        admin: caller.is_admin,
        scope: caller.scope,
        expires_at: caller.expires_at.map(clock::rfc3339),
        environments: caller.environments.clone(),
        teams: teams.into_iter().filter_map(membership).collect(),
    })
}
