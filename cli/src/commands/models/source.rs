use std::process::ExitCode;

use comfydock_workspace::ops::look_up::How;
use comfydock_workspace::ops::models;
use comfydock_workspace::remote::hub::Hub;
use serde_json::json;

use super::super::look_up;
use super::{describe, file_name};
use crate::error::Failure;
use crate::printer::{DIM, GREEN, YELLOW, paint};
use crate::session::Session;

/// Say where models can be had
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Remember where a model can be had; the next commit records it
    Add {
        /// A file name, or the start of a hash
        model: String,
        /// Its URL, hf:…, civitai:…, hub:… or share:…
        source: String,
    },
    /// Forget that a model can be had somewhere
    Remove {
        /// A file name, or the start of a hash
        model: String,
        /// The source, as `list` shows it
        source: String,
    },
    /// Look for sources on the hub, CivitAI and Hugging Face, by hash
    Find {
        /// File names, or starts of hashes [default: all models without a source]
        models: Vec<String>,
        #[command(flatten)]
        look_up: look_up::Args,
    },
    /// List where models can be had
    List {
        /// A file name, or the start of a hash [default: all models]
        model: Option<String>,
    },
}

pub(super) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Add { model, source } => add(session, model, source),
        Command::Remove { model, source } => remove(session, model, source),
        Command::Find { models, look_up } => search(session, models, look_up),
        Command::List { model } => list(session, model.as_deref()),
    }
}

fn add(session: &Session, word: &str, source: &str) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let (found, source, fresh) = models::add_source(&workspace, word, source, &session.context(&[]))?;
    session.print("models.source.add", json!({ "model": describe(&found), "source": source, "new": fresh }), || {
        let name = file_name(&found);
        vec![if fresh {
            format!("{} {name} can be had at {source}", paint(GREEN, "noted"))
        } else {
            format!("{name} has this source already")
        }]
    })?;
    session.say("`comfydock commit` records it for the environments that use the model");
    Ok(ExitCode::SUCCESS)
}

fn list(session: &Session, word: Option<&str>) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let context = session.context(&[]);
    let listed = match word {
        Some(word) => vec![models::find(&workspace, word, &context)?],
        None => models::list(&workspace, &context)?,
    };
    session.print(
        "models.source.list",
        json!({ "models": listed.iter().map(describe).collect::<Vec<_>>() }),
        || {
            let mut lines = Vec::new();
            for found in &listed {
                let name = file_name(found);
                if found.model.sources.is_empty() {
                    lines.push(format!("{name}  {}", paint(DIM, "nobody says where it can be had")));
                }
                lines.extend(found.model.sources.iter().map(|source| format!("{name}  {source}")));
            }
            lines
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn remove(session: &Session, word: &str, source: &str) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let environment = match workspace.environment(session.global.env.as_ref()) {
        Ok(environment) => Some(environment),
        // The index needs no environment, unless one was named.
        Err(_) if session.global.env.is_none() => None,
        Err(error) => return Err(error.into()),
    };
    let context = session.context(&[]);
    let (found, source, forgotten) = models::remove_source(&workspace, environment.as_ref(), word, source, &context)?;
    let known = forgotten.here || forgotten.environment;
    let document = json!({
        "model": describe(&found), "source": source, "removed": known, "environment": forgotten.environment,
    });
    session.print("models.source.remove", document, || {
        let name = file_name(&found);
        vec![if known {
            format!("{} {name} is no longer looked for at {source}", paint(GREEN, "removed"))
        } else {
            format!("{name} has no source {source}")
        }]
    })?;
    if forgotten.environment {
        session.say("`comfydock commit` records it; a workflow that names the source itself brings it back");
    }
    Ok(if known { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn search(session: &Session, words: &[String], args: &look_up::Args) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    let context = session.context(&[]);
    let wanted = models::without_source(&workspace, words, &context)?;
    let outside = args.outside(session, &mut workspace, wanted.len())?;
    // Offline it is not asked: what it said last serves.
    let hub = Hub::default_hub(&context.network)?;
    let how = How { hub: hub.as_ref(), outside, refresh: args.refresh };
    let found = models::find_sources(&workspace, &wanted, how, &context)?;
    let outcome = &found.outcome;
    let rows = || wanted.iter().zip(&outcome.findings);
    let documents: Vec<serde_json::Value> = rows()
        .map(|(listed, finding)| {
            let offers: Vec<_> = finding.offers.iter().map(look_up::describe).collect();
            json!({ "model": describe(listed), "found": offers, "reasons": finding.reasons })
        })
        .collect();
    let document = json!({ "models": documents, "notes": outcome.notes, "outside_asked": !outcome.unasked });
    session.print("models.source.find", document, || {
        let mut lines = Vec::new();
        for (listed, finding) in rows() {
            let name = file_name(listed);
            for offer in &finding.offers {
                lines.push(format!("{} {name}  {}  ({})", paint(GREEN, "found"), offer.source, offer.site));
                lines.extend(
                    offer.warning.iter().map(|warning| format!("      {}: {warning}", paint(YELLOW, "warning"))),
                );
            }
            if finding.offers.is_empty() {
                let why = match (&listed.model.sha256, finding.reasons.as_slice()) {
                    (None, []) => "its SHA-256 is not known; `comfydock models index --full` measures it".to_owned(),
                    (_, []) if !found.outcome.notes.is_empty() => "nobody who could be asked knows it".to_owned(),
                    (_, []) => "nobody who was asked knows it".to_owned(),
                    (_, reasons) => reasons.join("; "),
                };
                lines.push(format!("{} {name}  {}", paint(YELLOW, "unknown"), paint(DIM, &why)));
            }
        }
        lines
    })?;
    look_up::notes(session, outcome);
    let complete = outcome.findings.iter().all(|finding| !finding.offers.is_empty());
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
