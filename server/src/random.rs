//! Random ids, and the hashes under which secrets are kept.

use sha2::{Digest as _, Sha256};

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `COUNT` random bytes as hexadecimal digits.
///
/// # Errors
/// When the system has no randomness to give.
pub(crate) fn secret<const COUNT: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// What is stored in place of a secret.
pub(crate) fn fingerprint(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
