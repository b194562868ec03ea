//! Recognising keys, tokens and passwords in what is about to be pushed (decision 50).
//!
//! Two ways: the shape that a provider gives its keys ([`shapes`]), looked for in every string of every
//! file; and a value that looks random in a place that is *named* like a secret ([`named`]), which only
//! JSON tells. Nothing here keeps or prints a secret: four characters at most.

mod document;
mod generic;
mod named;
mod shapes;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::admission::{FINDING_LIMIT, Rule};
use crate::json;
use crate::violation::{Place, Violation};

/// Characters that a secret has at least, together with what makes it one.
const SHORTEST: usize = 12;
/// Characters of a secret that are shown, so that its owner knows which one it is.
const SHOWN: usize = 4;
/// The kind of what only its place gives away.
const RANDOM_VALUE: &str = "random-value";

/// A secret in a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Found {
    /// Which kind, as in the rule's word.
    pub kind: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// Its first characters.
    pub shown: String,
    /// Where in a workflow or another JSON file; none in plain text.
    pub place: Option<Place>,
    /// The line in plain text, from 1.
    pub line: Option<usize>,
}

impl Found {
    /// As a complaint about the file.
    pub fn violation(&self, path: &str) -> Violation {
        let line = self.line.map_or_else(String::new, |line| format!(" in line {line}"));
        let hint = "revoke it at its provider if others may have seen it, and let the node read it from its own \
                    settings; then take it out, also out of the commits that have it: `git -C .cec reset --soft COMMIT~1` for the first of them, then `comfydock commit`";
        Violation {
            place: self.place.clone().map(Box::new),
            ..Violation::new(path, format!("holds {}{line} (`{}…`)", self.what, self.shown), Some(hint))
        }
        .under(Rule::Secret(self.kind))
    }
}

/// Every kind of secret that is known.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    let mut kinds: Vec<_> = shapes::kinds().chain(generic::KINDS).chain([RANDOM_VALUE]).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter()
}

/// The secrets in a file, or so many of them that the rest does not matter. Files that are neither JSON nor text are looked through all the same:
/// ComfyUI writes workflows into its pictures.
pub fn find(path: &str, bytes: &[u8]) -> Vec<Found> {
    if path.to_ascii_lowercase().ends_with(".json")
        && let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(root) = json::parse(text)
    {
        return document::find(text, &root);
    }
    let is_text = std::str::from_utf8(bytes).is_ok();
    let mut counted = (0, 1);
    let found = in_bytes(bytes).into_iter().take(FINDING_LIMIT + 1).map(|hit| {
        counted.1 += bytes[counted.0..hit.at].iter().filter(|byte| **byte == b'\n').count();
        counted.0 = hit.at;
        Found {
            kind: hit.kind,
            what: hit.what,
            shown: first_characters(&bytes[hit.secret..hit.end]),
            place: None,
            line: is_text.then_some(counted.1),
        }
    });
    found.collect()
}

/// A secret in a run of bytes.
#[derive(Debug, Clone, Copy)]
struct Hit {
    kind: &'static str,
    what: &'static str,
    /// Where the recognised text begins.
    at: usize,
    /// Where the secret itself begins.
    secret: usize,
    end: usize,
}

/// The secrets with a shape of their own, in order; a general shape gives way to a particular one.
fn in_bytes(bytes: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for run in legible_runs(bytes) {
        let moved =
            |hit: Hit| Hit { at: hit.at + run.start, secret: hit.secret + run.start, end: hit.end + run.start, ..hit };
        hits.extend(in_legible(&bytes[run.clone()]).into_iter().map(moved));
    }
    hits
}

/// Runs of letters, digits, signs and white space in ASCII that are long enough for a secret. Pictures
/// and packed files have hardly any: most of their bytes are never looked at.
fn legible_runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_legible = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    let mut runs = Vec::new();
    let mut start = 0;
    while let Some(window) = bytes.get(start..start + SHORTEST) {
        if let Some(last) = window.iter().rposition(|byte| !is_legible(*byte)) {
            start += last + 1;
            continue;
        }
        let more = bytes[start + SHORTEST..].iter().take_while(|byte| is_legible(**byte)).count();
        runs.push(start..start + SHORTEST + more);
        start += SHORTEST + more;
    }
    runs
}

fn in_legible(bytes: &[u8]) -> Vec<Hit> {
    let mut hits = shapes::find(bytes);
    let particular = hits.len();
    for hit in generic::find(bytes) {
        // In order and apart from each other: the first that ends behind the start is the only candidate.
        let next = hits[..particular].partition_point(|other| other.end <= hit.at);
        if hits[..particular].get(next).is_none_or(|other| other.at >= hit.end) {
            hits.push(hit);
        }
    }
    hits.sort_by_key(|hit| hit.at);
    hits
}

fn first_characters(secret: &[u8]) -> String {
    String::from_utf8_lossy(&secret[..secret.len().min(SHOWN)]).escape_debug().to_string()
}

/// Shannon's measure over the bytes, in bits each.
fn bits_per_byte(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    let share = |count: u32| f64::from(count) / total;
    counts.into_iter().filter(|count| *count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

/// Whether text stands where a secret will stand, as in documentation and in empty forms.
fn is_placeholder(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 10] = [
        b"xxxx",
        b"your",
        b"example",
        b"placeholder",
        b"redacted",
        b"changeme",
        b"insert",
        b"0000000000",
        b"0123456789",
        b"1234567890",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.windows(word.len()).any(|window| window == *word))
}
