//! Install scripts of node packs: what is told of those that ran, and of those that did not.

use comfydock_workspace::environment::Environment;
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::install_scripts::{self as op, Run};
use comfydock_workspace::process::install_script::FILE;
use comfydock_workspace::workspace::Workspace;
use serde_json::{Value, json};

use crate::printer::{GREEN, RED, YELLOW, paint};
use crate::session::Session;
use crate::words::list;

/// Flag of the commands that bring node packs others have chosen.
#[derive(clap::Args)]
#[group(id = "install_scripts")]
pub(crate) struct Args {
    /// Run the install.py of node packs where it was run when the environment was made; it is listed with the new places of code
    #[arg(long)]
    pub(crate) run_install_script: bool,
}

impl Args {
    /// Runs the recorded scripts, if that is wanted.
    pub(crate) fn run(&self, workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Vec<Run> {
        if self.run_install_script { op::run_recorded(workspace, environment, context) } else { Vec::new() }
    }
}

/// The packs whose scripts were run for this environment and not for what lies here.
pub(crate) fn left(environment: &Environment) -> Vec<String> {
    // Where that cannot be told, something else is wrong and was told.
    op::open(environment).unwrap_or_default().into_iter().map(|open| open.pack).collect()
}

/// The scripts that were to be run, as JSON.
pub(crate) fn document(runs: &[Run]) -> Value {
    runs.iter()
        .map(|run| {
            json!({
                "pack": run.pack, "sha256": run.sha256, "ended_well": run.failure.is_none(), "failure": run.failure,
                "packages": run.packages,
            })
        })
        .collect()
}

/// What came of them, a line each.
pub(crate) fn lines(runs: &[Run]) -> Vec<String> {
    let mut lines = Vec::new();
    for run in runs {
        let pack = &run.pack;
        lines.push(match &run.failure {
            None => format!("{} {FILE} of node pack {pack}", paint(GREEN, "ran")),
            Some(why) => format!("{} {FILE} of node pack {pack}: {why}", paint(RED, "failed")),
        });
        if !run.packages.is_empty() {
            lines.push(format!("  it changed packages, which are in no lock: {}", list(&run.packages)));
        }
    }
    lines
}

/// Tells what to do about those that failed and those that were not run. `told` are packs of which it was
/// told already. Returns whether none failed.
pub(crate) fn ending(session: &Session, environment: &Environment, runs: &[Run], told: &[String]) -> bool {
    let failed: Vec<&str> = runs.iter().filter(|run| run.failure.is_some()).map(|run| run.pack.as_str()).collect();
    if !failed.is_empty() {
        session.say(&format!(
            "{}: what {FILE} did before it failed stays, and it is not recorded; everything else is done. `comfydock node run-install-script {}` tries again",
            list(&failed),
            failed.join(" ")
        ));
    }
    let told = |pack: &String| told.contains(pack) || failed.contains(&pack.as_str());
    for open in op::open(environment).unwrap_or_default().iter().filter(|open| !told(&open.pack)) {
        session.say(&format!("{} {}", paint(YELLOW, "note:"), sentence(open)));
    }
    failed.is_empty()
}

/// Tells of the scripts that were not run here, after a command that runs none.
pub(crate) fn tell(session: &Session, environment: &Environment) {
    ending(session, environment, &[], &[]);
}

/// What is so of a script that was not run here.
pub(crate) fn sentence(open: &op::Open) -> String {
    let pack = &open.pack;
    let what = if open.changed {
        "is another than the one that was run, and was not run"
    } else {
        "was run when the environment was made, and not on the packages and files that are here"
    };
    format!(
        "node pack {pack}: its {FILE} {what}; read custom_nodes/{pack}/{FILE}, then `comfydock node run-install-script {pack}`"
    )
}
