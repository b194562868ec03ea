use std::process::ExitCode;

use comfydock_core::manifest::{Node, NodeSource};
use comfydock_core::plan::reach::NodeStep;
use comfydock_workspace::ops::node::{self as op, Options, Outcome};
use serde_json::{Value, json};

use super::report;
use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::session::Session;
use crate::words::list as words;

mod list;
mod missing;

/// Work with custom node packs
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add node packs, with their Python requirements
    ///
    /// They are fetched, put into custom_nodes, written into the manifest and locked with everything else in
    /// one step, or nothing is changed. An install.py is never run.
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
    },
    List(list::Args),
    Missing(missing::Args),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    let (name, what, force, no_test) = match command {
        Command::List(args) => return list::run(session, args),
        Command::Missing(args) => return missing::run(session, args),
        Command::Add { force, no_test, .. } => ("node.add", "added", *force, *no_test),
        Command::Remove { force, .. } => ("node.remove", "removed", *force, false),
        Command::Update { force, no_test, .. } => ("node.update", "updated", *force, *no_test),
    };
    let (workspace, environment) = session.environment()?;
    let (options, context) = (Options { force, no_test }, session.context(&[]));
    let outcome = match command {
        Command::Add { packs, dev: true, .. } => op::develop(&workspace, &environment, packs, options, &context)?,
        Command::Add { packs, .. } => op::add(&workspace, &environment, packs, options, &context)?,
        Command::Remove { packs, .. } => op::remove(&workspace, &environment, packs, options, &context)?,
        Command::Update { packs, .. } => op::update(&workspace, &environment, packs, options, &context)?,
        Command::List(_) | Command::Missing(_) => return Ok(ExitCode::SUCCESS),
    };
    session.print(name, document(&outcome), || lines(what, &outcome))?;
    if !outcome.install_scripts.is_empty() {
        let packs = words(&outcome.install_scripts);
        session.say(&format!(
            "{packs}: there is an install.py, which was not run; read it, and run it yourself if the pack needs it"
        ));
    }
    if !outcome.nodes.is_empty() {
        session.say("restart ComfyUI to load the change; `comfydock commit` keeps it");
    }
    Ok(ExitCode::SUCCESS)
}

fn document(outcome: &Outcome) -> Value {
    json!({
        "nodes": outcome.nodes, "install_scripts": outcome.install_scripts, "kept": outcome.kept,
        "lock_is_behind": outcome.behind, "packages_changed": outcome.plan.python,
    })
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
