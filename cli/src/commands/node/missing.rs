use std::process::ExitCode;

use comfydock_core::packs::{MissingPack, Pack};
use comfydock_workspace::ops::node as op;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{BOLD, RED, YELLOW, paint};
use crate::session::Session;
use crate::words::{count, list};

/// Show node types in workflows that no pack here has, and which packs claim to have them
///
/// Nothing is added: a claim may be wrong. Each comes with what it rests on and the command that adds it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// ComfyUI-Manager's extension-node-map.json, as a file or a URL, to ask as well
    #[arg(long, value_name = "FILE|URL")]
    manager_map: Option<String>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let found = op::missing(&workspace, &environment, args.manager_map.as_deref(), &session.context(&[]))?;
    let document = json!({ "missing": found.iter().map(described).collect::<Vec<_>>() });
    session.print("node.missing", document, || {
        if found.is_empty() {
            return vec!["every node type in the workflows is here".to_owned()];
        }
        found.iter().flat_map(lines).collect()
    })?;
    Ok(super::super::complete(found.is_empty(), true))
}

fn named(pack: &Pack) -> String {
    match pack {
        Pack::Registry(id) => id.to_string(),
        Pack::Repository(url) => url.fetch_url().to_owned(),
        Pack::Elsewhere(url) => url.clone(),
    }
}

fn described(missing: &MissingPack) -> Value {
    let claims: Vec<Value> = missing
        .claims
        .iter()
        .map(|claim| json!({ "pack": named(&claim.pack), "version": claim.version, "evidence": claim.evidence.word() }))
        .collect();
    let types: Vec<Value> = missing
        .types
        .iter()
        .map(|kind| json!({ "type": kind.name, "workflows": kind.workflows, "active": kind.active }))
        .collect();
    json!({ "types": types, "claims": claims, "here": missing.here })
}

fn lines(missing: &MissingPack) -> Vec<String> {
    let types: Vec<&str> = missing.types.iter().map(|kind| kind.name.as_str()).collect();
    if let Some(here) = &missing.here {
        return vec![format!(
            "{} {}: custom_nodes/{here} is said to have it and does not tell; another version may",
            paint(YELLOW, "unclear"),
            list(&types)
        )];
    }
    let mut lines = vec![format!("{} {}", paint(RED, "missing"), list(&types))];
    if missing.claims.is_empty() {
        lines.push("  nobody claims it; look for the pack and add it by its URL".to_owned());
    }
    if missing.claims.len() > 1 {
        lines.push(format!("  {} claim it: choose one", count(missing.claims.len(), "pack")));
    }
    for claim in &missing.claims {
        if let Pack::Elsewhere(url) = &claim.pack {
            lines.push(format!(
                "  {} ({}): no pack that can be added",
                comfydock_workspace::shown_url(url),
                claim.evidence
            ));
            continue;
        }
        let version = claim.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        lines.push(format!(
            "  {} ({}): `comfydock node add {}{version}`",
            paint(BOLD, named(&claim.pack)),
            claim.evidence,
            named(&claim.pack)
        ));
    }
    lines
}
