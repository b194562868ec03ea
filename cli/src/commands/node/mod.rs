use std::process::ExitCode;

use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::plan::reach::NodeStep;
use comfydock_workspace::ops::install_scripts::{self as scripts, Run};
use comfydock_workspace::ops::node::{self as op, Options, Outcome};
use serde_json::{Value, json};

use super::{install_scripts, report};
use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::session::Session;

mod list;
mod missing;
mod run_install_script;

/// Work with custom node packs
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add node packs, with their Python requirements
    ///
    /// They are fetched, put into custom_nodes, written into the manifest and locked with everything else in
    /// one step, or nothing is changed. An install.py is not run unless you ask for it.
    Add {
        /// ID or ID@VERSION of the Comfy registry, or a git URL with a branch, tag or commit after `@`
        #[arg(value_name = "PACK", required = true)]
        packs: Vec<String>,
        /// Track folders of custom_nodes as packs that you work on: they are never replaced or removed
        #[arg(long, conflicts_with = "force")]
        dev: bool,
        /// Replace what is in the way; a copy goes to the environment's trash
        #[arg(long)]
        force: bool,
        /// Add them although their requirements cannot be locked with the others'
        #[arg(long)]
        no_test: bool,
        /// Run their install.py once everything is in place: it may do anything that you may
        #[arg(long)]
        run_install_script: bool,
    },
    /// Remove node packs; one that you work on is set aside as NAME.disabled
    Remove {
        /// Folder, registry id or URL
        #[arg(value_name = "PACK", required = true)]
        packs: Vec<String>,
        /// Remove them although they have changes; a copy goes to the environment's trash
        #[arg(long)]
        force: bool,
    },
    /// Bring node packs to their newest version; one that you work on has its requirements read again
    Update {
        /// Folder, registry id or URL [default: all]
        #[arg(value_name = "PACK")]
        packs: Vec<String>,
        /// Replace them although they have changes; a copy goes to the environment's trash
        #[arg(long)]
        force: bool,
        /// Update them although their requirements cannot be locked with the others'
        #[arg(long)]
        no_test: bool,
        /// Run the install.py of those that changed once everything is in place: it may do anything that you may
        #[arg(long)]
        run_install_script: bool,
    },
    List(list::Args),
    Missing(missing::Args),
    RunInstallScript(run_install_script::Args),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    let (name, what, force, no_test, run_scripts) = match command {
        Command::List(args) => return list::run(session, args),
        Command::Missing(args) => return missing::run(session, args),
        Command::RunInstallScript(args) => return run_install_script::run(session, args),
        Command::Add { force, no_test, run_install_script, .. } => {
            ("node.add", "added", *force, *no_test, *run_install_script)
        }
        Command::Remove { force, .. } => ("node.remove", "removed", *force, false, false),
        Command::Update { force, no_test, run_install_script, .. } => {
            ("node.update", "updated", *force, *no_test, *run_install_script)
        }
    };
    let (workspace, environment) = session.environment()?;
    let (options, context) = (Options { force, no_test }, session.context(&[]));
    let mut outcome = match command {
        Command::Add { packs, dev: true, .. } => op::develop(&workspace, &environment, packs, options, &context)?,
        Command::Add { packs, .. } => op::add(&workspace, &environment, packs, options, &context)?,
        Command::Remove { packs, .. } => op::remove(&workspace, &environment, packs, options, &context)?,
        Command::Update { packs, .. } => op::update(&workspace, &environment, packs, options, &context)?,
        Command::List(_) | Command::Missing(_) | Command::RunInstallScript(_) => return Ok(ExitCode::SUCCESS),
    };
    let runs = if run_scripts {
        let packs = std::mem::take(&mut outcome.install_scripts);
        scripts::run_after(&workspace, &environment, &packs, &context)
    } else {
        Vec::new()
    };
    session
        .print(name, document(&outcome, &runs), || [lines(what, &outcome), install_scripts::lines(&runs)].concat())?;
    outcome.install_scripts.iter().for_each(|pack| session.say(&not_run(&outcome, pack)));
    let all_ran = install_scripts::ending(session, &environment, &runs, &outcome.install_scripts);
    if !outcome.nodes.is_empty() {
        session.say("restart ComfyUI to load the change; `comfydock commit` keeps it");
    }
    Ok(super::complete(all_ran, false))
}

fn document(outcome: &Outcome, runs: &[Run]) -> Value {
    json!({
        "nodes": outcome.nodes, "install_scripts": outcome.install_scripts, "kept": outcome.kept,
        "install_scripts_run": install_scripts::document(runs),
        "lock_is_behind": outcome.behind, "packages_changed": outcome.plan.python,
    })
}

fn not_run(outcome: &Outcome, pack: &String) -> String {
    let what = if outcome.changed_scripts.contains(pack) {
        "its install.py is another than the one that was run before"
    } else {
        "there is an install.py"
    };
    format!(
        "{pack}: {what}, which was not run; read custom_nodes/{pack}/install.py, and if the pack needs it: `comfydock node run-install-script {pack}`"
    )
}

fn lines(what: &str, outcome: &Outcome) -> Vec<String> {
    if outcome.nodes.is_empty() {
        return vec!["every node pack is at its newest version".to_owned()];
    }
    let set_aside = |node: &Node| {
        outcome.plan.nodes.iter().any(|step| matches!(step, NodeStep::Disable(name) if name == node.name.as_str()))
    };
    let line = |node: &Node| {
        let name = &node.name;
        if set_aside(node) {
            return format!("{} node pack {name}: its folder is {name}.disabled now", paint(YELLOW, "set aside"));
        }
        let at = match (what, node.source, node.stands_at()) {
            ("removed", ..) | (_, _, "") => String::new(),
            (_, NodeSource::Development, at) => format!(" at {at}, under development"),
            (_, _, at) => format!(" at {at}"),
        };
        format!("{} node pack {name}{at}", paint(GREEN, what))
    };
    let mut lines: Vec<String> = outcome.nodes.iter().map(line).collect();
    lines.extend(report::kept(&outcome.kept));
    if outcome.behind {
        lines.push(format!("  {} the lock is behind the manifest: packages are missing", paint(YELLOW, "note:")));
    }
    lines
}
