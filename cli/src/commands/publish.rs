use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::oci::Reference;
use comfydock_workspace::ops::publish::{self, Options};
use serde_json::json;

use super::{export, registry};
use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::bytes;

/// Put the environment's last commit into an OCI registry, signed
///
/// What it holds is what `export` writes. Where layers are there already they are not sent again.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where: oci://HOST/REPOSITORY:VERSION
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    reference: Reference,
    /// The key that signs it, as `comfydock key generate` made it; its password is asked for, or COSIGN_PASSWORD
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Publish without a signature; whoever imports it has to allow that
    #[arg(long, conflicts_with = "key")]
    unsigned: bool,
    /// Sign in the older form too, which cosign 2 reads
    #[arg(long, requires = "key")]
    legacy_signature: bool,
    /// A line about it, for those who look through the registry
    #[arg(long)]
    description: Option<String>,
    /// The licence of what is yours in it, as SPDX writes it
    #[arg(long)]
    license: Option<String>,
    /// The page of its source; GHCR shows the package there
    #[arg(long, value_name = "URL")]
    source_page: Option<String>,
    #[command(flatten)]
    registry: registry::Args,
    #[command(flatten)]
    content: export::Content,
}

/// As clap reads a reference.
pub(crate) fn reference(text: &str) -> Result<Reference, String> {
    use comfydock_core::hint::Hint as _;
    Reference::parse(text).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    if args.key.is_none() && !args.unsigned {
        return Err(comfydock_workspace::Error::refused(
            "nothing says who signs it; nothing was published",
            "`comfydock key generate` makes a key, --key FILE signs with it; --unsigned publishes without",
        )
        .into());
    }
    let key = super::key::signing(session, args.key.as_deref())?;
    let made = export::prepare(session, &args.content, &workspace, &environment, &context)?;
    let said = [
        ("org.opencontainers.image.description", &args.description),
        ("org.opencontainers.image.licenses", &args.license),
        ("org.opencontainers.image.source", &args.source_page),
    ];
    let annotations: BTreeMap<String, String> =
        said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
    let question = format!("Publish it as {}?", args.reference);
    if !prompt::confirm(session, &question, "--yes")? {
        return Err(Failure::Cancelled);
    }
    let options = Options {
        reference: &args.reference,
        access: &args.registry.access(session)?,
        key: key.as_ref(),
        older_signature: args.legacy_signature,
        annotations,
    };
    let outcome = publish::publish(&workspace, &environment, &made.prepared, &options, &context)?;
    let document = json!({
        "reference": args.reference.to_string(), "digest": outcome.digest, "content_digest": outcome.content_digest,
        "size": outcome.size, "sent": outcome.sent, "signature": outcome.signature, "recorded": made.recorded,
    });
    session.print("publish", document, || {
        let mut lines = vec![
            format!(
                "{} {} ({}, {} sent)",
                paint(GREEN, "published"),
                args.reference,
                bytes(outcome.size),
                bytes(outcome.sent)
            ),
            format!("  {}", args.reference.clone().pinned(outcome.digest.clone())),
        ];
        lines.push(match &outcome.signature {
            Some(signature) => format!("  signed ({})", signature.sha256().short(12)),
            None => format!("  {}: whoever imports it has to say --allow-unsigned", paint(YELLOW, "not signed")),
        });
        lines
    })?;
    session.say(&format!("next: `comfydock import {}` builds the environment from it", args.reference));
    Ok(export::ending(session, &args.content, &made))
}
