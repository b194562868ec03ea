//! Reading `requirements.txt` of ComfyUI and of node packs.
//!
//! uv's own reading drops option lines without a word and accepts editable paths
//! (seen with uv 0.13), so the lines are judged here and uv gets plain requirements.

/// What a requirements file asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// PEP 508 requirements, in the file's order, without comments.
    pub lines: Vec<String>,
    /// Lines that were not taken, with the reason.
    pub refused: Vec<Refused>,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its number, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
    /// Why it was not taken.
    pub reason: &'static str,
}

/// Cuts a comment: `#` at the start or after white space (`#egg=` inside a URL stays).
fn without_comment(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    let cut =
        line.char_indices().zip(line.chars().skip(1)).find(|((_, one), other)| one.is_whitespace() && *other == '#');
    cut.map_or(line, |((index, _), _)| &line[..index])
}

fn reason_against(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if text.starts_with('-') {
        let option = lower.split([' ', '=']).next().unwrap_or_default();
        Some(match option {
            "-e" | "--editable" => "editable installs are not supported",
            "-r" | "--requirement" | "-c" | "--constraint" => "includes of other files are not followed",
            "-i" | "--index-url" | "--extra-index-url" | "-f" | "--find-links" | "--trusted-host" => {
                "a package index of its own needs your consent; add it to [[tool.uv.index]] yourself if you trust it"
            }
            _ => "this option has no meaning here",
        })
    } else if lower.contains("file://") || text.starts_with(['.', '/', '~']) {
        Some("a path on the author's machine")
    } else if lower.starts_with("git+") || lower.starts_with("http://") || lower.starts_with("https://") {
        Some("a bare URL; write it as `name @ URL`")
    } else if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        Some("it does not start with a package name")
    } else {
        None
    }
}

/// Reads a requirements file. Bytes that are no UTF-8 are replaced: requirements are ASCII, and
/// comments in other encodings must not cost the whole file.
pub fn parse(bytes: &[u8]) -> Requirements {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => {
            let units: Vec<u16> = rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').to_owned(),
    };
    let mut found = Requirements::default();
    let mut logical = String::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(start) = line.strip_suffix('\\') {
            logical.push_str(start);
            continue;
        }
        logical.push_str(line);
        let whole = std::mem::take(&mut logical);
        let bare = without_comment(whole.trim()).trim();
        // Hashes pin one file of one index; the lock has its own.
        let bare = bare.split(" --").next().unwrap_or(bare).trim();
        if bare.is_empty() {
            continue;
        }
        match reason_against(bare) {
            None => found.lines.push(bare.to_owned()),
            Some(reason) => found.refused.push(Refused { line: number + 1, text: bare.to_owned(), reason }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_taken_and_the_rest_is_named() {
        let found = parse(
            b"\xef\xbb\xbf# comment\ntorch\nnumpy>=1.25 # keep\n\nname @ git+https://x/y@main#egg=name\n-r other.txt\n--extra-index-url https://i\n\
              -e .\nfile:///x\ngit+https://x/z\nidna==3.7 \\\n  --hash=sha256:00\ncaf\xe9\n",
        );
        assert_eq!(
            found.lines,
            ["torch", "numpy>=1.25", "name @ git+https://x/y@main#egg=name", "idna==3.7", "caf\u{fffd}"]
        );
        let refused: Vec<_> = found.refused.iter().map(|refused| (refused.line, refused.text.as_str())).collect();
        assert_eq!(
            refused,
            [
                (6, "-r other.txt"),
                (7, "--extra-index-url https://i"),
                (8, "-e ."),
                (9, "file:///x"),
                (10, "git+https://x/z")
            ]
        );
    }

    #[test]
    fn utf_16_is_read() {
        let bytes: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("six\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(parse(&bytes).lines, ["six"]);
    }
}
