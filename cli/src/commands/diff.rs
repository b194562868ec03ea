use std::process::ExitCode;

use comfydock_core::diff::words::{Line, Section};
use comfydock_core::diff::{Change, Difference};
use comfydock_workspace::ops::diff::{self, Outcome};
use comfydock_workspace::ops::version::Version;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{BOLD, DIM, GREEN, RED, YELLOW, paint, table};
use crate::session::Session;

/// Show what changed, in nodes, models and packages
///
/// Without versions: what changed since the last commit. With one: what changed since that version.
/// A version is `v3`, a commit's hash, `HEAD` or `HEAD~1`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The older version [default: HEAD]
    from: Option<String>,
    /// The newer version [default: what is here, uncommitted]
    to: Option<String>,
    /// Only this workflow
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// Show too what only looks different: places, sizes, colours
    #[arg(long)]
    layout: bool,
    /// Only how much changed
    #[arg(long, conflicts_with = "layout")]
    stat: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    let versions = (args.from.as_deref(), args.to.as_deref());
    let outcome = diff::compare(&workspace, &environment, versions, args.workflow.as_deref(), &context)?;
    session.print("diff", document(&outcome), || {
        let to = outcome.to.as_ref().map_or_else(|| "what is here".to_owned(), Version::to_string);
        let mut lines = vec![paint(BOLD, format!("{} → {to}", outcome.from))];
        if outcome.difference.is_empty() {
            lines.push("  nothing changed".to_owned());
        } else if args.stat {
            lines.extend(stat(&outcome.difference));
        } else {
            for section in outcome.difference.sections(args.layout) {
                lines.push(section.title.to_owned());
                section.lines.iter().for_each(|line| tell(line, 1, &mut lines));
            }
        }
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}

fn document(outcome: &Outcome) -> Value {
    let version = |version: &Version| json!({ "version": version.number, "commit": version.commit });
    let mut document = json!(outcome.difference);
    document["from"] = version(&outcome.from);
    document["to"] = json!(outcome.to.as_ref().map(version));
    document
}

fn sign(change: Change) -> String {
    match change {
        Change::Added => paint(GREEN, "+"),
        Change::Removed => paint(RED, "-"),
        Change::Changed => paint(YELLOW, "~"),
    }
}

fn tell(line: &Line, depth: usize, lines: &mut Vec<String>) {
    // A widget's text may hold line feeds, which would look like other lines.
    let text = line.text.replace(['\n', '\r', '\t'], " ");
    lines.push(format!("{}{} {text}", "  ".repeat(depth), sign(line.change)));
    line.below.iter().for_each(|line| tell(line, depth + 1, lines));
}

/// A line for each workflow, and one for each of the other sections.
fn stat(difference: &Difference) -> Vec<String> {
    let mut rows: Vec<Vec<String>> = difference
        .workflows
        .iter()
        .map(|found| {
            let head = found.line(false);
            vec![format!("  {} {}", sign(head.change), head.text), paint(DIM, found.summary())]
        })
        .collect();
    let others = Difference { workflows: Vec::new(), ..difference.clone() };
    rows.extend(others.sections(false).iter().map(|section| vec![format!("  {}", section.title), counts(section)]));
    table(&rows)
}

fn counts(section: &Section) -> String {
    let count = |change| section.lines.iter().filter(|line| line.change == change).count();
    let words = [(Change::Added, "added"), (Change::Removed, "removed"), (Change::Changed, "changed")];
    let counted = words.into_iter().map(|(change, word)| (count(change), word)).filter(|(count, _)| *count > 0);
    counted.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}
