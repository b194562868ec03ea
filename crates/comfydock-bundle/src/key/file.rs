//! Key files.

use std::path::{Path, PathBuf};

use comfydock_store::file;

use super::{Error, PrivateKey};

/// A pair that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The private key, encrypted; only its owner may read it.
    pub private: PathBuf,
    /// The public key, for others.
    pub public: PathBuf,
}

/// Writes a pair to `PREFIX.key` and `PREFIX.pub`. Nothing that stands there is ever replaced.
///
/// # Errors
/// When something stands there, or it cannot be written; then neither is there.
pub fn write_pair(key: &PrivateKey, prefix: &Path, password: &str) -> Result<Written, Error> {
    let with = |ending: &str| {
        let mut path = prefix.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let written = Written { private: with(".key"), public: with(".pub") };
    // Before the password is worked on, which takes a moment; what counts is the writing below.
    if let Some(path) = [&written.private, &written.public].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(Error::Taken { path: path.display().to_string() });
    }
    let (private, public) = (key.seal(password)?, key.public()?.to_pem());
    write(&written.private, private.as_bytes(), 0o600)?;
    write(&written.public, public.as_bytes(), 0o644).inspect_err(|_| {
        // It was made a moment ago, and nobody has used it.
        let _ = file::remove(&written.private);
    })?;
    Ok(written)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    if file::write_new(path, bytes, mode)? { Ok(()) } else { Err(Error::Taken { path: path.display().to_string() }) }
}
