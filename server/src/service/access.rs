//! Who may do what with which environment.

use comfydock_core::name::RepoPath;
use comfydock_core::wire::{Role, Scope};

use super::Error;
use super::token::Caller;
use crate::clock;
use crate::db::environments::{self, Environment, Viewer};
use crate::db::{Database, accounts};
use crate::random;
use crate::state::Hub;

/// What somebody wants to do with an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Pull,
    Push,
}

/// The place an allowed request is about.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// It was pushed to before.
    Existing(Environment),
    /// A push would make it.
    New { owner_id: i64, path: RepoPath },
}

impl Caller {
    /// For questions whose answer depends on who asks.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer { user: self.user_id, sees_all: self.is_admin }
    }
}

/// Finds the place and checks the right to it. What one may not see does not exist.
pub(crate) fn authorize(database: &Database, caller: &Caller, path: &RepoPath, right: Right) -> Result<Target, Error> {
    let missing = || Error::NotFound(path.to_string());
    let owner = database.read(|connection| accounts::find(connection, path.owner().as_str()))?.ok_or_else(missing)?;
    let role = role_in(database, caller, &owner)?.ok_or_else(missing)?;
    let found = database.read(|connection| environments::find(connection, owner.id, path.name().as_str()))?;
    let target = match found.filter(|environment| environment.tip.is_some()) {
        Some(environment) => Target::Existing(environment),
        None if right == Right::Pull => return Err(missing()),
        None => Target::New { owner_id: owner.id, path: path.clone() },
    };
    if right == Right::Push {
        may_push(caller, role, path)?;
    }
    Ok(target)
}

fn role_in(database: &Database, caller: &Caller, owner: &accounts::Account) -> Result<Option<Role>, Error> {
    if caller.is_admin || owner.id == caller.user_id {
        return Ok(Some(Role::Admin));
    }
    let word = database.read(|connection| accounts::find_role(connection, owner.id, caller.user_id))?;
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
    let missing = || Error::NotFound(environment.path());
    let owner = database.read(|connection| accounts::find(connection, &environment.owner))?.ok_or_else(missing)?;
    let is_owner = role_in(database, caller, &owner)? == Some(Role::Admin);
    Ok(Ownership { is_owner, owner: if owner.is_team { format!("an admin of {}", owner.name) } else { owner.name } })
}

fn may_push(caller: &Caller, role: Role, path: &RepoPath) -> Result<(), Error> {
    if caller.scope < Scope::Push {
        return Err(Error::Forbidden {
            message: format!("this token may read {path}, but not push to it"),
            hint: "use a token with the scope `push`".to_owned(),
        });
    }
    if role < Role::Writer {
        return Err(Error::Forbidden {
            message: format!("as a {role} of {} you may not push to {path}", path.owner()),
            hint: format!("an admin of {} can make you a writer", path.owner()),
        });
    }
    Ok(())
}

/// The environment of an allowed push, with its repository; both are made when they are not there.
pub(crate) fn prepare_push(hub: &Hub, target: Target) -> Result<Environment, Error> {
    let environment = match target {
        Target::Existing(environment) => environment,
        Target::New { owner_id, path } => {
            let id = random::secret::<16>().map_err(|error| Error::Interrupted(error.to_string()))?;
            let name = path.name().as_str();
            hub.database
                .write(|transaction| {
                    environments::insert(transaction, &id, owner_id, name, clock::now())?;
                    environments::find(transaction, owner_id, name)
                })?
                .ok_or_else(|| Error::NotFound(path.to_string()))?
        }
    };
    let repository = hub.data.repository(&environment.id);
    let _making = hub.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !repository.join("HEAD").exists() {
        let failed = |error| Error::system(format!("cannot make {}", repository.display()), error);
        std::fs::create_dir_all(&repository).map_err(failed)?;
        hub.git.init_bare(&repository).map_err(Error::repository)?;
    }
    Ok(environment)
}
