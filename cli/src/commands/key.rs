use std::path::{Path, PathBuf};
use std::process::ExitCode;

use comfydock_workspace::ops::keys::{self, PrivateKey};
use serde_json::json;

use crate::error::Failure;
use crate::prompt;
use crate::session::Session;

/// Make keys to sign bundles with
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a pair of keys: PREFIX.key to sign with, under a password, and PREFIX.pub for others
    ///
    /// The password is asked for, or taken from COSIGN_PASSWORD. The files are those of cosign, which can use them too.
    Generate {
        /// Where the two files go, and how their names begin
        #[arg(long, value_name = "PREFIX", default_value = "comfydock")]
        output_prefix: PathBuf,
    },
    /// Show the fingerprint of a public key, to be compared with its owner's
    Show {
        /// A file as PREFIX.pub
        file: PathBuf,
    },
}

/// Opens the key that signs, if one is named.
///
/// # Errors
/// When the file is no key, or nobody gives its password.
pub(crate) fn signing(session: &Session, path: Option<&Path>) -> Result<Option<PrivateKey>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let password = prompt::password(session, &format!("Password of {}", path.display()))?;
    Ok(Some(keys::private(path, &password)?))
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Generate { output_prefix } => {
            let password = prompt::new_password(session, "Password for the new key")?;
            let (written, key) = keys::generate(output_prefix, &password)?;
            let fingerprint = key.fingerprint().to_string();
            let document = json!({ "private": written.private, "public": written.public, "fingerprint": fingerprint });
            session.print("key.generate", document, || {
                vec![
                    format!("{} signs; keep it and its password to yourself", written.private.display()),
                    format!("{} is for others: they trust it, or compare its fingerprint", written.public.display()),
                    fingerprint,
                ]
            })?;
        }
        Command::Show { file } => {
            let key = keys::public(file)?;
            let fingerprint = key.fingerprint().to_string();
            let document = json!({ "kind": key.kind(), "fingerprint": fingerprint, "public_key": key.to_pem() });
            session.print("key.show", document, || vec![format!("{} {fingerprint}", key.kind())])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
