use std::path::Path;
use std::process::ExitCode;

use comfydock_core::oci::Reference;
use comfydock_core::trust::Verdict;
use comfydock_workspace::Error;
use comfydock_workspace::ops::inspect::{self, Inspected};
use comfydock_workspace::trust::Report;
use serde_json::{Value, json};

use super::registry;
use crate::error::Failure;
use crate::printer::{GREEN, RED, YELLOW, paint};
use crate::session::Session;
use crate::words::{bytes, count};

/// Show what a bundle is, who signed it, and where its code would come from, without importing it
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A .tar.gz, or oci://HOST/REPOSITORY:VERSION
    #[arg(value_name = "FILE|REFERENCE")]
    source: String,
    #[command(flatten)]
    registry: registry::Args,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let found = if args.source.starts_with("oci://") {
        let reference = Reference::parse(&args.source).map_err(Error::from)?;
        inspect::published(&reference, &args.registry.access(session)?, &session.context(&[]))?
    } else {
        inspect::file(Path::new(&args.source))?
    };
    session.print("inspect", document(&found), || lines(&found))?;
    Ok(ExitCode::SUCCESS)
}

fn document(found: &Inspected) -> Value {
    let Inspected { description, manifest, .. } = found;
    json!({
        "source": found.source, "description": description,
        "nodes": manifest.nodes, "models": manifest.models, "origins": found.origins,
        "layers": found.artifact.iter().flat_map(|artifact| &artifact.layers).collect::<Vec<_>>(),
        "annotations": found.artifact.as_ref().map(|artifact| &artifact.annotations),
        "signatures": found.signatures.as_ref().map(|report| json!({
            "verdict": word(&report.verdict),
            "good": report.good.iter().map(|good| json!({ "fingerprint": good.key.fingerprint(), "claim": good.signed.claim })).collect::<Vec<_>>(),
            "refused": report.refused.iter().map(|(_, why)| why.to_string()).collect::<Vec<_>>(),
        })),
    })
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Trusted { .. } => "trusted",
        Verdict::Revoked { .. } => "revoked",
        Verdict::Unknown { .. } => "unknown",
        Verdict::Refused => "refused",
        Verdict::Unsigned => "unsigned",
    }
}

fn lines(found: &Inspected) -> Vec<String> {
    let Inspected { description, manifest, .. } = found;
    let mut lines = vec![
        found.source.clone(),
        format!(
            "  environment {}, exported {} by comfydock {}",
            description.environment_name, description.timestamp, description.comfydock_version
        ),
        format!("  content sha256:{}", description.content_digest),
        format!(
            "  ComfyUI {} ({}), Python {}, locked for {}",
            description.comfyui_version,
            description.comfyui_commit.short(12),
            description.python_version,
            description.platform
        ),
    ];
    lines.extend(signed(found.signatures.as_ref()));
    for layer in found.artifact.iter().flat_map(|artifact| &artifact.layers) {
        let title = layer.annotations.get("org.opencontainers.image.title").map_or("?", String::as_str);
        lines.push(format!(
            "  layer {} {} {}",
            layer.digest.sha256().short(12),
            bytes(layer.size),
            title.escape_debug()
        ));
    }
    lines.push(format!("{}:", count(description.workflows.len(), "workflow")));
    lines.extend(description.workflows.iter().map(|name| format!("  {}", name.escape_debug())));
    lines.push(format!("{}:", count(manifest.nodes.len(), "node pack")));
    lines.extend(manifest.nodes.values().map(|node| format!("  {} {}", node.name, node.stands_at())));
    lines.push(format!("{}:", count(manifest.models.len(), "model")));
    for model in manifest.models.values() {
        let source = model.sources.first().map_or_else(|| "no source".to_owned(), ToString::to_string);
        lines.push(format!(
            "  {} ({}, {}): {}",
            model.filename.escape_debug(),
            model.category,
            bytes(model.size),
            comfydock_workspace::shown_url(&source)
        ));
    }
    lines.push("code would come from:".to_owned());
    lines.extend(found.origins.iter().map(|origin| format!("  {}", comfydock_workspace::shown_url(origin))));
    lines
}

fn signed(report: Option<&Report>) -> Vec<String> {
    let Some(report) = report else {
        return vec![format!("  {}: there is no signature beside it", paint(YELLOW, "not signed"))];
    };
    let mut lines = vec![match &report.verdict {
        Verdict::Trusted { fingerprint, name } => {
            format!("  {} by {} {fingerprint}", paint(GREEN, "signed"), name.as_deref().unwrap_or("a trusted key"))
        }
        Verdict::Revoked { fingerprint, on } => format!("  {} on {on}: {fingerprint}", paint(RED, "signer revoked")),
        Verdict::Unknown { fingerprints } => {
            let all: Vec<String> = fingerprints.iter().map(ToString::to_string).collect();
            format!("  {} by {}, whom nobody here trusts", paint(YELLOW, "signed"), all.join(", "))
        }
        Verdict::Refused => format!("  {}", paint(RED, "no signature counts")),
        Verdict::Unsigned => format!("  {}", paint(YELLOW, "not signed")),
    }];
    lines.extend(report.refused.iter().map(|(at, why)| format!("    signature {}: {why}", at + 1)));
    lines
}
