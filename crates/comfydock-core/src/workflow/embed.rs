//! Putting metadata into a workflow's text and taking it out, every other byte kept.

use std::ops::Range;

use serde::Serialize as _;

use super::{Error, Metadata};
use crate::json::{self, Kind, Member, Value};

/// The key under `extra`.
pub const KEY: &str = "_comfydock_metadata";

/// The text with this metadata under `extra`, replacing what was there. New text follows the file's
/// own indentation; a compact file stays compact.
///
/// # Errors
/// When the text is no JSON object, or its `extra` is neither an object nor null nor absent.
pub fn with_metadata(text: &str, metadata: &Metadata) -> Result<String, Error> {
    let root = json::parse(text)?;
    let members = object(&root)?;
    let layout = Layout::of(text, members);
    let extra = members.iter().rev().find(|member| member.key == "extra").map(|member| &member.value);
    let Some(extra) = extra else {
        let value = layout.object(1, &layout.member(KEY, &layout.metadata(metadata)));
        return Ok(append(text, &root, members, &layout, 1, &layout.member("extra", &value)));
    };
    match &extra.kind {
        Kind::Null => {
            let value = layout.object(1, &layout.member(KEY, &layout.metadata(metadata)));
            Ok(json::splice(text, &[(extra.span.clone(), value)]))
        }
        Kind::Object(inner) => {
            let mut present = inner.iter().filter(|member| member.key == KEY);
            match (present.next(), present.next()) {
                (None, _) => {
                    let member = layout.member(KEY, &layout.metadata(metadata));
                    Ok(append(text, extra, inner, &layout, 2, &member))
                }
                (Some(only), None) => {
                    let span = only.value.span.clone();
                    Ok(json::splice(text, &[(span, layout.metadata(metadata))]))
                }
                _ => with_metadata(&without_metadata(text)?, metadata),
            }
        }
        _ => Err(Error::Extra),
    }
}

/// The text without metadata. What [`with_metadata`] put into an existing object `extra` is taken out
/// to the byte; an `extra` it had to create stays, empty.
///
/// # Errors
/// When the text is no JSON object.
pub fn without_metadata(text: &str) -> Result<String, Error> {
    let root = json::parse(text)?;
    let members = object(&root)?;
    let layout = Layout::of(text, members);
    let extra = members.iter().rev().find(|member| member.key == "extra").map(|member| &member.value);
    let inner = extra.and_then(Value::as_object).unwrap_or_default();
    let (Some(extra), Some(last)) = (extra, inner.last().filter(|_| inner.iter().any(|member| member.key == KEY)))
    else {
        return Ok(text.to_owned());
    };
    let kept = inner.iter().rposition(|member| member.key != KEY);
    // Each goes with what stands before the member behind it.
    let between = inner.iter().zip(inner.iter().skip(1)).take(kept.unwrap_or_default());
    let mut gaps: Vec<Range<usize>> = between
        .filter(|(ours, _)| ours.key == KEY)
        .map(|(ours, next)| ours.key_span.start..next.key_span.start)
        .collect();
    let end = last.value.span.end;
    if let Some(kept) = kept {
        // Those at the end go with the comma before them; nothing if there are none.
        gaps.push(inner[kept].value.span.end..end);
    } else {
        let closing = layout.line(1);
        let end = if text[end..].starts_with(&closing) { end + closing.len() } else { end };
        gaps.push(extra.span.start + 1..end);
    }
    // All at once: a file may hold thousands of them.
    let edits: Vec<_> = gaps.into_iter().map(|gap| (gap, String::new())).collect();
    Ok(json::splice(text, &edits))
}

fn object(root: &Value) -> Result<&[Member], Error> {
    root.as_object().ok_or(Error::NotAWorkflow { reason: "it is not a JSON object" })
}

/// Adds a member at the end of an object `depth - 1` levels down. White space inside an empty object
/// stays behind the new member, so that it can be taken out again without a trace.
fn append(text: &str, value: &Value, members: &[Member], layout: &Layout, depth: usize, member: &str) -> String {
    let (at, new) = match members.last() {
        Some(last) => (last.value.span.end, format!(",{}{member}", layout.line(depth))),
        None => {
            let (open, close) = (layout.line(depth), layout.line(depth - 1));
            (value.span.start + 1, format!("{open}{member}{close}"))
        }
    };
    json::splice(text, &[(at..at, new)])
}

/// How the file is laid out.
struct Layout {
    /// Line end and one level of indentation; none in a compact file.
    indented: Option<(&'static str, String)>,
    /// Between a key's colon and its value.
    after_colon: &'static str,
}

impl Layout {
    /// Read off the first member of the root object.
    fn of(text: &str, members: &[Member]) -> Self {
        let Some(first) = members.first() else {
            return Self { indented: None, after_colon: "" };
        };
        let before = &text[..first.key_span.start];
        let line = before.rfind('\n').filter(|&newline| before[newline..].trim().is_empty());
        let indented = line.map(|newline| {
            let ending = if before[..newline].ends_with('\r') { "\r\n" } else { "\n" };
            (ending, before[newline + 1..].to_owned())
        });
        let between = &text[first.key_span.end..first.value.span.start];
        let after_colon = if between.ends_with([' ', '\n', '\t']) { " " } else { "" };
        Self { indented, after_colon }
    }

    /// The start of a line at this depth; nothing in a compact file.
    fn line(&self, depth: usize) -> String {
        match &self.indented {
            Some((ending, indent)) => format!("{ending}{}", indent.repeat(depth)),
            None => String::new(),
        }
    }

    fn member(&self, key: &str, value: &str) -> String {
        format!("{}:{}{value}", json::quote(key), self.after_colon)
    }

    /// An object with one member, standing at this depth.
    fn object(&self, depth: usize, member: &str) -> String {
        format!("{{{}{member}{}}}", self.line(depth + 1), self.line(depth))
    }

    /// The metadata as a value two levels down.
    fn metadata(&self, metadata: &Metadata) -> String {
        const WRITES: &str = "a Vec takes every write, and every key is a string";
        let mut bytes = Vec::new();
        match &self.indented {
            None => serde_json::to_writer(&mut bytes, metadata).expect(WRITES),
            Some((_, indent)) => {
                let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
                let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
                metadata.serialize(&mut serializer).expect(WRITES);
            }
        }
        let json = String::from_utf8(bytes).expect("serde_json writes UTF-8");
        // Strings hold no raw line feeds, so every one of them is layout.
        json.replace('\n', &self.line(2))
    }
}
