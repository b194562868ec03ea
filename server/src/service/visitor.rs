//! Who asks.

use comfydock_core::name::RepoPath;
use comfydock_core::pattern::EnvironmentPattern;
use comfydock_core::wire::{Right, Role, Scope};

use super::Error;
use crate::clock::Seconds;
use crate::db::environments::Viewer;

/// A signed-in user and what the token allows.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user_id: i64,
    pub(crate) user: String,
    pub(crate) is_admin: bool,
    pub(crate) token_id: i64,
    pub(crate) scope: Scope,
    /// The only environments the token is for.
    pub(crate) environments: Option<EnvironmentPattern>,
    pub(crate) expires_at: Option<Seconds>,
}

/// Whoever asks, signed in or not.
#[derive(Debug, Clone)]
pub(crate) enum Visitor {
    /// Nobody in particular.
    Anonymous {
        /// Whether the hub shows public environments to everybody.
        sees_public: bool,
    },
    /// Somebody with a token.
    Caller(Caller),
    /// Whoever sits at the hub's own machine, on its command line.
    Operator,
}

impl Visitor {
    /// What logs and the audit call them. No account can have the names that are none.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anonymous { .. } => "anonymous",
            Self::Caller(caller) => &caller.user,
            Self::Operator => "operator",
        }
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// [`Error::SignIn`] for everybody else.
    pub(crate) fn caller(&self) -> Result<&Caller, Error> {
        match self {
            Self::Caller(caller) => Ok(caller),
            Self::Anonymous { .. } | Self::Operator => Err(Error::SignIn),
        }
    }

    /// For questions whose answer depends on who asks.
    pub(crate) fn viewer(&self) -> Viewer {
        let nobody = Viewer { user: 0, sees_all: false, sees_public: false, owner: None, name: None };
        match self {
            Self::Anonymous { sees_public } => Viewer { sees_public: *sees_public, ..nobody },
            Self::Operator => Viewer { sees_all: true, ..nobody },
            Self::Caller(caller) => Viewer {
                user: caller.user_id,
                sees_all: caller.is_admin,
                sees_public: true,
                owner: caller.environments.as_ref().and_then(EnvironmentPattern::owner),
                name: caller.environments.as_ref().and_then(EnvironmentPattern::name),
            },
        }
    }

    /// Whether the token is for this environment; its rights are another question.
    pub(crate) fn token_is_for(&self, path: &RepoPath) -> bool {
        match self {
            Self::Caller(Caller { environments: Some(pattern), .. }) => pattern.matches(path),
            _ => true,
        }
    }

    /// What may be done with an environment in which one has this role: nothing, if it is not seen.
    pub(crate) fn right(&self, role: Option<Role>, is_public: bool) -> Option<Right> {
        match self {
            Self::Operator => Some(Right::Administer),
            Self::Anonymous { sees_public } => (is_public && *sees_public).then_some(Right::Pull),
            Self::Caller(caller) => role.map(|role| Right::of(role, caller.scope)).or(is_public.then_some(Right::Pull)),
        }
    }

    /// What this is answered with that does not exist, or may not be seen: whoever did not sign in
    /// is asked to do so first.
    pub(crate) fn missing(&self, what: impl std::fmt::Display) -> Error {
        match self {
            Self::Anonymous { .. } => Error::SignIn,
            Self::Caller(_) => Error::NotFound(what.to_string()),
            // From him nothing is hidden.
            Self::Operator => Error::invalid(format!("{what} does not exist")),
        }
    }

    /// Whether this is somebody who runs the hub, with a token that may do it.
    pub(crate) fn is_hub_admin(&self) -> bool {
        self.check_hub_admin().is_ok()
    }

    /// Refuses all but admins of the hub.
    pub(crate) fn check_hub_admin(&self) -> Result<(), Error> {
        match self {
            Self::Operator => Ok(()),
            Self::Anonymous { .. } => Err(Error::SignIn),
            Self::Caller(caller) if caller.is_admin => caller.check_accounts(),
            Self::Caller(_) => Err(Error::Forbidden {
                message: "only an admin of the hub may do this".to_owned(),
                hint: "ask whoever runs the hub".to_owned(),
            }),
        }
    }
}

impl Caller {
    /// Refuses tokens that may not touch users, teams and tokens.
    pub(crate) fn check_accounts(&self) -> Result<(), Error> {
        let hint = "use a token with the scope `admin` for all environments".to_owned();
        if self.scope < Scope::Admin {
            let message = format!("this token has the scope `{}`, which is not enough to do this", self.scope);
            return Err(Error::Forbidden { message, hint });
        }
        match &self.environments {
            Some(pattern) => Err(Error::Forbidden { message: format!("this token is for {pattern} only"), hint }),
            None => Ok(()),
        }
    }
}
