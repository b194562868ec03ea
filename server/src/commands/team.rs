//! `comfydock-hub team`.

use clap::{Subcommand, ValueEnum};
use comfydock_core::name::AccountName;
use comfydock_core::wire;

use super::ACTOR;
use crate::db::Database;
use crate::service::{Error, accounts};

#[derive(Subcommand)]
pub(super) enum Team {
    /// Add a team
    Add {
        /// The team's name; users and teams share their names
        name: AccountName,
    },
    /// Put a user into a team, or change the role there
    Member {
        /// The team
        team: String,
        /// The user
        user: String,
        /// What the user may do with the team's environments
        #[arg(long, value_enum, default_value_t = Role::Writer)]
        role: Role,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Role {
    /// Clone and pull
    Reader,
    /// Push as well, and make environments by pushing
    Writer,
    /// Everything
    Admin,
}

impl From<Role> for wire::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Reader => Self::Reader,
            Role::Writer => Self::Writer,
            Role::Admin => Self::Admin,
        }
    }
}

pub(super) fn run(command: &Team, database: &Database) -> Result<(), Error> {
    match command {
        Team::Add { name } => accounts::add_team(database, name, ACTOR),
        Team::Member { team, user, role } => accounts::set_member(database, team, user, (*role).into(), ACTOR),
    }
}
