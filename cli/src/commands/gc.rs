use std::process::ExitCode;
use std::time::Duration;

use comfydock_workspace::ops::gc::{self, Found, Outcome};
use serde_json::json;

use crate::error::Failure;
use crate::printer::{DIM, GREEN, paint, table};
use crate::session::Session;
use crate::words::{bytes, count};

/// Show what nobody needs any more: trash, old packages, caches
///
/// What any version of any environment names is kept, so that going back works without a network.
/// `comfydock models gc` looks after the index of models and parts of downloads.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Remove it, for good
    #[arg(long)]
    prune: bool,
    /// Take what has not been needed for so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    older_than: u32,
    /// Let uv remove too what its cache keeps for nobody
    #[arg(long, requires = "prune")]
    uv: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let found = gc::find(&workspace, Duration::from_secs(u64::from(args.older_than) * 24 * 60 * 60))?;
    let outcome = if args.prune { Some(gc::prune(&workspace, &found)?) } else { None };
    if args.uv {
        gc::prune_uv(&workspace, &session.context(&[]))?;
    }
    let kept = outcome.as_ref().map_or(&found.kept, |outcome| &outcome.kept);
    let document = json!({
        "pruned": args.prune, "bytes": outcome.as_ref().map_or_else(|| found.bytes(), |outcome| outcome.bytes),
        "items": found.items.iter().map(|item| json!({
            "kind": item.kind.word(), "path": item.path, "bytes": item.bytes, "about": item.about,
        })).collect::<Vec<_>>(),
        "kept": kept,
    });
    session.print("gc", document, || lines(&found, outcome.as_ref()))?;
    kept.iter().for_each(|kept| session.say(&format!("kept: {kept}")));
    if !args.prune && !found.items.is_empty() {
        session.say("nothing was removed; --prune does it, and there is no way back from that");
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(found: &Found, outcome: Option<&Outcome>) -> Vec<String> {
    if found.items.is_empty() {
        return vec!["nothing to remove".to_owned()];
    }
    let rows: Vec<Vec<String>> = found
        .items
        .iter()
        .map(|item| {
            vec![item.kind.word().to_owned(), bytes(item.bytes), item.about.clone(), paint(DIM, item.path.display())]
        })
        .collect();
    let mut lines = table(&rows);
    lines.push(match outcome {
        Some(outcome) => {
            format!("{} {}, {}", paint(GREEN, "removed"), count(outcome.removed, "thing"), bytes(outcome.bytes))
        }
        None => format!("{} can go, {}", count(found.items.len(), "thing"), bytes(found.bytes())),
    });
    lines
}
