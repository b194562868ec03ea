//! Files of requirements: encodings, continued lines, comments, and the files they include.

use std::collections::BTreeSet;

use super::line::{Judged, judge};
use super::{Index, Refused, Requirements};

/// Files that include each other deeper than this are nothing that a person wrote.
const DEPTH: usize = 8;

/// More bytes than any real requirements file has.
const LIMIT: usize = 1 << 20;

/// One pass through a pack's requirements.
pub(super) struct Reading<'a> {
    files: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    seen: BTreeSet<String>,
    depth: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn new(files: &'a dyn Fn(&str) -> Option<Vec<u8>>) -> Self {
        Self { files, seen: BTreeSet::new(), depth: 0 }
    }

    /// Takes one file, whose path is below the pack.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8], found: &mut Requirements) {
        self.seen.insert(path.to_owned());
        if bytes.len() > LIMIT {
            let reason = "the file is larger than 1 MiB, which no list of requirements is".to_owned();
            found.refused.push(Refused { file: path.to_owned(), line: 1, text: String::new(), reason });
            return;
        }
        for (number, text) in logical_lines(&decode(bytes)) {
            let refuse = |text: &str, reason: String| Refused {
                file: path.to_owned(),
                line: number,
                text: text.to_owned(),
                reason,
            };
            let judged = judge(&text);
            for url in judged.indexes {
                found.indexes.push(Index { file: path.to_owned(), line: number, url });
            }
            found.refused.extend(judged.refused.into_iter().map(|(text, reason)| refuse(&text, reason)));
            match judged.what {
                Judged::Nothing => {}
                Judged::Requirement(line) => found.lines.push(line),
                Judged::Include(other) => {
                    if let Err(reason) = self.include(path, &other, found) {
                        found.refused.push(refuse(&text, reason));
                    }
                }
            }
        }
    }

    fn include(&mut self, from: &str, other: &str, found: &mut Requirements) -> Result<(), String> {
        let path = beside(from, other)?;
        if self.seen.contains(&path) {
            // Twice is no more than once, and a circle has no end.
            return Ok(());
        }
        if self.depth >= DEPTH {
            return Err(format!("files include each other more than {DEPTH} deep"));
        }
        let bytes = (self.files)(&path).ok_or_else(|| format!("the pack has no file `{path}`"))?;
        self.depth += 1;
        self.file(&path, &bytes, found);
        self.depth -= 1;
        Ok(())
    }
}

/// The path of `other` as seen from the file `from`, which must stay inside the pack.
fn beside(from: &str, other: &str) -> Result<String, String> {
    let other = other.trim().trim_matches(['"', '\'']).replace('\\', "/");
    let is_drive = other.as_bytes().get(1) == Some(&b':');
    if other.is_empty() || other.starts_with(['/', '~']) || is_drive || other.contains("://") {
        return Err("only files of the pack itself can be included".to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in other.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("only files of the pack itself can be included; this leads out of it")?;
            }
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

/// UTF-8, UTF-16 of both byte orders, and what is neither as Latin-1, in which every byte is a letter.
pub(super) fn decode(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], order: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // Without the mark, as PowerShell and older tools write it: a letter and a zero.
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => wide(bytes, u16::from_le_bytes),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => wide(bytes, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        },
    }
}

/// Lines without comments, those that end in `\` joined with the next; with the number each begins at.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        // A comment is never continued, as pip reads it.
        let is_comment = line.trim_start().starts_with('#');
        let (start, mut whole) = open.take().unwrap_or((index + 1, String::new()));
        match line.trim_end().strip_suffix('\\') {
            Some(part) if !is_comment => {
                whole.push_str(part);
                open = Some((start, whole));
            }
            _ => {
                if is_comment {
                    whole.push(' ');
                }
                whole.push_str(line);
                lines.push((start, whole));
            }
        }
    }
    lines.extend(open);
    let bare = lines.into_iter().map(|(number, line)| (number, without_comment(line.trim()).trim().to_owned()));
    bare.filter(|(_, line)| !line.is_empty()).collect()
}

/// Cuts a comment: `#` at the start or after white space (`#egg=` inside a URL stays).
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (index, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return &line[..index];
        }
        before = character;
    }
    line
}
