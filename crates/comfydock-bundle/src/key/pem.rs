//! PEM (RFC 7468): one block with a label.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Error;

/// Most characters of a key's file; cosign's are below a thousand.
const MOST: usize = 64 * 1024;

/// Writes a block.
pub(super) fn write(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// Reads the one block of a text: its label and its bytes. What stands around it is left out.
pub(super) fn read(text: &str) -> Result<(String, Vec<u8>), Error> {
    if text.len() > MOST {
        return Err(Error::NotPem("it is far too large"));
    }
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN "));
    let begin = lines.next().ok_or(Error::NotPem("no line says `-----BEGIN …-----`"))?;
    let label = begin.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"));
    let label = label.ok_or(Error::NotPem("the first line does not end in `-----`"))?;
    let end = format!("-----END {label}-----");
    let mut body = String::new();
    for line in lines.by_ref() {
        if line == end {
            if lines.any(|line| line.starts_with("-----BEGIN ")) {
                return Err(Error::NotPem("there is more than one key in it"));
            }
            let bytes = STANDARD.decode(&body).map_err(|_| Error::NotPem("its base64 is damaged"))?;
            return Ok((label.to_owned(), bytes));
        }
        body.push_str(line);
    }
    Err(Error::NotPem("its last line is missing"))
}
