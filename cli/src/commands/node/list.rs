use std::process::ExitCode;

use comfydock_core::manifest::NodeSource;
use comfydock_workspace::ops::node::{self as op, Listed, State};
use serde_json::json;

use crate::error::Failure;
use crate::printer::{BOLD, DIM, GREEN, RED, YELLOW, paint, table};
use crate::session::Session;

/// List the node packs of the environment, and how they stand on the disk
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Show only packs that are worked on here
    #[arg(long)]
    dev: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (_, environment) = session.environment()?;
    let (mut packs, others) = op::list(&environment)?;
    packs.retain(|pack| !args.dev || pack.node.source == NodeSource::Development);
    let document = json!({
        "nodes": packs.iter().map(|pack| json!({ "node": pack.node, "state": pack.state.word(), "vendored": pack.vendored })).collect::<Vec<_>>(),
        "untracked": others,
    });
    session.print("node.list", document, || {
        let mut lines = table(&packs.iter().map(row).collect::<Vec<_>>());
        if !args.dev {
            lines.extend(others.iter().map(|name| format!("{} custom_nodes/{name}", paint(YELLOW, "untracked"))));
        }
        if lines.is_empty() {
            lines.push("no node packs; `comfydock node add` adds one".to_owned());
        }
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}

fn row(pack: &Listed) -> Vec<String> {
    let colour = match pack.state {
        State::There => GREEN,
        State::Modified | State::Moved => YELLOW,
        State::Missing => RED,
        State::Ignored => DIM,
    };
    let node = &pack.node;
    let source = match node.source {
        NodeSource::Registry => "registry",
        NodeSource::Git => "git",
        NodeSource::Development => "development",
    };
    let from = match node.source {
        NodeSource::Registry => node.registry_id.clone(),
        NodeSource::Git | NodeSource::Development => node.repository.as_deref().map(comfydock_workspace::shown_url),
    };
    vec![
        paint(colour, pack.state.word()),
        paint(BOLD, &node.name),
        node.stands_at().to_owned(),
        if pack.vendored { format!("{source}, vendored copy") } else { source.to_owned() },
        paint(DIM, from.unwrap_or_default()),
    ]
}
