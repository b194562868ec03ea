//! JSON with byte spans.
//!
//! Workflow files are never written from a data model: they are edited in place, by the spans this
//! parser keeps, so that key order, number spelling and indentation stay as they were (decision 10).
//! The parser is strict (RFC 8259) with two allowances for what JavaScript writes: duplicate keys
//! (the last one wins) and lone surrogates in `\u` escapes (read as U+FFFD).

mod parse;
mod text;

use std::ops::Range;

pub use parse::parse;
pub use text::{Literal, quote, splice};

/// Objects and lists nested deeper than this are refused.
pub const DEPTH_LIMIT: usize = 256;

/// A value and where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Bytes of the text the value covers, quotes and brackets included.
    pub span: Range<usize>,
    /// What the value is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; its text is the span, because no Rust number keeps every spelling.
    Number,
    /// A string, decoded.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// An object, its members in the order of the text, duplicates kept.
    Object(Vec<Member>),
}

/// One `"key": value` of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key, decoded.
    pub key: String,
    /// Bytes of the key, quotes included.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Value,
}

impl Value {
    /// The member `key` of an object; of duplicates the last, as in JavaScript.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.iter().rev().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(string) => Some(string),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_array(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&[Member]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The bytes of the value in the text it was parsed from.
    ///
    /// # Panics
    /// When `text` is not that text and the span does not fit it.
    pub fn text<'text>(&self, text: &'text str) -> &'text str {
        &text[self.span.clone()]
    }
}

/// Text that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, found {found}")]
pub struct Error {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What the grammar allows there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
    /// Whether the text merely ends too early: ComfyUI does not save atomically, so a file that is
    /// being written looks like this and is worth reading again.
    pub truncated: bool,
}

#[cfg(test)]
mod tests;
