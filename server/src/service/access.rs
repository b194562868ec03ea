//! Who may do what with which environment. The only place that answers this.

use comfydock_core::name::RepoPath;
use comfydock_core::wire::{Right, Role, Scope};
use rusqlite::Connection;

use super::Error;
use super::token::{self, Refusal};
use super::visitor::{Caller, Visitor};
use crate::clock;
use crate::db::environments::{self, Environment};
use crate::db::{Database, accounts, settings};
use crate::random;
use crate::state::Hub;

/// The place an allowed request is about.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// It was pushed to before.
    Existing(Environment),
    /// A push would make it.
    New { owner_id: i64, path: RepoPath },
}

/// A place on the hub as a visitor stands to it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) owner_id: i64,
    pub(super) path: RepoPath,
    /// What is there, deleted or never pushed to included.
    pub(super) environment: Option<Environment>,
    pub(super) role: Option<Role>,
    /// What the visitor may do there; nothing, if they may not even know of it.
    pub(super) may: Option<Right>,
}

/// How the visitor stands to a place; nothing when there is no such owner.
pub(super) fn look(connection: &Connection, visitor: &Visitor, path: &RepoPath) -> rusqlite::Result<Option<Place>> {
    let Some(owner) = accounts::find(connection, path.owner().as_str())? else { return Ok(None) };
    let name = path.name().as_str();
    let environment = match environments::find(connection, owner.id, name)? {
        Some(environment) => Some(environment),
        None => environments::find_by_old_name(connection, owner.id, name, clock::now())?,
    };
    let role = role_in(connection, visitor, owner.id)?;
    let is_public = environment.as_ref().is_some_and(|found| found.is_public && found.is_live());
    let is_meant = match &environment {
        Some(environment) => environments::is_meant(connection, &visitor.viewer(), &environment.id)?,
        None => visitor.token_is_for(path),
    };
    let may = visitor.right(role, is_public).filter(|_| is_meant);
    Ok(Some(Place { owner_id: owner.id, path: path.clone(), environment, role, may }))
}

/// The visitor's role with the owner's environments.
pub(super) fn role_in(connection: &Connection, visitor: &Visitor, owner_id: i64) -> rusqlite::Result<Option<Role>> {
    match visitor {
        Visitor::Caller(caller) => role_of(connection, caller, owner_id),
        Visitor::Anonymous { .. } | Visitor::Operator => Ok(None),
    }
}

fn role_of(connection: &Connection, caller: &Caller, owner_id: i64) -> rusqlite::Result<Option<Role>> {
    if caller.is_admin || owner_id == caller.user_id {
        return Ok(Some(Role::Admin));
    }
    let word = accounts::find_role(connection, owner_id, caller.user_id)?;
    Ok(word.as_deref().and_then(Role::find))
}

/// Who may let a push through that breaks a rule, and whether the caller is one of them.
#[derive(Debug, Clone)]
pub(crate) struct Ownership {
    pub(crate) is_owner: bool,
    /// `an admin of studio`, `ann`.
    pub(crate) owner: String,
}

/// How the caller stands to the owner of an environment.
pub(crate) fn ownership(database: &Database, caller: &Caller, environment: &Environment) -> Result<Ownership, Error> {
    let found = database.read(|connection| {
        let Some(owner) = accounts::find(connection, &environment.owner)? else { return Ok(None) };
        let role = role_of(connection, caller, owner.id)?;
        Ok(Some((owner, role)))
    })?;
    let (owner, role) = found.ok_or_else(|| Error::NotFound(environment.path()))?;
    let name = if owner.is_team { format!("an admin of {}", owner.name) } else { owner.name };
    Ok(Ownership { is_owner: role == Some(Role::Admin), owner: name })
}

/// Finds the place and checks the right to it. What one may not see does not exist.
pub(crate) fn authorize(
    database: &Database,
    visitor: &Visitor,
    path: &RepoPath,
    right: Right,
) -> Result<Target, Error> {
    let place = database.read(|connection| look(connection, visitor, path))?;
    let place = place.ok_or_else(|| visitor.missing(path))?;
    place.permit(visitor, right)
}

/// Checks again that a push which was let in may land: on a slow line it took an hour, and meanwhile its
/// token may have been revoked, or the environment deleted.
pub(crate) fn check_again(database: &Database, caller: &Caller, environment: &Environment) -> Result<(), Error> {
    let caller = token::authenticate_by_id(database, caller.token_id).map_err(|refusal| match refusal {
        Refusal::Failed(error) => error,
        refusal => Error::Forbidden { message: refusal.to_string(), hint: "push with a token that is good".to_owned() },
    })?;
    let path = environment.path();
    let path = RepoPath::parse(&path).map_err(|_| Error::NotFound(path))?;
    match authorize(database, &Visitor::Caller(caller), &path, Right::Push)? {
        Target::Existing(found) if found.id != environment.id => Err(Error::NotFound(environment.path())),
        Target::Existing(_) | Target::New { .. } => Ok(()),
    }
}

impl Place {
    /// What is here, if the visitor may do this with it.
    pub(super) fn permit(self, visitor: &Visitor, right: Right) -> Result<Target, Error> {
        let missing = || visitor.missing(&self.path);
        let may = self.may.ok_or_else(missing)?;
        let is_live = self.environment.as_ref().is_some_and(Environment::is_live);
        if !is_live && right != Right::Push {
            return Err(missing());
        }
        if may < right {
            return Err(self.refuse(visitor, right));
        }
        match self.environment {
            Some(environment) if is_live => Ok(Target::Existing(environment)),
            Some(Environment { deleted: Some(deleted), .. }) => Err(was_deleted(&self.path, &deleted)),
            _ => Ok(Target::New { owner_id: self.owner_id, path: self.path }),
        }
    }

    /// Why the visitor, who may see this, may not do that.
    pub(super) fn refuse(&self, visitor: &Visitor, right: Right) -> Error {
        let Visitor::Caller(caller) = visitor else { return Error::SignIn };
        let path = &self.path;
        let what = match right {
            Right::Pull => format!("read {path}"),
            Right::Push => format!("push to {path}"),
            Right::Administer => format!("change the settings of {path}"),
        };
        let needed = match right {
            Right::Pull => Role::Reader,
            Right::Push => Role::Writer,
            Right::Administer => Role::Admin,
        };
        match self.role {
            None => Error::Forbidden {
                message: format!("you may read {path}, which is public, but not {what}"),
                hint: format!("{} decides who may", path.owner()),
            },
            Some(role) if role < needed => Error::Forbidden {
                message: format!("as a {role} of {} you may not {what}", path.owner()),
                hint: format!("an admin of {} can make you {}", path.owner(), with_article(needed)),
            },
            Some(_) => {
                let may = if caller.scope == Scope::Read { "read" } else { "push to" };
                let scope = if right == Right::Administer { Scope::Admin } else { Scope::Push };
                Error::Forbidden {
                    message: format!("this token may {may} {path}, but not {what}")
                        .replace(&format!("but not push to {path}"), "but not push to it"),
                    hint: format!("use a token with the scope `{scope}`"),
                }
            }
        }
    }
}

fn with_article(role: Role) -> &'static str {
    match role {
        Role::Reader => "a reader",
        Role::Writer => "a writer",
        Role::Admin => "an admin",
    }
}

fn was_deleted(path: &RepoPath, deleted: &environments::Deleted) -> Error {
    Error::Conflict {
        message: format!("{path} was deleted by {} at {}", deleted.by, clock::rfc3339(deleted.at)),
        hint: format!(
            "until {} an admin of {} can bring it back with `comfydock hub restore {path}`; or push under another name",
            clock::rfc3339(deleted.purge_at),
            path.owner()
        ),
    }
}

/// Refuses whoever did not sign in, unless there is something that everybody may see.
pub(super) fn admit(database: &Database, visitor: &Visitor) -> Result<(), Error> {
    let Visitor::Anonymous { sees_public } = visitor else { return Ok(()) };
    if *sees_public && database.read(environments::any_public)? { Ok(()) } else { Err(Error::SignIn) }
}

/// The environment of an allowed push, with its repository; both are made when they are not there.
pub(crate) fn prepare_push(hub: &Hub, target: Target) -> Result<Environment, Error> {
    let environment = match target {
        Target::Existing(environment) => environment,
        Target::New { owner_id, path } => {
            let id = random::secret::<16>().map_err(|error| Error::Interrupted(error.to_string()))?;
            let name = path.name().as_str();
            let now = clock::now();
            let made = hub.database.write(|transaction| {
                // Since the right was checked, the name may have been given away.
                if settings::holder(transaction, owner_id, name, now)?.is_none() {
                    environments::insert(transaction, &id, owner_id, name, now)?;
                }
                environments::find(transaction, owner_id, name)
            })?;
            let environment = made.ok_or_else(|| Error::NotFound(path.to_string()))?;
            if let Some(deleted) = &environment.deleted {
                return Err(was_deleted(&path, deleted));
            }
            environment
        }
    };
    let repository = hub.data.repository(&environment.id);
    let _making = hub.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // git makes HEAD early and this folder last: what was broken off between is made to its end.
    if !["HEAD", "objects/info"].iter().all(|last| repository.join(last).exists()) {
        let failed = |error| Error::system(format!("cannot make {}", repository.display()), error);
        std::fs::create_dir_all(&repository).map_err(failed)?;
        hub.git.init_bare(&repository).map_err(Error::repository)?;
    }
    Ok(environment)
}
