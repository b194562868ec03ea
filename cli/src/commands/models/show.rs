use std::process::ExitCode;

use comfydock_workspace::ops::models;

use super::describe;
use crate::error::Failure;
use crate::printer::table;
use crate::session::Session;
use crate::words::bytes;

/// Show all that is known of a model
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file name, or the start of a hash
    model: String,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let found = models::find(&workspace, &args.model, &session.context(&[]))?;
    let unknown = || "not measured; `comfydock models index --full`".to_owned();
    session.print("models.show", describe(&found), || {
        let mut rows = vec![
            vec!["quick hash".to_owned(), found.model.quick.to_string()],
            vec!["SHA-256".to_owned(), found.model.sha256.as_ref().map_or_else(unknown, ToString::to_string)],
            vec!["BLAKE3".to_owned(), found.model.blake3.as_ref().map_or_else(unknown, ToString::to_string)],
            vec!["size".to_owned(), format!("{} ({} bytes)", bytes(found.model.size), found.model.size)],
        ];
        rows.extend(found.paths.iter().map(|path| vec!["file".to_owned(), path.display().to_string()]));
        rows.extend(found.model.sources.iter().map(|source| vec!["source".to_owned(), source.to_string()]));
        table(&rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
