//! `comfydock-hub gc`.

use std::process::ExitCode;

use clap::Args;

use super::output;
use crate::configuration::Configuration;
use crate::data::DataFolder;
use crate::db::Database;
use crate::service::maintenance::{Lease, Purpose};
use crate::service::{Error, blob};
use crate::words::count;

#[derive(Args)]
pub(super) struct Gc {
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(command: &Gc, configuration: &Configuration, data: &DataFolder) -> Result<ExitCode, Error> {
    let database = Database::open_as_it_is(&data.database())?;
    let lease = Lease::take(&data.database(), Purpose::Upkeep)?.ok_or_else(|| Error::Invalid {
        message: "the hub's maintenance, or a backup, is under way".to_owned(),
        hint: Some("try again when it is done; the serving hub looks every hour by itself".to_owned()),
    })?;
    let found = blob::collect(&database, data, configuration.blobs.seconds_of_grace(), command.dry_run)?;
    drop(lease);
    let bytes: u64 = found.files.iter().map(|blob| blob.size).sum();
    for blob in &found.files {
        output::line(&format!("sha256:{} {} bytes", blob.sha256, blob.size))?;
    }
    let word = if command.dry_run { "would remove" } else { "removed" };
    output::line(&format!(
        "{word} {} with {bytes} bytes that nothing refers to",
        count(found.files.len(), "model file")
    ))?;
    if found.leftovers > 0 {
        output::line(&format!("{word} {} that were never finished", count(found.leftovers, "file")))?;
    }
    if found.waiting > 0 {
        let grace = configuration.blobs.grace;
        output::line(&format!(
            "{} nothing refers to either; each stays for {grace}",
            count(found.waiting, "model file")
        ))?;
    }
    for (environment, problem) in &found.unread {
        output::note(&format!("problem: all files of {environment} stay, because it cannot be read: {problem}"));
    }
    Ok(if found.unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
