//! Hashes, as types that cannot be mixed up.
//!
//! All three are 32 bytes, written as 64 lower-case hexadecimal digits (decisions 1 and 2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that is not the hash it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}: {expected}")]
pub struct Error {
    kind: &'static str,
    text: String,
    expected: &'static str,
}

/// Whether `text` is `length` lower-case hexadecimal digits.
fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

macro_rules! digest {
    ($name:ident, $kind:literal, $length:literal, $expected:literal, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the hash; upper-case digits are accepted and written lower-case.
            ///
            /// # Errors
            /// When the text is not exactly the expected number of hexadecimal digits.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let lower = text.to_ascii_lowercase();
                if is_lower_hex(&lower, $length) {
                    Ok(Self(lower))
                } else {
                    Err(Error { kind: $kind, text: shorten(text), expected: $expected })
                }
            }

            /// The hash of these raw bytes.
            pub fn from_bytes(bytes: [u8; $length / 2]) -> Self {
                let mut text = String::with_capacity($length);
                for byte in bytes {
                    text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                    text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
                }
                Self(text)
            }

            /// The hexadecimal digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first `count` digits, for messages.
            pub fn short(&self, count: usize) -> &str {
                &self.0[..count.min(self.0.len())]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> Self {
                digest.0
            }
        }
    };
}

digest!(Sha256, "SHA-256", 64, "64 hexadecimal digits",
    /// SHA-256 of a whole file: the identity of a model and the key sites exchange.
);
digest!(Blake3, "BLAKE3", 64, "64 hexadecimal digits",
    /// BLAKE3 of a whole file, measured in the same pass as [`Sha256`].
);
digest!(QuickHash, "quick hash", 64, "64 hexadecimal digits",
    /// BLAKE3 over a file's size and samples: finds candidates fast, proves nothing (decision 2).
);
digest!(CommitId, "git commit", 40, "40 hexadecimal digits",
    /// The name of a git commit.
);

/// The first bytes of what the quick hash is taken over.
pub const QUICK_HASH_TAG: &[u8] = b"comfydock-quick-v1";

/// Bytes in each sample of the quick hash; a file up to three samples long is read whole.
pub const QUICK_HASH_SAMPLE: u64 = 5 * 1024 * 1024;

/// The byte ranges `(offset, length)` that the quick hash of a file of `size` bytes reads, in order.
pub fn quick_hash_samples(size: u64) -> Vec<(u64, u64)> {
    if size <= 3 * QUICK_HASH_SAMPLE {
        return vec![(0, size)];
    }
    vec![
        (0, QUICK_HASH_SAMPLE),
        (size / 2 - QUICK_HASH_SAMPLE / 2, QUICK_HASH_SAMPLE),
        (size - QUICK_HASH_SAMPLE, QUICK_HASH_SAMPLE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_in_either_case_and_written_lower() {
        let upper = "AB".repeat(32);
        assert_eq!(Sha256::parse(&upper).unwrap().as_str(), "ab".repeat(32));
        assert!(Sha256::parse("ab").is_err());
        assert!(Sha256::parse(&"zz".repeat(32)).is_err());
        assert_eq!(Sha256::from_bytes([0xab; 32]).as_str(), "ab".repeat(32));
    }

    #[test]
    fn samples_cover_small_files_whole_and_large_ones_at_three_places() {
        const MIB: u64 = 1024 * 1024;
        assert_eq!(quick_hash_samples(0), [(0, 0)]);
        assert_eq!(quick_hash_samples(15 * MIB), [(0, 15 * MIB)]);
        let large = 15 * MIB + 1;
        assert_eq!(
            quick_hash_samples(large),
            [(0, 5 * MIB), (large / 2 - 5 * MIB / 2, 5 * MIB), (large - 5 * MIB, 5 * MIB)]
        );
    }
}
