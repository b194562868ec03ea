//! `comfydock-hub environment`.

use clap::{Subcommand, ValueEnum};
use comfydock_core::name::{EnvironmentName, RepoPath};
use comfydock_core::wire::{self, EnvironmentChange, EnvironmentSummary};

use super::output;
use crate::configuration::Configuration;
use crate::data::DataFolder;
use crate::db::Database;
use crate::service::maintenance::{Lease, Purpose};
use crate::service::visitor::Visitor;
use crate::service::{Error, catalog, purge, settings};
use crate::words::model_files;

#[derive(Subcommand)]
pub(super) enum Environment {
    /// List the environments
    List {
        /// Those that are deleted and can still be restored
        #[arg(long)]
        deleted: bool,
    },
    /// Rename an environment; the old name leads to it for a time
    Rename {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
        /// Its new name
        name: EnvironmentName,
    },
    /// Say who may see an environment
    Visibility {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
        /// Who may see it
        visibility: Visibility,
    },
    /// Delete an environment; it can be restored for a time
    Delete {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
    },
    /// Take a deletion back
    Restore {
        /// The environment
        #[arg(value_name = "OWNER/NAME")]
        path: RepoPath,
    },
    /// Let a deleted environment go for good, before its time
    Purge {
        /// The environment [default: all whose time is over]
        #[arg(value_name = "OWNER/NAME")]
        path: Option<RepoPath>,
        /// Yes: nobody can bring it back
        #[arg(long, required = true)]
        yes: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Visibility {
    /// Its owner, or the members of the team that owns it
    Private,
    /// Everybody who reaches the hub
    Public,
}

impl From<Visibility> for wire::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Private => Self::Private,
            Visibility::Public => Self::Public,
        }
    }
}

pub(super) fn run(
    command: &Environment,
    configuration: &Configuration,
    data: &DataFolder,
    database: &Database,
) -> Result<(), Error> {
    let operator = &Visitor::Operator;
    let grace = configuration.environments.seconds_of_grace();
    match command {
        Environment::List { deleted: false } => list(catalog::environments(database, operator)?.environments),
        Environment::List { deleted: true } => list(settings::deleted(database, operator)?.environments),
        Environment::Rename { path, name } => {
            let change = EnvironmentChange { name: Some(name.to_string()), visibility: None };
            settings::change(database, operator, path, &change, grace).map(drop)
        }
        Environment::Visibility { path, visibility } => {
            let change = EnvironmentChange { name: None, visibility: Some((*visibility).into()) };
            let kept = settings::change(database, operator, path, &change, grace)?.kept.filter(|kept| kept.files > 0);
            match (visibility, kept) {
                (Visibility::Public, Some(kept)) => output::line(&format!(
                    "whoever sees {path} may read {} that this hub keeps for it",
                    model_files(kept)
                )),
                _ => Ok(()),
            }
        }
        Environment::Delete { path } => {
            let summary = settings::delete(database, operator, path, grace)?;
            let until = summary.deleted.map(|deleted| deleted.until).unwrap_or_default();
            output::line(&format!("{path} can be restored until {until}"))
        }
        Environment::Restore { path } => settings::restore(database, operator, path).map(drop),
        Environment::Purge { path, yes: _ } => {
            // Not under the hands of a backup that copies it, or of the hub that packs it.
            let _lease = Lease::take(&data.database(), Purpose::Upkeep)?.ok_or_else(|| Error::Conflict {
                message: "a backup or the hub's own upkeep is at work".to_owned(),
                hint: "try again when it is done; it takes seconds to minutes".to_owned(),
            })?;
            match path {
                Some(path) => purge::purge(database, data, operator, path),
                None => {
                    let count = purge::purge_due(database, data)?;
                    output::line(&format!("{count} gone"))
                }
            }
        }
    }
}

fn list(environments: Vec<EnvironmentSummary>) -> Result<(), Error> {
    let rows: Vec<_> = environments
        .into_iter()
        .map(|found| {
            let until = found.deleted.map_or_else(|| "-".to_owned(), |deleted| deleted.until);
            [
                format!("{}/{}", found.owner, found.name),
                found.visibility.to_string(),
                found.pushed_at,
                found.pushed_by,
                until,
            ]
        })
        .collect();
    output::table(["ENVIRONMENT", "VISIBILITY", "PUSHED", "BY", "DELETED, GOES AT"], &rows)
}
