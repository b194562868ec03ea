use std::process::ExitCode;

use comfydock_workspace::doctor::{self, Finding, Report, Severity};
use serde_json::json;

use crate::error::Failure;
use crate::printer::{CYAN, GREEN, RED, YELLOW, paint};
use crate::session::Session;
use crate::words::count;

/// Look for damage and say what mends it; nothing is changed
///
/// Exits with 1 when something is broken, with 0 when there are only warnings.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Read every byte of every package and of the history
    #[arg(long)]
    deep: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let name = session.global.env.as_ref();
    let report = doctor::examine(&session.workspace_path()?, name, args.deep, &session.context(&[]))?;
    let document = json!({
        "environment": report.environment, "sound": report.is_sound(), "packages": report.packages, "packs": report.packs,
        "findings": report.findings.iter().map(|finding| json!({
            "check": finding.check, "severity": finding.severity.word(), "text": finding.text, "details": finding.details, "hint": finding.hint,
        })).collect::<Vec<_>>(),
    });
    session.print("doctor", document, || {
        let mut lines: Vec<String> = report.findings.iter().flat_map(lines).collect();
        lines.push(closing(&report));
        lines
    })?;
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn lines(finding: &Finding) -> Vec<String> {
    let colour = match finding.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Note => CYAN,
    };
    let mut lines = vec![format!("{} {}", paint(colour, format!("{}:", finding.severity.word())), finding.text)];
    lines.extend(finding.details.iter().map(|detail| format!("    {detail}")));
    lines.push(format!("  {} {}", paint(CYAN, "hint:"), finding.hint));
    lines
}

fn closing(report: &Report) -> String {
    let looked = match &report.environment {
        Some(name) => {
            let (packages, packs) = (count(report.packages, "Python package"), count(report.packs, "node pack"));
            format!("environment {name}: {packages} and {packs} looked at")
        }
        None => "no environment is active; only the workspace was looked at".to_owned(),
    };
    let counted = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    match (counted(Severity::Error), counted(Severity::Warning)) {
        (0, 0) => format!("{looked}; {}", paint(GREEN, "nothing is wrong")),
        (errors, warnings) => format!("{looked}; {}, {}", count(errors, "error"), count(warnings, "warning")),
    }
}
