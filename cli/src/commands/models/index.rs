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
    /// A file like ComfyUI's extra_model_paths.yaml that names further folders
    #[arg(long, value_name = "FILE")]
    extra_model_paths: Option<PathBuf>,
    /// A comfygit workspace whose knowledge of models is to be read
    #[arg(long, value_name = "DIR")]
    import_comfygit: Option<PathBuf>,
    /// Measure every file's SHA-256 and BLAKE3, not only samples
    #[arg(long)]
    full: bool,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    let options = models::IndexOptions {
        folder: args.dir.clone(),
        extra_model_paths: args.extra_model_paths.clone(),
        full: args.full,
    };
    let models::Indexed { scan, unmeasured, offline } = models::index(&mut workspace, &options, &session.context(&[]))?;
    let learned = match &args.import_comfygit {
        Some(folder) => Some(models::import_comfygit(&workspace, folder, &session.context(&[]))?),
        None => None,
    };
    let document = json!({ "files": scan.files, "bytes": scan.bytes, "measured": scan.measured, "gone": scan.gone, "unreachable": scan.offline, "offline": offline, "learned": learned, "unmeasured": unmeasured });
    session.print("models.index", document, || {
        let mut lines = vec![format!(
            "{}, {}; {} new or changed, {} gone",
            count(scan.files, "model file"),
            bytes(scan.bytes),
            scan.measured,
            scan.gone
        )];
        lines.extend(learned.map(|learned| format!("something was learned about {}", count(learned, "model"))));
        if scan.offline > 0 {
            lines.push(format!("{} cannot be reached now; what is known of them is kept", count(scan.offline, "file")));
        }
        if unmeasured > 0 {
            lines.push(format!("{} could not be measured", count(unmeasured, "file")));
        }
        lines.extend(offline.iter().map(|folder| format!("offline: {}", folder.display())));
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}
