//! `RECORD` of an installed Python package: which files it put where, with their SHA-256 and size
//! (the wheel format, PEP 427 and 376).

use crate::digest::Sha256;

/// The file's name in a `.dist-info` folder.
pub const FILE: &str = "RECORD";

/// A file as it was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// Its path, relative to the folder the package was installed into (`site-packages`), `/` between
    /// segments; scripts begin with `../`.
    pub path: String,
    /// What was installed. Signed and generated files have none.
    pub sha256: Option<Sha256>,
    /// Bytes.
    pub size: Option<u64>,
}

impl RecordedFile {
    /// Whether it may be gone or changed without harm: Python's compiled files, and the record itself.
    pub fn is_passing(&self) -> bool {
        self.path.split('/').any(|part| part == "__pycache__")
            || self.path.ends_with(".pyc")
            || self.path.ends_with(&format!(".dist-info/{FILE}"))
    }
}

/// Reads a record. Lines without a path are passed over, and so are hashes and sizes that cannot be
/// read: what says nothing accuses nobody.
pub fn parse(text: &str) -> Vec<RecordedFile> {
    rows(text)
        .into_iter()
        .filter_map(|row| {
            let mut cells = row.into_iter();
            let path = cells.next().filter(|path| !path.is_empty())?.replace('\\', "/");
            let hash = cells.next().unwrap_or_default();
            let size = cells.next().unwrap_or_default();
            Some(RecordedFile { path, sha256: sha256(&hash), size: size.trim().parse().ok() })
        })
        .collect()
}

/// The rows of comma-separated text, with `"` around cells that need it (RFC 4180).
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    row.push(cell);
    rows.push(row);
    rows
}

/// `sha256=` and the digest in URL-safe base64 without padding.
fn sha256(text: &str) -> Option<Sha256> {
    let encoded = text.trim().strip_prefix("sha256=")?.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(32);
    let (mut bits, mut count) = (0_u32, 0);
    for character in encoded.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes.try_into().ok().map(Sha256::from_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of nothing.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_ENCODED: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    #[test]
    fn every_form_of_a_line_is_read() {
        let file = |path: &str, sha256: Option<&str>, size: Option<u64>| RecordedFile {
            path: path.to_owned(),
            sha256: sha256.map(|text| Sha256::parse(text).unwrap()),
            size,
        };
        for (line, expected) in [
            (format!("six.py,{EMPTY_ENCODED},0"), Some(file("six.py", Some(EMPTY), Some(0)))),
            (format!("six.py,{EMPTY_ENCODED}=,0"), Some(file("six.py", Some(EMPTY), Some(0)))),
            ("../../../bin/tqdm,sha256=short,216".to_owned(), Some(file("../../../bin/tqdm", None, Some(216)))),
            ("six-1.dist-info/RECORD,,".to_owned(), Some(file("six-1.dist-info/RECORD", None, None))),
            (r#""a ""b"", c.py",,7"#.to_owned(), Some(file(r#"a "b", c.py"#, None, Some(7)))),
            (r"pack\file.py,,1".to_owned(), Some(file("pack/file.py", None, Some(1)))),
            ("a.py,md5=abc,many".to_owned(), Some(file("a.py", None, None))),
            ("a.py".to_owned(), Some(file("a.py", None, None))),
            (",,".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(parse(&line), Vec::from_iter(expected.clone()), "{line}");
            assert_eq!(parse(&format!("{line}\r\n")), Vec::from_iter(expected), "{line}");
        }
        assert_eq!(parse("a.py,,1\nb.py,,2").len(), 2);
    }

    #[test]
    fn what_python_makes_itself_is_passing() {
        for (path, expected) in [
            ("six.py", false),
            ("__pycache__/six.cpython-311.pyc", true),
            ("pack/__pycache__/x.pyc", true),
            ("old/module.pyc", true),
            ("six-1.dist-info/RECORD", true),
            ("six-1.dist-info/METADATA", false),
            ("pack/RECORD", false),
        ] {
            assert_eq!(parse(path)[0].is_passing(), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn paths_come_back_as_they_were_written(paths in prop::collection::vec("[a-z \",\n./]{1,12}", 0..8)) {
            let line = |path: &String| format!("\"{}\",,3\n", path.replace('"', "\"\""));
            let text: String = paths.iter().map(line).collect();
            let read: Vec<String> = parse(&text).into_iter().map(|file| file.path).collect();
            prop_assert_eq!(read, paths);
        }

        #[test]
        fn nothing_makes_it_fail(text in any::<String>()) {
            parse(&text);
        }
    }
}
