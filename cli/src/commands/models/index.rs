use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_workspace::ops::models;
use serde_json::json;

use crate::error::Failure;
use crate::session::Session;
use crate::words::{bytes, count};

/// Look for new, changed and vanished model files
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A folder models lie in, by category, to be looked through from now on
    dir: Option<PathBuf>,
    /// Measure every file's SHA-256 and BLAKE3, not only samples
    #[arg(long)]
    full: bool,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    let scan = models::index(&mut workspace, args.dir.as_deref(), args.full, &session.context(&[]))?;
    let offline = comfydock_workspace::models::roots::offline(&workspace);
    let document = json!({ "files": scan.files, "bytes": scan.bytes, "measured": scan.measured, "gone": scan.gone, "offline": offline });
    session.print("models.index", document, || {
        let mut lines = vec![format!(
            "{}, {}; {} new or changed, {} gone",
            count(scan.files, "model file"),
            bytes(scan.bytes),
            scan.measured,
            scan.gone
        )];
        lines.extend(offline.iter().map(|folder| format!("offline: {}", folder.display())));
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}
