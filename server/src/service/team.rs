//! Teams, and who is in them.

use comfydock_core::name::AccountName;
use comfydock_core::wire::{Member, MemberList, Role, SCHEMA, Team, TeamList};

use super::Error;
use super::accounts::{self as users, load_user};
use super::visitor::Visitor;
use crate::clock;
use crate::db::accounts::Account;
use crate::db::{Database, accounts, audit};

/// Adds a team. For admins of the hub.
pub(crate) fn add(database: &Database, visitor: &Visitor, name: &AccountName) -> Result<Team, Error> {
    visitor.check_hub_admin()?;
    users::add(database, visitor, name, true, false)?;
    Ok(Team { name: name.to_string(), members: 0, role: None })
}

/// The teams the visitor is in; for those who run the hub all of them.
pub(crate) fn list(database: &Database, visitor: &Visitor) -> Result<TeamList, Error> {
    let user = match visitor {
        Visitor::Operator => 0,
        _ => visitor.caller()?.user_id,
    };
    let sees_all = visitor.viewer().sees_all;
    let teams = database.read(|connection| accounts::teams(connection, user))?;
    let team = |(name, members, role): (String, u64, Option<String>)| {
        let role = role.as_deref().and_then(Role::find);
        (sees_all || role.is_some()).then_some(Team { name, members, role })
    };
    Ok(TeamList { schema: SCHEMA, teams: teams.into_iter().filter_map(team).collect() })
}

/// The team, if the visitor may know who is in it, and the visitor's role there.
fn find(database: &Database, visitor: &Visitor, name: &str) -> Result<(Account, Role), Error> {
    if let Visitor::Operator = visitor {
        return Ok((users::load(database, name, true)?, Role::Admin));
    }
    let caller = visitor.caller()?;
    let shown: String = name.escape_debug().take(80).collect();
    let missing = || visitor.missing(format!("the team {shown}"));
    let team = database.read(|connection| accounts::find(connection, name))?;
    let team = team.filter(|account| account.is_team).ok_or_else(missing)?;
    if caller.is_admin {
        return Ok((team, Role::Admin));
    }
    let word = database.read(|connection| accounts::find_role(connection, team.id, caller.user_id))?;
    let role = word.as_deref().and_then(Role::find).ok_or_else(missing)?;
    Ok((team, role))
}

/// The team, if the visitor may say who is in it.
fn find_for_change(database: &Database, visitor: &Visitor, name: &str) -> Result<Account, Error> {
    let (team, role) = find(database, visitor, name)?;
    if role < Role::Admin {
        return Err(Error::Forbidden {
            message: format!("as a {role} of {} you may not say who is in it", team.name),
            hint: format!("ask an admin of {}", team.name),
        });
    }
    if let Visitor::Caller(caller) = visitor {
        caller.check_accounts()?;
    }
    Ok(team)
}

/// Who is in a team. For its members.
pub(crate) fn members(database: &Database, visitor: &Visitor, team: &str) -> Result<MemberList, Error> {
    let (team, _) = find(database, visitor, team)?;
    let members = database.read(|connection| accounts::members(connection, team.id))?;
    let member = |(user, role): (String, String)| Role::find(&role).map(|role| Member { user, role });
    Ok(MemberList { schema: SCHEMA, team: team.name, members: members.into_iter().filter_map(member).collect() })
}

/// Puts a user into a team, or changes the role there. For admins of the team.
pub(crate) fn set_member(
    database: &Database,
    visitor: &Visitor,
    team: &str,
    user: &str,
    role: Role,
) -> Result<Member, Error> {
    let team = find_for_change(database, visitor, team)?;
    let user = load_user(database, user)?;
    let now = clock::now();
    database.write(|transaction| {
        if role < Role::Admin && is_last_admin(transaction, visitor, &team, &user)? {
            return Ok(Err(last_admin(&team, &user)));
        }
        accounts::set_member(transaction, team.id, user.id, role.as_str())?;
        let detail = format!("{} {role}", user.name);
        audit::record(transaction, now, visitor.name(), "team.member", &team.name, &detail).map(Ok)
    })??;
    Ok(Member { user: user.name, role })
}

/// Takes a user out of a team. For admins of the team.
pub(crate) fn remove_member(database: &Database, visitor: &Visitor, team: &str, user: &str) -> Result<(), Error> {
    let team = find_for_change(database, visitor, team)?;
    let user = load_user(database, user)?;
    let now = clock::now();
    database.write(|transaction| {
        if is_last_admin(transaction, visitor, &team, &user)? {
            return Ok(Err(last_admin(&team, &user)));
        }
        if !accounts::remove_member(transaction, team.id, user.id)? {
            return Ok(Err(Error::NotFound(format!("`{}` in the team {}", user.name, team.name))));
        }
        audit::record(transaction, now, visitor.name(), "team.remove", &team.name, &user.name).map(Ok)
    })?
}

/// Whether the team would be left without an admin by somebody who could not help it afterwards.
fn is_last_admin(
    connection: &rusqlite::Connection,
    visitor: &Visitor,
    team: &Account,
    user: &Account,
) -> rusqlite::Result<bool> {
    let role = accounts::find_role(connection, team.id, user.id)?;
    Ok(!visitor.is_hub_admin()
        && role.as_deref() == Some(Role::Admin.as_str())
        && accounts::other_team_admins(connection, team.id, user.id)? == 0)
}

fn last_admin(team: &Account, user: &Account) -> Error {
    Error::Conflict {
        message: format!("`{}` is the last admin of {}", user.name, team.name),
        hint: "make somebody else an admin first".to_owned(),
    }
}
