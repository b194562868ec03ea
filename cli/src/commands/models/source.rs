use std::process::ExitCode;

use comfydock_workspace::ops::models;
use serde_json::json;

use super::{describe, file_name};
use crate::error::Failure;
use crate::printer::{DIM, GREEN, paint};
use crate::session::Session;

/// Say where models can be had
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Remember where a model can be had; the next commit records it
    Add {
        /// A file name, or the start of a hash
        model: String,
        /// The URL of the file
        source: String,
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
