//! The header of a safetensors file: what it says of the file's own length.
//!
//! A file is the header's length (8 bytes, little-endian), the header (JSON), and the tensors. The
//! format's reference implementation takes headers of up to 100 MB and no bytes behind the tensors.

use std::collections::HashMap;

use serde::Deserialize;

/// The longest header that readers of the format take, in bytes.
pub const LONGEST_HEADER: u64 = 100_000_000;

/// Why bytes are no safetensors file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first eight bytes are no possible length.
    #[error("its first bytes are no header's length")]
    Length,
    /// The header is not the JSON it should be.
    #[error("its header cannot be read")]
    Header,
    /// The tensors end elsewhere than the file.
    #[error("by its header it has {expected} bytes, and it has {found}")]
    Size {
        /// Bytes by the header.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
}

#[derive(Deserialize)]
struct Entry {
    data_offsets: Option<(u64, u64)>,
}

/// The header's length, from the file's first eight bytes and its size.
///
/// # Errors
/// [`Error::Length`] when it cannot be one.
pub fn header_length(start: &[u8], size: u64) -> Result<u64, Error> {
    let bytes: [u8; 8] = start.get(..8).and_then(|bytes| bytes.try_into().ok()).ok_or(Error::Length)?;
    let length = u64::from_le_bytes(bytes);
    let fits = (2..=LONGEST_HEADER).contains(&length) && length.checked_add(8).is_some_and(|end| end <= size);
    if fits { Ok(length) } else { Err(Error::Length) }
}

/// Holds the header, without the length before it, against the file's size.
///
/// # Errors
/// When the header cannot be read, or its tensors do not end where the file does.
pub fn check(header: &[u8], size: u64) -> Result<(), Error> {
    if header.first() != Some(&b'{') {
        return Err(Error::Header);
    }
    let entries: HashMap<String, Entry> = serde_json::from_slice(header).map_err(|_| Error::Header)?;
    let mut end = 0;
    for offsets in entries.values().filter_map(|entry| entry.data_offsets) {
        if offsets.0 > offsets.1 {
            return Err(Error::Header);
        }
        end = end.max(offsets.1);
    }
    let expected = end.checked_add(8 + header.len() as u64).ok_or(Error::Header)?;
    if expected == size { Ok(()) } else { Err(Error::Size { expected, found: size }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        for (length, size, good) in [
            (2_u64, 10_u64, true),
            (2, 9, false),
            (1, 100, false),
            (LONGEST_HEADER, LONGEST_HEADER + 8, true),
            (LONGEST_HEADER + 1, u64::MAX, false),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(header_length(&length.to_le_bytes(), size).is_ok(), good, "{length} of {size}");
        }
        assert_eq!(header_length(b"1234567", 100), Err(Error::Length));
    }

    #[test]
    fn the_header_says_where_the_file_ends() {
        let header = br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}"#;
        let size = 8 + header.len() as u64 + 6;
        assert_eq!(check(header, size), Ok(()));
        assert_eq!(check(header, size - 1), Err(Error::Size { expected: size, found: size - 1 }));
        assert_eq!(check(b"{}", 10), Ok(()));
        for bad in [
            &b""[..],
            b"[]",
            b"{",
            br#"{"a":{"data_offsets":[4,0]}}"#,
            br#"{"a":{"data_offsets":[0,18446744073709551615]}}"#,
            br#"{"a":{"data_offsets":[0]}}"#,
            br#"{"a":{"data_offsets":[-1,4]}}"#,
            b"\xff",
        ] {
            assert_eq!(check(bad, 100), Err(Error::Header), "{}", String::from_utf8_lossy(bad));
        }
    }
}
