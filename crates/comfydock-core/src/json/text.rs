//! Writing: single string literals and edits by span, never whole documents.

use std::fmt::Write as _;
use std::ops::Range;

/// A JSON string literal; characters outside ASCII are kept as they are.
pub fn quote(string: &str) -> String {
    let mut literal = String::with_capacity(string.len() + 2);
    literal.push('"');
    for character in string.chars() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\u{8}' => literal.push_str("\\b"),
            '\u{c}' => literal.push_str("\\f"),
            control if control < '\u{20}' => {
                write!(literal, "\\u{:04x}", u32::from(control)).expect("a String takes every write");
            }
            other => literal.push(other),
        }
    }
    literal.push('"');
    literal
}

/// `text` with every range replaced by its new text; everything else stays byte for byte.
///
/// The edits may come in any order. Two insertions at one place keep their order.
///
/// # Panics
/// When two edits overlap or one does not lie on character borders of `text`: the spans then belong
/// to another text, and writing anything would damage a user's file.
pub fn splice(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut ordered: Vec<_> = edits.iter().collect();
    ordered.sort_by_key(|(span, _)| (span.start, span.end));
    let added: usize = edits.iter().map(|(_, new)| new.len()).sum();
    let mut result = String::with_capacity(text.len() + added);
    let mut copied = 0;
    for (span, new) in ordered {
        assert!(copied <= span.start, "edits at byte {} overlap", span.start);
        result.push_str(&text[copied..span.start]);
        result.push_str(new);
        copied = span.end;
    }
    result.push_str(&text[copied..]);
    result
}

/// Where a part of a string stands inside its literal, escapes and all: `part` is a range of the
/// decoded string's bytes, `literal` the literal's span in `text`, quotes included.
///
/// # Panics
/// When `literal` is no literal of `text`.
pub fn within(text: &str, literal: &Range<usize>, part: &Range<usize>) -> Range<usize> {
    let raw = &text[literal.start + 1..literal.end - 1];
    let (mut at, mut decoded, mut start) = (0, 0, None);
    loop {
        if start.is_none() && decoded >= part.start {
            start = Some(at);
        }
        if decoded >= part.end || at >= raw.len() {
            let base = literal.start + 1;
            return base + start.unwrap_or(at)..base + at;
        }
        let (length, width) = unit(&raw[at..]);
        at += length;
        decoded += width;
    }
}

/// The first character of a literal's inside: its bytes there, and the bytes it stands for.
fn unit(raw: &str) -> (usize, usize) {
    let Some(first) = raw.chars().next() else { return (0, 0) };
    if first != '\\' {
        return (first.len_utf8(), first.len_utf8());
    }
    let code = |raw: &str| raw.strip_prefix("\\u").and_then(|rest| u32::from_str_radix(rest.get(..4)?, 16).ok());
    match code(raw) {
        None => (2.min(raw.len()), 1),
        Some(0xd800..0xdc00) if code(&raw[6..]).is_some_and(|low| (0xdc00..0xe000).contains(&low)) => (12, 4),
        Some(unit) => (6, char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER).len_utf8()),
    }
}
