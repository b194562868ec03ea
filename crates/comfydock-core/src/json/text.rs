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

/// A string's literal and where its escapes stand, so that parts of the string are found in it.
#[derive(Debug, Clone)]
pub struct Literal {
    /// The first byte behind the opening quote.
    start: usize,
    escapes: Vec<Escape>,
}

#[derive(Debug, Clone)]
struct Escape {
    /// Where it begins in the string, and behind it.
    string: Range<usize>,
    /// The bytes between the opening quote and its end.
    end: usize,
}

impl Literal {
    /// The literal at `span` in `text`, quotes included.
    ///
    /// # Panics
    /// When there is no literal.
    pub fn of(text: &str, span: &Range<usize>) -> Self {
        let raw = &text[span.start + 1..span.end - 1];
        let (mut at, mut string, mut escapes) = (0, 0, Vec::new());
        while let Some(plain) = raw[at..].find('\\') {
            let (length, width) = escape(&raw[at + plain..]);
            string += plain;
            at += plain + length;
            escapes.push(Escape { string: string..string + width, end: at });
            string += width;
        }
        Self { start: span.start + 1, escapes }
    }

    /// Where a part of the string stands, given in the string's bytes.
    pub fn part(&self, part: &Range<usize>) -> Range<usize> {
        self.at(part.start)..self.at(part.end)
    }

    fn at(&self, byte: usize) -> usize {
        let before = self.escapes.partition_point(|escape| escape.string.start < byte);
        let Some(escape) = before.checked_sub(1).map(|last| &self.escapes[last]) else { return self.start + byte };
        self.start + escape.end + byte.saturating_sub(escape.string.end)
    }
}

/// The escape at the start of a literal's inside: its bytes there, and the bytes it stands for.
fn escape(raw: &str) -> (usize, usize) {
    let code = |raw: &str| raw.strip_prefix("\\u").and_then(|rest| u32::from_str_radix(rest.get(..4)?, 16).ok());
    match code(raw) {
        None => (2.min(raw.len()), 1),
        Some(0xd800..0xdc00) if code(&raw[6..]).is_some_and(|low| (0xdc00..0xe000).contains(&low)) => (12, 4),
        Some(unit) => (6, char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER).len_utf8()),
    }
}
