use std::process::ExitCode;

use comfydock_workspace::ops::models;
use serde_json::json;

use crate::error::Failure;
use crate::printer::GREEN;
use crate::printer::paint;
use crate::session::Session;
use crate::words::{bytes, count};

/// Show what the index and unfinished downloads keep for nobody; never a model file
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Remove it
    #[arg(long)]
    prune: bool,
    /// Take parts of downloads that are younger than a week too
    #[arg(long)]
    partials: bool,
    /// Take models without a file too whose SHA-256 or sources are known
    #[arg(long)]
    orphans: bool,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let also = models::Also { young_parts: args.partials, known_models: args.orphans };
    let waste = models::find_waste(&workspace, also, &session.context(&[]))?;
    let copy = if args.prune && !waste.is_empty() { Some(models::prune(&workspace, &waste)?) } else { None };
    let freed: u64 = waste.parts.iter().map(|part| part.size).sum();
    let document = json!({
        "pruned": copy.is_some(), "copy": copy, "bytes": freed, "folders": waste.folders,
        "models": waste.orphans.iter().map(|orphan| json!({ "sha256": orphan.sha256, "sources": orphan.sources })).collect::<Vec<_>>(),
        "kept": waste.kept,
        "parts": waste.parts.iter().map(|part| json!({ "path": part.path, "size": part.size })).collect::<Vec<_>>(),
    });
    session.print("models.gc", document, || {
        let mut lines = Vec::new();
        if !waste.orphans.is_empty() {
            let sources: usize = waste.orphans.iter().map(|orphan| orphan.sources).sum();
            lines.push(format!(
                "{} without a file, with {}",
                count(waste.orphans.len(), "model"),
                count(sources, "source")
            ));
        }
        lines.extend(waste.folders.iter().map(|folder| format!("files of `{folder}`, which nobody looks through")));
        lines.extend(
            waste.parts.iter().map(|part| format!("part of a download, {}: {}", bytes(part.size), part.path.display())),
        );
        match &copy {
            Some(copy) => lines.push(format!(
                "{} ({}); the index as it was is kept at {}",
                paint(GREEN, "removed"),
                bytes(freed),
                copy.display()
            )),
            None if waste.is_empty() => lines.push("nothing to remove".to_owned()),
            None => {}
        }
        lines
    })?;
    if waste.kept > 0 {
        session.say(&format!(
            "kept: {} without a file, of which a SHA-256 or sources are known; --orphans takes those too",
            count(waste.kept, "model")
        ));
    }
    if !args.prune && !waste.is_empty() {
        session.say("nothing was removed; --prune does it");
    }
    Ok(ExitCode::SUCCESS)
}
