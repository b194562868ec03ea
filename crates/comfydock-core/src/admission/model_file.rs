//! Whether a file is a model, by its name or its first bytes.

use crate::category;

/// Bytes of a file's start that tell what it is.
const START: usize = 512;

/// What kind of model a file is, if it is one.
pub(super) fn find(path: &str, bytes: &[u8]) -> Option<String> {
    let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    // `.patch` is a model of one node pack and a text of differences for everyone else.
    let is_text = || extension == "patch" && std::str::from_utf8(bytes).is_ok();
    if category::wide_model_extension(path) && !is_text() {
        return Some(format!(".{extension} file"));
    }
    by_content(bytes).map(|kind| format!("{kind} file"))
}

fn by_content(bytes: &[u8]) -> Option<&'static str> {
    let start = &bytes[..bytes.len().min(START)];
    let holds = |needle: &[u8]| start.windows(needle.len()).any(|window| window == needle);
    if is_safetensors(bytes) {
        Some("safetensors")
    } else if start.starts_with(b"GGUF") && bytes.len() > 24 {
        Some("GGUF")
    } else if start.starts_with(b"PK\x03\x04") && (holds(b"/data.pkl") || holds(b"/byteorder")) {
        Some("PyTorch")
    } else if start.starts_with(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19") {
        // What torch.save wrote before it wrote zip files: a pickled magic number.
        Some("PyTorch")
    } else if start.starts_with(b"\x89HDF\r\n\x1a\n") {
        Some("HDF5")
    } else {
        None
    }
}

/// Eight bytes with the length of a JSON header, then the header.
fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return false };
    let length = u64::from_le_bytes(*length);
    length >= 2 && length <= rest.len() as u64 && rest[0] == b'{' && {
        // In range by the line above.
        let header = &rest[..usize::try_from(length).unwrap_or(rest.len())];
        matches!(header.last(), Some(b'}' | b' '))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_by_name_and_by_content() {
        for path in ["a.safetensors", "x/b.CKPT", "c.pt", "d.pth", "e.gguf", "f.onnx", "g.bin", "h.sft"] {
            assert!(find(path, b"").is_some(), "{path}");
        }
        let safetensors = [&9_u64.to_le_bytes()[..], b"{\"a\":{}} ", b"\0\0"].concat();
        let gguf = [&b"GGUF\x03\0\0\0"[..], &[0; 20]].concat();
        for (bytes, kind) in [
            (&safetensors[..], "safetensors"),
            (&gguf, "GGUF"),
            (b"PK\x03\x04\0\0\0\0\0\0archive/data.pkl", "PyTorch"),
            (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "PyTorch"),
            (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
        ] {
            assert_eq!(find("notes.txt", bytes), Some(format!("{kind} file")));
        }
    }

    #[test]
    fn other_files_are_no_models() {
        let text = "{\"nodes\":[],\"links\":[]}";
        for (path, bytes) in [
            ("workflows/a.json", text.as_bytes()),
            ("a.zip", b"PK\x03\x04\0\0\0\0\0\0readme.txt"),
            ("notes.txt", b"GGUF is a format"),
            ("a.png", b"\x89PNG\r\n\x1a\n"),
            ("x", b""),
            ("fix.patch", b"--- a/x\n+++ b/x\n"),
            ("pyproject.toml", b"\x02\0\0\0\0\0\0\0[]"),
        ] {
            assert_eq!(find(path, bytes), None, "{path}");
        }
    }
}
