use std::io::IsTerminal as _;
use std::process::ExitCode;

use comfydock_workspace::ops::log;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{BOLD, DIM, paint};
use crate::session::Session;

/// Show the history as v1, v2, …
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many versions to show
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,
    /// One line a version
    #[arg(long)]
    oneline: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (_, environment) = session.environment()?;
    let versions = log::log(&environment, args.limit.unwrap_or(usize::MAX))?;
    let document = json!({ "versions": versions.iter().map(|version| json!({
        "version": version.number, "commit": version.commit, "message": version.message.trim_end(),
        "author": version.author.name, "email": version.author.email, "time": time(version.seconds),
    })).collect::<Vec<_>>() });
    session.print("log", document, || {
        let mut lines = Vec::new();
        for version in &versions {
            let summary = version.message.lines().next().unwrap_or_default();
            let name = paint(BOLD, format!("v{}", version.number));
            if args.oneline {
                lines.push(format!("{name} {} {summary}", paint(DIM, version.commit.short(12))));
                continue;
            }
            lines.push(format!(
                "{name}  {}  {}  {}",
                time(version.seconds),
                version.author.name,
                paint(DIM, version.commit.short(12))
            ));
            lines.extend(version.message.trim_end().lines().map(|line| format!("    {line}")));
        }
        lines
    })?;
    // Whoever reads along is told what to do with it; a program that reads is not.
    if !versions.is_empty() && !session.global.json && !args.oneline && std::io::stdout().is_terminal() {
        let newest = versions[0].number;
        session.say(&format!(
            "`comfydock diff v{}` shows what changed since then, `comfydock rollback VERSION` goes back",
            newest.saturating_sub(1).max(1)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn time(seconds: i64) -> String {
    comfydock_workspace::workspace::time_text(seconds)
}
