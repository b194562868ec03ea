//! Model files that a hub keeps.
//!
//! A file is sent in as many pieces as it takes. Each is a `PUT` with `Content-Range: bytes FIRST-LAST/SIZE`; one
//! without bytes, `Content-Range: bytes */SIZE`, only asks. The answer is 201 with a [`StoredBlob`] once the hub has
//! the file, 202 while there is more to come, and 409 when the piece begins elsewhere; the last two say in
//! [`UPLOAD_OFFSET`] where to go on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The header that says how many bytes of a file the hub has.
pub const UPLOAD_OFFSET: &str = "upload-offset";

/// Answer of a `PUT` after which the hub has the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoredBlob {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The file's SHA-256, as the hub measured it.
    pub sha256: String,
    /// Its BLAKE3.
    pub blake3: String,
    /// Bytes.
    pub size: u64,
}

/// What a `Content-Range` of a `PUT` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The first byte and how many there are; none when it only asks.
    pub bytes: Option<(u64, u64)>,
    /// Bytes of the whole file.
    pub size: u64,
}

impl Piece {
    /// Reads the header.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (span, size) = text.strip_prefix("bytes ")?.split_once('/')?;
        let size = number(size)?;
        if span == "*" {
            return Some(Self { bytes: None, size });
        }
        let (first, last) = span.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        (first <= last && last < size).then(|| Self { bytes: Some((first, last - first + 1)), size })
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes {
            Some((first, count)) => {
                write!(formatter, "bytes {first}-{}/{}", first + count.saturating_sub(1), self.size)
            }
            None => write!(formatter, "bytes */{}", self.size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_read_as_it_is_written() {
        for (text, bytes, size) in [
            ("bytes 0-9/10", Some((0, 10)), 10),
            ("bytes 5-5/10", Some((5, 1)), 10),
            ("bytes */10", None, 10),
            ("bytes */0", None, 0),
        ] {
            let piece = Piece::parse(text).unwrap();
            assert_eq!((piece.bytes, piece.size, piece.to_string().as_str()), (bytes, size, text));
        }
        for text in [
            "",
            "bytes",
            "bytes 0-9",
            "bytes 0-9/*",
            "bytes 9-0/10",
            "bytes 0-10/10",
            "bytes -1-5/10",
            "bytes +0-5/10",
            "octets 0-9/10",
            "bytes 0-9/99999999999999999999",
            "bytes 0-9/10 ",
            "bytes  0-9/10",
        ] {
            assert_eq!(Piece::parse(text), None, "{text}");
        }
    }
}
