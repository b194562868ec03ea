//! `comfydock-hub user`.

use clap::Subcommand;
use comfydock_core::name::AccountName;

use super::output;
use crate::db::Database;
use crate::service::visitor::Visitor;
use crate::service::{Error, accounts};

#[derive(Subcommand)]
pub(super) enum User {
    /// Add a user
    Add {
        /// The user's name; users and teams share their names
        name: AccountName,
        /// Let the user see and push everything
        #[arg(long)]
        admin: bool,
    },
    /// List the users
    List,
    /// Let a user in again who was shut out
    Enable {
        /// The user's name
        name: String,
    },
    /// Shut a user out: none of their tokens is accepted any more
    Disable {
        /// The user's name
        name: String,
    },
}

pub(super) fn run(command: &User, database: &Database) -> Result<(), Error> {
    match command {
        User::Add { name, admin } => accounts::add_user(database, &Visitor::Operator, name, *admin).map(drop),
        User::Disable { name } => accounts::set_disabled(database, &Visitor::Operator, name, true).map(drop),
        User::Enable { name } => accounts::set_disabled(database, &Visitor::Operator, name, false).map(drop),
        User::List => {
            let yes_or_no = |yes| if yes { "yes" } else { "no" }.to_owned();
            let rows: Vec<_> = accounts::list_users(database, &Visitor::Operator)?
                .users
                .into_iter()
                .map(|user| [user.name, yes_or_no(user.admin), yes_or_no(user.disabled)])
                .collect();
            output::table(["USER", "ADMIN", "DISABLED"], &rows)
        }
    }
}
