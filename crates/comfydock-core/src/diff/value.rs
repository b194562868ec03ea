//! Values as a difference tells them.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use crate::json::{self, Kind, Value};

/// Characters of a value that are shown on a line.
const SHOWN: usize = 48;
/// Of two long texts so many characters are shown before the first that differs.
const CONTEXT: usize = 12;

/// Bytes of a name that are told.
const LONGEST_NAME: usize = 160;

/// A value, as compact JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// A value of a workflow whose text is `text`.
    pub(super) fn of(value: &Value, text: &str) -> Self {
        let mut written = String::new();
        write(value, text, &mut written);
        Self(written)
    }

    /// A string.
    pub(super) fn string(text: &str) -> Self {
        Self(json::quote(text))
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It on a line, cut if it is long.
    pub fn shown(&self) -> String {
        cut(&self.0, 0)
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        Self(value.to_string())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A number no Rust number can hold is told as it is written.
        match serde_json::from_str::<serde_json::Value>(&self.0) {
            Ok(value) => value.serialize(serializer),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

/// Two values on a line, each cut to where they differ.
pub(super) fn shown_pair(before: &Json, after: &Json) -> (String, String) {
    let longest = before.0.chars().count().max(after.0.chars().count());
    if longest <= SHOWN {
        return (before.0.clone(), after.0.clone());
    }
    let common = before.0.chars().zip(after.0.chars()).take_while(|(one, other)| one == other).count();
    let from = if common > SHOWN - CONTEXT { common - CONTEXT } else { 0 };
    (cut(&before.0, from), cut(&after.0, from))
}

fn cut(text: &str, from: usize) -> String {
    let mut rest = text.chars().skip(from);
    let mut shown: String = rest.by_ref().take(SHOWN).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    if from > 0 { format!("…{shown}") } else { shown }
}

/// A name as it is told: one of a megabyte would be told once for each of its nodes.
pub(super) fn named(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let end = (0..=LONGEST_NAME).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", &name[..end])
}

fn write(value: &Value, text: &str, written: &mut String) {
    match &value.kind {
        Kind::Null | Kind::Bool(_) | Kind::Number => written.push_str(value.text(text)),
        Kind::String(string) => written.push_str(&json::quote(string)),
        Kind::Array(items) => {
            written.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    written.push(',');
                }
                write(item, text, written);
            }
            written.push(']');
        }
        Kind::Object(members) => {
            written.push('{');
            for (position, member) in members.iter().enumerate() {
                let comma = if position > 0 { "," } else { "" };
                write!(written, "{comma}{}:", json::quote(&member.key)).expect("a String takes every write");
                write(&member.value, text, written);
            }
            written.push('}');
        }
    }
}
