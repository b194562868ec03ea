//! `comfydock-hub team`.

use clap::{Subcommand, ValueEnum};
use comfydock_core::name::AccountName;
use comfydock_core::wire;

use super::output;
use crate::db::{Database, blobs};
use crate::service::visitor::Visitor;
use crate::service::{Error, team};
use crate::words::bytes;

#[derive(Subcommand)]
pub(super) enum Team {
    /// Add a team
    Add {
        /// The team's name; users and teams share their names
        name: AccountName,
    },
    /// List the teams with the bytes of the models that the hub keeps for them, or who is in one
    List {
        /// The team
        team: Option<String>,
    },
    /// Take a user out of a team
    RemoveMember {
        /// The team
        team: String,
        /// The user
        user: String,
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
    let operator = &Visitor::Operator;
    match command {
        Team::Add { name } => team::add(database, operator, name).map(drop),
        Team::Member { team, user, role } => team::set_member(database, operator, team, user, (*role).into()).map(drop),
        Team::RemoveMember { team, user } => team::remove_member(database, operator, team, user),
        Team::List { team: None } => {
            let teams = team::list(database, operator)?.teams;
            let models = database.read(blobs::of_teams)?;
            let row = |team: wire::Team| {
                let taken = models.get(&team.name).copied().unwrap_or_default();
                [team.name, team.members.to_string(), bytes(taken.kept), bytes(taken.arriving)]
            };
            let rows: Vec<_> = teams.into_iter().map(row).collect();
            output::table(["TEAM", "MEMBERS", "MODELS KEPT", "ARRIVING"], &rows)
        }
        Team::List { team: Some(team) } => {
            let members = team::members(database, operator, team)?.members;
            let rows: Vec<_> = members.into_iter().map(|member| [member.user, member.role.to_string()]).collect();
            output::table(["USER", "ROLE"], &rows)
        }
    }
}
