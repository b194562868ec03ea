use std::process::ExitCode;

use comfydock_workspace::ops::models::{self, Forgettable};
use serde_json::json;

use super::file_name;
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::count;

/// Look no longer through a folder, or drop what is known of a model; files stay
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A models folder or a file of --extra-model-paths; else a file name, or the start of a hash
    what: String,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    let what = models::find_forgettable(&workspace, &args.what, &session.context(&[]))?;
    let (kind, name) = match &what {
        Forgettable::Folder(path) => ("folder", path.display().to_string()),
        Forgettable::Configuration(path) => ("configuration", path.display().to_string()),
        Forgettable::Model(listed) => ("model", file_name(listed)),
    };
    if let Forgettable::Model(listed) = &what {
        let question = format!("Forget the hashes and {} of {name}?", count(listed.model.sources.len(), "source"));
        if !prompt::confirm(session, &question, "--yes")? {
            return Err(Failure::Cancelled);
        }
    }
    let copy = models::forget(&mut workspace, &what)?;
    session.print("models.forget", json!({ "kind": kind, "name": name, "copy": copy }), || {
        let mut lines = vec![format!("{} {kind} {name}; its files are where they were", paint(GREEN, "forgotten:"))];
        lines.extend(copy.iter().map(|copy| format!("the index as it was is kept at {}", copy.display())));
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}
