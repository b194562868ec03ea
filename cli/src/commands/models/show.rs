use std::process::ExitCode;

use comfydock_core::sidecar::Trust;
use comfydock_workspace::ops::models;
use serde_json::json;

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
    let header = found.paths.iter().find_map(|path| models::header(path));
    let mut document = describe(&found);
    document["header"] = json!(header.as_ref().map(|header| {
        json!({ "tensors": header.tensors, "file_size": header.file_size, "tensor_hash": header.tensor_hash(), "title": header.metadata.get("modelspec.title"), "architecture": header.metadata.get("modelspec.architecture") })
    }));
    session.print("models.show", document, || {
        let mut rows = vec![
            vec!["quick hash".to_owned(), found.model.quick.to_string()],
            vec!["SHA-256".to_owned(), found.model.sha256.as_ref().map_or_else(unknown, ToString::to_string)],
            vec!["BLAKE3".to_owned(), found.model.blake3.as_ref().map_or_else(unknown, ToString::to_string)],
            vec!["size".to_owned(), format!("{} ({} bytes)", bytes(found.model.size), found.model.size)],
        ];
        rows.extend(found.paths.iter().map(|path| vec!["file".to_owned(), path.display().to_string()]));
        rows.extend(found.offline.iter().map(|path| vec!["offline".to_owned(), path.display().to_string()]));
        rows.extend(found.model.sources.iter().map(|source| vec!["source".to_owned(), source.to_string()]));
        for claim in &found.model.claims {
            let trust = match claim.trust {
                Trust::Claimed => "claimed",
                Trust::Hint => "hint",
            };
            let hash = claim.sha256.iter().map(|sha256| format!("SHA-256 {}…", sha256.short(12)));
            let said: Vec<String> = hash.chain(claim.sources.iter().map(ToString::to_string)).collect();
            rows.push(vec![trust.to_owned(), format!("{} ({})", said.join(", "), claim.origin)]);
        }
        if let Some(header) = &header {
            for (word, key) in [("title", "modelspec.title"), ("architecture", "modelspec.architecture")] {
                rows.extend(header.metadata.get(key).map(|value| vec![word.to_owned(), value.clone()]));
            }
            rows.extend(
                header.tensor_hash().map(|hash| vec!["tensors".to_owned(), format!("SHA-256 {hash}, a hint only")]),
            );
            if header.file_size != found.model.size {
                rows.push(vec!["damaged".to_owned(), format!("its header says it has {} bytes", header.file_size)]);
            }
        }
        table(&rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
