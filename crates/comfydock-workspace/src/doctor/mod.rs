//! `comfydock doctor`: looks at a machine, a workspace and an environment and changes nothing but what
//! every command does, which is to end what a crash left (decision 80).
//!
//! - [`venv`]: the files of installed packages. `repair` looks there too.
//! - `machine`, `history`, `packages`, `packs`, `models`, `lease`, `leftovers`: one thing each.

use std::path::Path;

use comfydock_core::hint::Hint as _;
use comfydock_core::name::EnvironmentName;

use crate::Error;
use crate::environment::Environment;
use crate::ops::Context;
use crate::transaction;
use crate::workspace::Workspace;

mod history;
mod lease;
mod leftovers;
mod machine;
mod models;
mod packages;
mod packs;
pub mod venv;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something does not work, or not as it was committed.
    Error,
    /// Something will not work for somebody, or may not.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it: a word that stays the same.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, as a clause.
    pub text: String,
    /// The things it is about, a line each.
    pub details: Vec<String>,
    /// What to do, with the command.
    pub hint: String,
}

impl Finding {
    fn new(check: &'static str, severity: Severity, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, severity, text: text.into(), details: Vec::new(), hint: hint.into() }
    }

    fn error(check: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(check, Severity::Error, text, hint)
    }

    fn warning(check: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, text, hint)
    }

    fn with(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// A check that could not be made is a finding like others.
    fn failed(check: &'static str, what: &str, error: &Error) -> Self {
        let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
        let said: Vec<String> = std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect();
        let hint = error.hint().unwrap_or_else(|| "put that right, then run `comfydock doctor` again".to_owned());
        Self::error(check, format!("{what} cannot be looked at: {}", said.join(": ")), hint).with(error.details())
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The environment.
    pub environment: Option<EnvironmentName>,
    /// How many Python packages were looked at.
    pub packages: usize,
    /// How many node packs were looked at.
    pub packs: usize,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is broken.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    fn take(&mut self, found: impl IntoIterator<Item = Finding>) {
        self.findings.extend(found);
    }
}

/// Looks at everything: the workspace at `root` and the environment of this name, or the active one.
/// With `deep` every byte of every package and of the history is read.
///
/// # Errors
/// When there is no workspace, or no environment of that name.
pub fn examine(
    root: &Path,
    name: Option<&EnvironmentName>,
    deep: bool,
    context: &Context<'_>,
) -> Result<Report, Error> {
    let mut report = Report::default();
    // Opening would end these without a word.
    report.take(interrupted(&root.join(".metadata"), "the workspace"));
    let workspace = Workspace::open(root)?;
    report.take(machine::examine(&workspace, context));
    if let Some(name) = name.or(workspace.settings.active_environment.as_ref()) {
        let folder = workspace.environment_folder(name);
        report.take(interrupted(&folder.join(".comfydock"), &format!("environment `{name}`")));
        match workspace.environment(Some(name)) {
            Ok(environment) => look(&workspace, &environment, deep, context, &mut report),
            Err(error) if !folder.join(".cec").is_dir() => return Err(error),
            Err(error) => report.take([Finding::failed("transaction", &format!("environment `{name}`"), &error)]),
        }
        report.environment = Some(name.clone());
    }
    report.findings.sort_by_key(|finding| finding.severity);
    Ok(report)
}

/// Ends what a crash left, and says so.
fn interrupted(home: &Path, what: &str) -> Option<Finding> {
    // One that cannot be ended is told by whoever opens it.
    let count = transaction::recover(home).ok().filter(|count| *count > 0)?;
    let text = format!("a change of {what} had been interrupted ({count}); it was ended now");
    Some(Finding::new("transaction", Severity::Note, text, "`comfydock status` shows where the environment stands"))
}

fn look(workspace: &Workspace, environment: &Environment, deep: bool, context: &Context<'_>, report: &mut Report) {
    report.take(history::examine(environment, deep));
    let (found, count) = packages::examine(workspace, environment, deep, context);
    report.packages = count;
    report.take(found);
    let (found, count) = packs::examine(workspace, environment);
    report.packs = count;
    report.take(found);
    report.take(models::examine(workspace, environment));
    report.take(lease::examine(environment));
    report.take(leftovers::examine(workspace, environment));
}

/// The first of many, for a line.
fn some(items: impl IntoIterator<Item = String>) -> Vec<String> {
    const SHOWN: usize = 8;
    let mut items: Vec<String> = items.into_iter().collect();
    if items.len() > SHOWN {
        let left = items.split_off(SHOWN).len();
        items.push(format!("… and {left} more"));
    }
    items
}
