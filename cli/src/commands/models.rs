use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_workspace::ops::models::{self, Listed};
use serde_json::{Value, json};

use super::report;
use crate::error::Failure;
use crate::printer::{DIM, GREEN, paint, table};
use crate::session::Session;
use crate::words::{bytes, count};

/// Know the model files of this machine and get those that are missing
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Look for new, changed and vanished model files
    Index {
        /// A folder models lie in, by category, to be looked through from now on
        dir: Option<PathBuf>,
        /// Measure every file's SHA-256 and BLAKE3, not only samples
        #[arg(long)]
        full: bool,
    },
    /// List the models of this machine
    List {
        /// Only those whose path contains this
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Show all that is known of a model
    Show {
        /// A file name, or the start of a hash
        model: String,
    },
    /// Download models that the environment's workflows need and that are not here
    Download {
        /// Everything that is missing
        #[arg(long, required = true)]
        missing: bool,
        #[command(flatten)]
        arrival: report::Arrival,
    },
    /// Say where models can be had
    #[command(subcommand)]
    Source(SourceCommand),
}

/// Say where models can be had
#[derive(clap::Subcommand)]
pub(crate) enum SourceCommand {
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

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Index { dir, full } => index(session, dir.as_deref(), *full),
        Command::List { filter } => list(session, filter.as_deref()),
        Command::Show { model } => show(session, model),
        Command::Download { arrival, .. } => download(session, arrival),
        Command::Source(SourceCommand::Add { model, source }) => add_source(session, model, source),
        Command::Source(SourceCommand::List { model }) => list_sources(session, model.as_deref()),
    }
}

fn index(session: &Session, dir: Option<&std::path::Path>, full: bool) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    let scan = models::index(&mut workspace, dir, full, &session.context(&[]))?;
    let offline = comfydock_workspace::models::scan::offline(&workspace);
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

fn describe(listed: &Listed) -> Value {
    json!({
        "quick_hash": listed.model.quick, "size": listed.model.size, "sha256": listed.model.sha256, "blake3": listed.model.blake3,
        "paths": listed.paths, "sources": listed.model.sources,
    })
}

fn file_name(listed: &Listed) -> String {
    let name = listed.paths.first().and_then(|path| path.file_name());
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn list(session: &Session, filter: Option<&str>) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let mut listed = models::list(&workspace, &session.context(&[]))?;
    if let Some(filter) = filter {
        let filter = filter.to_lowercase();
        listed.retain(|model| model.paths.iter().any(|path| path.to_string_lossy().to_lowercase().contains(&filter)));
    }
    let document = json!({ "models": listed.iter().map(describe).collect::<Vec<_>>() });
    session.print("models.list", document, || {
        let rows: Vec<Vec<String>> = listed
            .iter()
            .flat_map(|model| {
                model.paths.iter().map(|path| {
                    vec![paint(DIM, model.model.quick.short(12)), bytes(model.model.size), path.display().to_string()]
                })
            })
            .collect();
        table(&rows)
    })?;
    if listed.is_empty() {
        session.say("no models here; `comfydock models index DIR` adds a folder");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(session: &Session, word: &str) -> Result<ExitCode, Failure> {
    let workspace = session.workspace()?;
    let found = models::find(&workspace, word, &session.context(&[]))?;
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

fn download(session: &Session, arrival: &report::Arrival) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let reports = models::download_missing(&workspace, &environment, &session.context(&arrival.allow_host))?;
    let document = json!({ "environment": environment.name(), "complete": report::is_complete(&reports), "models": report::document(&reports) });
    session.print("models.download", document, || report::outcome(&reports, &std::collections::BTreeMap::new()))?;
    Ok(report::ending(session, &reports, arrival.allow_issues))
}

fn add_source(session: &Session, word: &str, source: &str) -> Result<ExitCode, Failure> {
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

fn list_sources(session: &Session, word: Option<&str>) -> Result<ExitCode, Failure> {
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
