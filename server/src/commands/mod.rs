//! The command line.

mod audit;
mod backup;
mod doctor;
mod environment;
mod gc;
mod log;
mod output;
mod reindex;
mod serve;
mod team;
mod token;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::configuration::{self, Configuration};
use crate::data::DataFolder;
use crate::db::Database;
use crate::service::Error;

/// Environments as git repositories, and a catalog of where each model can be had.
#[derive(Parser)]
#[command(name = "comfydock-hub", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Place {
    /// The folder with everything the hub keeps; `serve` and `restore` make it
    #[arg(long, value_name = "DIR", global = true, env = "COMFYDOCK_HUB_DATA")]
    data: Option<PathBuf>,
    /// The configuration [default: hub.toml in the hub's folder, if it is there]
    #[arg(long, value_name = "FILE", global = true, env = "COMFYDOCK_HUB_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the hub until it is told to stop
    Serve(serve::Serve),
    /// Read the configuration and print all of it as it would be used
    CheckConfig,
    /// Copy everything the hub keeps, as it is at one moment; the hub may serve meanwhile
    Backup(backup::Backup),
    /// Bring a backup back into a new folder
    Restore(backup::Restore),
    /// Look at everything and say what is wrong and what to do about it; nothing is changed
    Doctor(doctor::Doctor),
    /// Remove model files that no environment's history names any more; the hub does it by itself as well
    Gc(gc::Gc),
    /// Make the catalog anew from the repositories; the hub may serve meanwhile
    Reindex(reindex::Reindex),
    /// Users of the hub
    #[command(subcommand)]
    User(user::User),
    /// Teams, and who is in them
    #[command(subcommand)]
    Team(team::Team),
    /// Environments: names, who sees them, deletion
    #[command(subcommand)]
    Environment(environment::Environment),
    /// List what was done, the newest first
    Audit(audit::Audit),
    /// Tokens, with which users sign in
    #[command(subcommand)]
    Token(token::Token),
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let Some(data) = cli.place.data else {
        let message = "the hub's folder is not known: give --data DIR or set COMFYDOCK_HUB_DATA";
        let _ = Cli::command().error(clap::error::ErrorKind::MissingRequiredArgument, message).print();
        return ExitCode::from(2);
    };
    let configure = || configuration(&data, cli.place.config.as_deref());
    let done = |()| ExitCode::SUCCESS;
    let outcome = match cli.command {
        Command::CheckConfig => configure().and_then(|read| output::text(&read.redacted())).map(done),
        Command::Backup(command) => existing(&data).and_then(|folder| backup::write(&command, &folder)),
        Command::Restore(command) => backup::restore(&command, &data),
        Command::Doctor(command) => existing(&data).and_then(|folder| doctor::run(&command, &folder, configure())),
        Command::Gc(command) => configure().and_then(|read| gc::run(&command, &read, &existing(&data)?)),
        Command::Reindex(command) => existing(&data).and_then(|folder| reindex::run(&command, &folder)),
        Command::Serve(command) => configure().and_then(|read| {
            let (folder, database) = make(&data)?;
            serve::run(&command, read, folder, database).map(done)
        }),
        Command::Environment(command) => configure().and_then(|read| {
            let (folder, database) = open(&data)?;
            environment::run(&command, &read, &folder, &database).map(done)
        }),
        Command::Audit(command) => open(&data).and_then(|(_, database)| audit::run(&command, &database)).map(done),
        Command::User(command) => open(&data).and_then(|(_, database)| user::run(&command, &database)).map(done),
        Command::Team(command) => open(&data).and_then(|(_, database)| team::run(&command, &database)).map(done),
        Command::Token(command) => open(&data).and_then(|(_, database)| token::run(&command, &database)).map(done),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The configuration: the file that was named, or `hub.toml` in the hub's folder if it is there.
fn configuration(data: &Path, named: Option<&Path>) -> Result<Configuration, Error> {
    let usual = data.join("hub.toml");
    let file = named.or_else(|| usual.exists().then_some(usual.as_path()));
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(configuration::load(file, variables)?)
}

/// The hub in this folder, a new one if need be.
fn make(data: &Path) -> Result<(DataFolder, Database), Error> {
    let failed = |error| Error::system(format!("cannot use the folder {}", data.display()), error);
    let folder = DataFolder::open(data).map_err(failed)?;
    let database = Database::open(&folder.database())?;
    Ok((folder, database))
}

/// The hub that was in this folder before.
fn open(data: &Path) -> Result<(DataFolder, Database), Error> {
    let folder = existing(data)?;
    let database = Database::open(&folder.database())?;
    Ok((folder, database))
}

/// The folder of a hub that was there before: a user who is added to a new hub by a wrong --data would be
/// missed in the right one.
fn existing(data: &Path) -> Result<DataFolder, Error> {
    let failed = |error| Error::system(format!("cannot use the folder {}", data.display()), error);
    DataFolder::find(data).map_err(failed)?.ok_or_else(|| Error::Invalid {
        message: format!("there is no hub in {}", data.display()),
        hint: Some("give --data the folder that `comfydock-hub serve` uses".to_owned()),
    })
}
