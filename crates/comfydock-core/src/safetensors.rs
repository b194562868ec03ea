//! The header of a safetensors file.
//!
//! Source of the format: the safetensors README: eight bytes with the header's length, little-endian,
//! the header as JSON, then the tensors without a gap.

use std::collections::BTreeMap;

use serde_json::Value;

/// Bytes before the header.
pub const PREFIX: usize = 8;

/// The longest header that the format's own reader takes, in bytes.
pub const LONGEST: u64 = 100_000_000;

/// Why bytes are no safetensors file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first eight bytes are no possible length.
    #[error("its first bytes are no header's length")]
    Length,
    /// The header is no JSON object of tensors.
    #[error("its header is damaged")]
    Header,
    /// A tensor's place is not one.
    #[error("the places of its tensors are damaged")]
    Offsets,
    /// The tensors end elsewhere than the file.
    #[error("by its header it has {expected} bytes, and it has {found}")]
    Size {
        /// Bytes by the header.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
}

/// What a header says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// `__metadata__`: whatever the file's maker wrote into it.
    pub metadata: BTreeMap<String, String>,
    /// How many tensors there are.
    pub tensors: usize,
    /// Bytes that the whole file must have.
    pub file_size: u64,
}

/// The length of the header, from the first eight bytes of a file of this size.
///
/// # Errors
/// [`Error::Length`] when it cannot be one.
pub fn header_length(start: &[u8], size: u64) -> Result<u64, Error> {
    let bytes: [u8; PREFIX] = start.get(..PREFIX).and_then(|bytes| bytes.try_into().ok()).ok_or(Error::Length)?;
    let length = u64::from_le_bytes(bytes);
    let fits = (2..=LONGEST).contains(&length) && length.checked_add(PREFIX as u64).is_some_and(|end| end <= size);
    if fits { Ok(length) } else { Err(Error::Length) }
}

/// Holds a header, without the length before it, against the size of its file.
///
/// # Errors
/// When it cannot be read, or its tensors do not end where the file does.
pub fn check(header: &[u8], size: u64) -> Result<(), Error> {
    let expected = parse(header)?.file_size;
    if expected == size { Ok(()) } else { Err(Error::Size { expected, found: size }) }
}

/// Reads a header: the bytes that follow the first eight, as many as these say.
///
/// # Errors
/// When it is no header.
pub fn parse(header: &[u8]) -> Result<Header, Error> {
    let Ok(Value::Object(entries)) = serde_json::from_slice(header) else { return Err(Error::Header) };
    let mut read = Header::default();
    let mut end = 0;
    for (name, entry) in &entries {
        if name == "__metadata__" {
            let Value::Object(metadata) = entry else { return Err(Error::Header) };
            read.metadata =
                metadata.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
            continue;
        }
        let offsets = entry.get("data_offsets").and_then(Value::as_array).map(Vec::as_slice);
        let Some([from, to]) = offsets else { return Err(Error::Offsets) };
        let (Some(from), Some(to)) = (from.as_u64(), to.as_u64()) else { return Err(Error::Offsets) };
        if from > to {
            return Err(Error::Offsets);
        }
        read.tensors += 1;
        end = end.max(to);
    }
    let before = (PREFIX + header.len()) as u64;
    read.file_size = before.checked_add(end).ok_or(Error::Offsets)?;
    Ok(read)
}

impl Header {
    /// SHA-256 over the tensors alone, as the file's maker wrote it: 64 hexadecimal digits. It never
    /// says which file this is; CivitAI's AutoV3 is its first twelve digits.
    pub fn tensor_hash(&self) -> Option<String> {
        ["modelspec.hash_sha256", "sshs_model_hash"].iter().find_map(|key| {
            let text = self.metadata.get(*key)?;
            let text = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
            (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_how_long_its_file_is() {
        let text = br#"{"__metadata__":{"modelspec.title":"X","sshs_model_hash":"AB","n":3},"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[1],"data_offsets":[4,6]}}"#;
        let header = parse(text).unwrap();
        assert_eq!((header.tensors, header.file_size), (2, 8 + text.len() as u64 + 6));
        assert_eq!(header.metadata["modelspec.title"], "X");
        assert_eq!(header.tensor_hash(), None, "eight digits are no SHA-256");
    }

    #[test]
    fn the_hash_of_the_tensors_is_read_in_both_spellings() {
        for (key, value) in
            [("modelspec.hash_sha256", format!("0x{}", "Ab".repeat(32))), ("sshs_model_hash", "ab".repeat(32))]
        {
            let text = format!(r#"{{"__metadata__":{{"{key}":"{value}"}}}}"#);
            assert_eq!(parse(text.as_bytes()).unwrap().tensor_hash().unwrap(), "ab".repeat(32), "{key}");
        }
    }

    #[test]
    fn damaged_headers_are_told_from_good_ones() {
        for (text, expected) in [
            ("", Error::Header),
            ("[]", Error::Header),
            (r#"{"__metadata__":[]}"#, Error::Header),
            (r#"{"a":{}}"#, Error::Offsets),
            (r#"{"a":{"data_offsets":[4,2]}}"#, Error::Offsets),
            (r#"{"a":{"data_offsets":[0,-2]}}"#, Error::Offsets),
            (r#"{"a":{"data_offsets":[0,18446744073709551615]}}"#, Error::Offsets),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(expected), "{text}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        for (length, size, good) in [
            (2_u64, 10_u64, true),
            (2, 9, false),
            (1, 100, false),
            (LONGEST, LONGEST + 8, true),
            (LONGEST + 1, u64::MAX, false),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(header_length(&length.to_le_bytes(), size).is_ok(), good, "{length} of {size}");
        }
        assert_eq!(header_length(b"1234567", 100), Err(Error::Length));
        assert_eq!(header_length(b"<!DOCTYPE html>", 100), Err(Error::Length));
    }

    #[test]
    fn the_header_says_where_the_file_ends() {
        let header = br#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#;
        let size = 8 + header.len() as u64 + 4;
        assert_eq!(check(header, size), Ok(()));
        assert_eq!(check(header, size - 1), Err(Error::Size { expected: size, found: size - 1 }));
        assert_eq!(check(b"{}", 10), Ok(()));
    }
}
