use std::path::Path;
use std::process::ExitCode;

use comfydock_workspace::ops::models::{self, Listed};
use serde_json::{Value, json};

use super::describe;
use crate::error::Failure;
use crate::printer::{DIM, RED, paint, table};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count};

/// List the models of this machine
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only those whose path contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Hash measured files again, and fail when one is not what it was
    #[arg(long, conflicts_with = "duplicates")]
    verify: bool,
    /// Only models of which there are several files, by full hash
    #[arg(long)]
    duplicates: bool,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    if args.duplicates {
        return duplicates(session, args);
    }
    let workspace = session.workspace()?;
    if args.verify {
        return verify(session, args);
    }
    let mut listed = models::list(&workspace, &session.context(&[]))?;
    listed.retain(|model| args.takes(model));
    let mut offline = models::offline(&workspace)?;
    offline.retain(|model| args.takes(model));
    let document = json!({ "models": listed.iter().map(describe).collect::<Vec<_>>(), "offline": offline.len() });
    session.print("models.list", document, || table(&listed.iter().flat_map(rows).collect::<Vec<_>>()))?;
    if !offline.is_empty() {
        session
            .say(&format!("{} offline: on drives or in folders that are not there now", count(offline.len(), "model")));
    } else if let (true, Some(filter)) = (listed.is_empty(), &args.filter) {
        session.say(&format!("no model's path contains `{filter}`"));
    } else if listed.is_empty() {
        session.say("no models here; `comfydock models index DIR` adds a folder");
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn takes(&self, model: &Listed) -> bool {
        model.paths.iter().chain(&model.offline).any(|path| self.takes_file(path))
    }

    fn takes_file(&self, path: &Path) -> bool {
        let Some(filter) = self.filter.as_ref().map(|filter| filter.to_lowercase()) else { return true };
        path.to_string_lossy().to_lowercase().contains(&filter)
    }
}

fn rows(listed: &Listed) -> Vec<Vec<String>> {
    let paths = listed.paths.iter();
    paths
        .map(|path| {
            vec![paint(DIM, listed.model.quick.short(12)), bytes(listed.model.size), path.display().to_string()]
        })
        .collect()
}

fn verify(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let verified = models::verify(&workspace, |path| args.takes_file(path), &session.context(&[]))?;
    let wrong: Vec<_> = verified.verdicts.iter().filter(|verdict| !verdict.holds()).collect();
    let said: Vec<(String, Value, String)> = wrong
        .iter()
        .map(|verdict| {
            let path = verdict.file.root.path().join(&verdict.file.relative_path).display().to_string();
            let found = verdict.found.as_ref();
            let why = match found {
                Ok(now) => format!("is {}… and was {}…", now.short(12), verdict.expected.short(12)),
                Err(reason) => reason.clone(),
            };
            let document =
                json!({ "path": path, "expected": verdict.expected, "sha256": found.ok(), "error": found.err() });
            (path, document, why)
        })
        .collect();
    let document = json!({
        "verified": verified.verdicts.len(), "unmeasured": verified.unmeasured,
        "wrong": said.iter().map(|(_, document, _)| document).collect::<Vec<_>>(),
    });
    session.print("models.verify", document, || {
        let mut lines: Vec<String> =
            said.iter().map(|(path, _, why)| format!("{} {path}: {why}", paint(RED, "changed"))).collect();
        lines.push(format!("{} verified, {} changed", count(verified.verdicts.len(), "file"), said.len()));
        if verified.unmeasured > 0 {
            lines.push(format!("{} never measured; `comfydock models index --full` does", verified.unmeasured));
        }
        lines
    })?;
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn duplicates(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let context = session.context(&[]);
    let alike = models::alike(&workspace, |listed| args.takes(listed), &context)?;
    if !alike.is_empty() {
        let total = alike.iter().map(|file| file.size).sum();
        let question = format!("Measure {} that look alike ({})?", count(alike.len(), "file"), bytes(total));
        // Without an answer those that are known are shown, and the question stays open.
        if !session.global.yes && !prompt::interactive(session) {
            session.say(&format!("{} look alike and are not measured; --yes does", count(alike.len(), "file")));
        } else if prompt::confirm(session, &question, "--yes")? {
            models::measure(&workspace, &alike, &context)?;
        }
    }
    let mut found = models::duplicates(&workspace, &context)?;
    found.retain(|(listed, _)| args.takes(listed));
    let wasted: u64 = found.iter().map(|(_, bytes)| bytes).sum();
    let documents: Vec<Value> = found.iter().map(|(listed, _)| describe(listed)).collect();
    session.print("models.duplicates", json!({ "models": documents, "wasted": wasted }), || {
        let mut lines = table(&found.iter().flat_map(|(listed, _)| rows(listed)).collect::<Vec<_>>());
        lines.push(format!(
            "{} in several files; all but one of each take {}",
            count(found.len(), "model"),
            bytes(wasted)
        ));
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}
