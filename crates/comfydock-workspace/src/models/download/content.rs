//! What bytes say they are.

/// What is looked at before the first byte is written.
pub(super) const LOOKED_AT: usize = 64;

/// What gzip begins with.
pub(super) const GZIP: &[u8] = b"\x1f\x8b";

/// What pages, error messages and Git LFS pointers begin with; no model does.
pub(super) fn judge_start(start: &[u8]) -> Option<&'static str> {
    let text = start.trim_ascii_start();
    let lower: Vec<u8> = text.iter().take(48).map(u8::to_ascii_lowercase).collect();
    if lower.starts_with(b"<!doctype") || lower.starts_with(b"<html") || lower.starts_with(b"<?xml") {
        Some("it sends a page, not a model")
    } else if lower.starts_with(b"version https://git-lfs") {
        Some("it sends a Git LFS pointer, not the model it stands for")
    } else if is_message(&lower) {
        Some("it sends an error message, not a model")
    } else if start.starts_with(GZIP) {
        Some("it encodes the file on the way")
    } else {
        None
    }
}

/// A JSON object's start whose first key announces an error.
fn is_message(lower: &[u8]) -> bool {
    let Some(rest) = lower.strip_prefix(b"{") else { return false };
    let rest = rest.trim_ascii_start();
    [&b"\"err"[..], b"\"message", b"\"detail", b"\"code\"", b"\"status"].iter().any(|key| rest.starts_with(key))
}

/// Whether a file of this name can run code when it is loaded.
pub fn is_pickle_name(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    matches!(ending.as_str(), "ckpt" | "pt" | "pt2" | "pth" | "bin" | "pkl" | "pickle")
}

/// Whether these first bytes are a pickle's, or those of the zip file torch puts one into.
pub(super) fn is_pickle_start(start: &[u8]) -> bool {
    matches!(start, [0x80, 2..=5, ..]) || start.starts_with(b"PK\x03\x04") || is_old_pickle(start)
}

/// The first two forms have no mark of their own: what they begin with is a container that is noted,
/// or something imported by its module's and its own name.
fn is_old_pickle(start: &[u8]) -> bool {
    let named = |line: Option<&[u8]>| {
        line.is_some_and(|line| {
            !line.is_empty() && line.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(byte))
        })
    };
    let imports = || {
        let mut lines = start[1..].split(|byte| *byte == b'\n');
        // The last piece is of no whole line.
        named(lines.next()) && named(lines.next()) && lines.next().is_some()
    };
    match start {
        [b'(', b'd' | b'l' | b't', b'p', ..] | [b'}' | b']' | b')', b'q', ..] => true,
        [b'c', ..] => imports(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_is_told_by_its_start() {
        for (start, found) in [
            (&b"<!DOCTYPE html>"[..], true),
            (b" \n<HTML>", true),
            (b"<?xml version", true),
            (b"version https://git-lfs.github.com/spec/v1", true),
            (b"{\"error\":\"x\"}", true),
            (b"{ \"message\": \"x\"}", true),
            (b"{\"code\":\"REGION_BLOCKED\"}", true),
            (b"\x1f\x8b\x08", true),
            (b"\x10\x00\x00\x00\x00\x00\x00\x00{\"__metadata__\"", false),
            (b"GGUF\x03", false),
            (b"PK\x03\x04", false),
            (b"{\"weights\": [", false),
            (b"", false),
        ] {
            assert_eq!(judge_start(start).is_some(), found, "{start:?}");
        }
    }

    #[test]
    fn pickles_are_told_by_name_and_by_content() {
        for name in ["a.ckpt", "a.PT", "b/c.pth", "x.bin", "x.pkl", "x.pickle"] {
            assert!(is_pickle_name(name), "{name}");
        }
        for name in ["a.safetensors", "a.gguf", "ckpt", "a.onnx"] {
            assert!(!is_pickle_name(name), "{name}");
        }
        assert!(is_pickle_start(b"\x80\x02}q") && is_pickle_start(b"PK\x03\x04archive"));
        for start in
            [&b"(dp0\nS'w'"[..], b"(lp0\n", b"}q\x00(", b"]q\x00", b"ccollections\nOrderedDict\n", b"cos\nsystem\n("]
        {
            assert!(is_pickle_start(start), "{start:?}");
        }
        for start in [&b"c\n\n\n"[..], b"comfy", b"ckpt of mine\nand more\n", b"(draft)", b"cos\nsystem"] {
            assert!(!is_pickle_start(start), "{start:?}");
        }
        assert!(!is_pickle_start(b"\x80") && !is_pickle_start(b"GGUF") && !is_pickle_start(b"\x80\x00\x00"));
    }
}
