use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::trust::{Key, Means, Scope};
use comfydock_workspace::ops::keys;
use comfydock_workspace::trust;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{DIM, RED, paint, table};
use crate::prompt;
use crate::session::Session;

/// Say whose signatures to believe, and for which registries
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Believe what a key signs
    Add {
        /// Its public key, a file as NAME.pub
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where: `ghcr.io/team/*`, or one repository; may be given again. Of several, the narrowest counts
        #[arg(long = "scope", value_name = "SCOPE", required_unless_present = "everywhere", value_parser = scope)]
        scopes: Vec<Scope>,
        /// On every registry there is
        #[arg(long)]
        everywhere: bool,
        /// Whose key it is
        #[arg(long)]
        name: Option<String>,
    },
    /// List the keys that are known here
    List,
    /// No longer believe a key; it can be added again
    Remove {
        /// Its name or its fingerprint
        #[arg(value_name = "NAME|FINGERPRINT")]
        key: String,
        /// Only there
        #[arg(long)]
        scope: Option<Scope>,
    },
    /// Never believe a key again, whenever it signed; there is no way back
    Revoke {
        /// Its name or its fingerprint; the key need not be known here
        #[arg(value_name = "NAME|FINGERPRINT")]
        key: String,
    },
}

/// Every registry there is has a flag of its own, so that nobody writes it by mistake.
fn scope(text: &str) -> Result<Scope, String> {
    let scope: Scope = text.parse().map_err(|error: comfydock_core::trust::scope::Error| error.to_string())?;
    if scope.is_everywhere() { Err("every registry there is, is --everywhere".to_owned()) } else { Ok(scope) }
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Add { key, scopes, everywhere, name } => {
            let key = keys::public(key)?;
            let mut scopes: BTreeSet<Scope> = scopes.iter().cloned().collect();
            scopes.extend(everywhere.then(Scope::everywhere));
            let key = trust::add(&key, scopes, name.clone(), Means::Command)?;
            session.print("trust.add", describe(&key), || {
                vec![format!("{} is trusted for {}", who(&key), places(&key.scopes))]
            })?;
        }
        Command::List => {
            let trust = trust::load()?;
            let document = json!({ "keys": trust.keys().iter().map(describe).collect::<Vec<_>>() });
            session.print("trust.list", document, || table(&trust.keys().iter().map(row).collect::<Vec<_>>()))?;
            if trust.keys().is_empty() {
                session.say("nobody is trusted; `comfydock trust add --key FILE --scope HOST/TEAM/*` adds a key");
            }
        }
        Command::Remove { key, scope } => {
            let (fingerprint, scopes) = trust::remove(key, scope.as_ref())?;
            let document = json!({ "fingerprint": fingerprint, "scopes": scopes });
            session.print("trust.remove", document, || {
                vec![format!("{fingerprint} is no longer trusted for {}", places(&scopes))]
            })?;
        }
        Command::Revoke { key } => {
            let fingerprint = trust::meant(key)?;
            let question = format!("Revoke {fingerprint}? It can never be trusted here again");
            if !prompt::confirm(session, &question, "--yes")? {
                return Err(Failure::Cancelled);
            }
            let first = trust::revoke(&fingerprint)?;
            session.print("trust.revoke", json!({ "fingerprint": fingerprint, "was_revoked": !first }), || {
                vec![format!("{fingerprint} {} revoked", if first { "is" } else { "was already" })]
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn who(key: &Key) -> String {
    key.name.as_ref().map_or_else(|| key.fingerprint.to_string(), |name| format!("{name} ({})", key.fingerprint))
}

fn places(scopes: &BTreeSet<Scope>) -> String {
    let scopes: Vec<String> = scopes.iter().map(place).collect();
    scopes.join(", ")
}

fn place(scope: &Scope) -> String {
    if scope.is_everywhere() { "every registry".to_owned() } else { scope.to_string() }
}

fn describe(key: &Key) -> Value {
    json!({
        "fingerprint": key.fingerprint, "name": key.name, "scopes": key.scopes, "added": key.added, "means": key.means,
        "revoked": key.revoked,
    })
}

fn row(key: &Key) -> Vec<String> {
    let state = match &key.revoked {
        Some(on) => paint(RED, format!("revoked on {on}")),
        None => places(&key.scopes),
    };
    let means = match key.means {
        Some(Means::FirstUse) => "on first use",
        Some(Means::Command) | None => "",
    };
    vec![key.fingerprint.to_string(), key.name.clone().unwrap_or_default(), state, paint(DIM, means)]
}
