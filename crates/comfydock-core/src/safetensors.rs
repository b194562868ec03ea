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
    /// The length in the first eight bytes cannot be one.
    #[error("its header would be {0} bytes long")]
    Length(u64),
    /// The header is no JSON object of tensors.
    #[error("its header is damaged")]
    Header,
    /// A tensor's place is not one.
    #[error("the places of its tensors are damaged")]
    Offsets,
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

/// The length of the header, from the first eight bytes.
///
/// # Errors
/// When no header is that long.
pub fn header_length(prefix: [u8; PREFIX]) -> Result<u64, Error> {
    let length = u64::from_le_bytes(prefix);
    if (2..=LONGEST).contains(&length) { Ok(length) } else { Err(Error::Length(length)) }
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
        assert_eq!(header_length(*b"<!DOCTYP"), Err(Error::Length(u64::from_le_bytes(*b"<!DOCTYP"))));
        assert_eq!(header_length([2, 0, 0, 0, 0, 0, 0, 0]), Ok(2));
        assert!(header_length([0; 8]).is_err());
    }
}
