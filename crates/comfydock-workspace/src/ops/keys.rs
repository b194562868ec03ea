//! `comfydock key`: making keys, and looking at them.

use std::path::Path;

use comfydock_bundle::key::{self, PublicKey, Written};

pub use comfydock_bundle::key::PrivateKey;

use comfydock_core::hint::Hint as _;
use comfydock_store::file;

use crate::Error;

/// The variable that holds the password of a private key: cosign's, since the files are cosign's.
pub const PASSWORD_VARIABLE: &str = "COSIGN_PASSWORD";

fn refused(path: &Path, error: key::Error) -> Error {
    match error {
        key::Error::File(error) => error.into(),
        key::Error::Taken { .. } => {
            Error::Refused { message: error.to_string(), details: Vec::new(), hint: error.hint() }
        }
        error => Error::Refused {
            message: format!("`{}`: {error}", path.display()),
            details: Vec::new(),
            hint: error.hint(),
        },
    }
}

/// The password from the environment; an empty one is one.
pub fn password_from_environment() -> Option<String> {
    std::env::var(PASSWORD_VARIABLE).ok()
}

/// Makes a pair and writes it to `PREFIX.key` and `PREFIX.pub`.
///
/// # Errors
/// When something stands there, or it cannot be written.
pub fn generate(prefix: &Path, password: &str) -> Result<(Written, PublicKey), Error> {
    let make = || {
        let key = PrivateKey::generate()?;
        Ok((key::write_pair(&key, prefix, password)?, key.public()?))
    };
    make().map_err(|error| refused(prefix, error))
}

/// Reads a public key.
///
/// # Errors
/// When the file is none.
pub fn public(path: &Path) -> Result<PublicKey, Error> {
    PublicKey::from_pem(&file::read_text(path)?).map_err(|error| refused(path, error))
}

/// Opens a private key.
///
/// # Errors
/// When the file is none, or the password does not open it.
pub fn private(path: &Path, password: &str) -> Result<PrivateKey, Error> {
    PrivateKey::open(&file::read_text(path)?, password).map_err(|error| refused(path, error))
}
